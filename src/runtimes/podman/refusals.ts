/** What podman's refusals mean, in Berth's codes. Pure; podman's own words are kept. */
import { BerthError, type ErrorCode } from '../../core/errors.js';

/** An answer of libpod that says no. Format: `{"cause", "message", "response"}` (podman's errorhandling.ErrorModel). */
export interface Refusal {
  readonly status: number;
  /** Podman's root cause, `no such container`. */
  readonly cause: string;
  /** Podman's whole sentence. */
  readonly message: string;
}

/** Reads the body of a refusal; whatever it is, something readable comes out. */
export function readRefusal(status: number, body: string): Refusal {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null) {
      const { cause, message } = value as { cause?: unknown; message?: unknown };
      if (typeof message === 'string') return { status, message, cause: typeof cause === 'string' ? cause : '' };
    }
  } catch {
    // Not JSON: a proxy, or an older podman; its text is the message.
  }
  const text = body.trim().slice(0, 2_000);
  return { status, cause: '', message: text === '' ? `HTTP status ${status}` : text };
}

interface Rule {
  readonly code: ErrorCode;
  readonly pattern: RegExp;
}

/** In order: the first that matches wins. The words are those of podman 4.3 to 5.x, its OCI runtimes and network tools. */
const rules: readonly Rule[] = [
  { code: 'E_DISK_FULL', pattern: /no space left on device|disk quota exceeded/i },
  {
    code: 'E_PORT_TAKEN',
    pattern: /address already in use|port is already allocated|proxy already running|conflicts with existing listener/i,
  },
  { code: 'E_NAME_TAKEN', pattern: /name .*already in use|that name is already in use|container already exists/i },
  { code: 'E_IMAGE_MISSING', pattern: /image not known|no such image|failed to find image/i },
  {
    code: 'E_WORKLOAD_MISSING',
    pattern: /no such container|no container with (name|id)|container has already been removed/i,
  },
  { code: 'E_VOLUME_SOURCE', pattern: /^statfs .*no such file or directory/i },
];

/** The port that a refusal speaks of; undefined when it names none. */
export function portOf(message: string): number | undefined {
  const match =
    /(?:\d{1,3}(?:\.\d{1,3}){3}|\]|localhost):(\d{1,5})\b/.exec(message) ?? /port (\d{1,5})\b/i.exec(message);
  const port = Number(match?.[1]);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}

/** The code that fits a refusal. */
export function codeOf(refusal: Refusal): ErrorCode {
  const words = `${refusal.message}\n${refusal.cause}`;
  return rules.find((rule) => rule.pattern.test(words))?.code ?? 'E_DRIVER_FAILED';
}

/** The suggestion where podman's words allow a better one than the code's own. */
function suggestionOf(refusal: Refusal): string | undefined {
  const words = refusal.message;
  if (/setting rlimit|setrlimit/i.test(words)) {
    return 'this host does not allow podman its default ulimits; see: berth doctor';
  }
  if (/cgroups in hybrid mode/i.test(words)) return 'install runc: crun does not work with hybrid cgroups';
  if (/rootlessport.*permission denied|bind: permission denied/i.test(words)) {
    return 'without root publish a port of 1024 or more, or lower net.ipv4.ip_unprivileged_port_start';
  }
  return undefined;
}

/** A refusal as the error that a user meets. `what` says what was tried: `start shop-web`. */
export function errorOfRefusal(refusal: Refusal, what: string): BerthError {
  const code = codeOf(refusal);
  const port = code === 'E_PORT_TAKEN' ? portOf(refusal.message) : undefined;
  const suggestion = suggestionOf(refusal);
  const lead = port === undefined ? `podman could not ${what}` : `podman could not ${what}: port ${port} is taken`;
  return new BerthError(code, `${lead}: ${refusal.message}`, {
    details: { podman: refusal.message, cause: refusal.cause, status: refusal.status, ...(port ? { port } : {}) },
    ...(suggestion ? { suggestion } : {}),
  });
}
