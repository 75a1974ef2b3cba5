/** What can be wrong with the texts of a definition, each in words of its own. Pure but for `node:net`. */
import { isIP } from 'node:net';
import { isValidName, maxNameLength, namePattern } from '../core/names.js';
import { isCleanAbsolutePath, limits, parsePort, parseVolume } from '../core/spec.js';
import type { Fault } from './fault.js';
import { quote } from './show.js';

const maxNodeLength = 63;
const maxVolumeLength = 63;
const controlPattern = /[\u0000-\u001f\u007f-\u009f]/;
const freeControlPattern = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

const codeName = (text: string, pattern: RegExp): string => {
  const code = pattern.exec(text)?.[0]?.charCodeAt(0) ?? 0;
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
};

function lengthFault(text: string): Fault | undefined {
  if (text.length <= limits.textLength) return undefined;
  return {
    message: `the text has ${text.length} characters`,
    suggestion: `at most ${limits.textLength} characters; put longer ones into a file of a volume`,
  };
}

/** Free text: anything but control characters other than tab and line ends. */
export function textFault(text: string): Fault | undefined {
  if (freeControlPattern.test(text)) {
    return {
      message: `${quote(text)} holds the control character ${codeName(text, freeControlPattern)}`,
      suggestion: 'leave it out; only tabs and line ends may stand in a text',
    };
  }
  return lengthFault(text);
}

/** One line of text that is not empty. */
export function lineFault(text: string): Fault | undefined {
  if (text === '') return { message: 'the text is empty', suggestion: 'write something, or leave the key out' };
  if (controlPattern.test(text)) {
    return {
      message: `${quote(text)} holds the control character ${codeName(text, controlPattern)}`,
      suggestion: 'leave it out; no control character can stand here',
    };
  }
  return lengthFault(text);
}

/** A name made from a text that is none; undefined when nothing is left of it. */
function repairedName(text: string): string | undefined {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[-0-9]+/, '')
    .slice(0, maxNameLength)
    .replace(/-+$/, '');
  return isValidName(name) ? name : undefined;
}

/** Names of services and components. */
export function nameFault(text: string): Fault | undefined {
  if (isValidName(text)) return undefined;
  const repaired = repairedName(text);
  const rule = `lower-case letters, digits and single dashes, beginning with a letter, at most ${maxNameLength} characters`;
  const suggestion = repaired === undefined ? rule : `${rule}; for example ${quote(repaired)}`;
  return { message: `${quote(text)} is no name: ${nameReason(text)}`, suggestion };
}

function nameReason(text: string): string {
  if (text === '') return 'it is empty';
  if (text.length > maxNameLength) return `it has ${text.length} characters`;
  const stranger = /[^a-zA-Z0-9-]/.exec(text)?.[0];
  if (stranger !== undefined) return `it holds ${quote(stranger)}`;
  if (text !== text.toLowerCase()) return 'it has upper-case letters';
  if (/^[0-9]/.test(text)) return 'it begins with a digit';
  if (text.startsWith('-') || text.endsWith('-')) return 'it begins or ends with a dash';
  return 'it has two dashes in a row';
}

/** Names of nodes. */
export function nodeFault(text: string): Fault | undefined {
  if (namePattern.test(text) && text.length <= maxNodeLength) return undefined;
  return {
    message: `${quote(text)} is no name of a node`,
    suggestion: `lower-case letters, digits and single dashes, at most ${maxNodeLength}; "local" is this one`,
  };
}

/** Published ports. */
export function portFault(text: string): Fault | undefined {
  const form = 'write host-port:port, or address:host-port:port, for example "127.0.0.1:8080:80"; add /udp for UDP';
  const fault = (reason: string, suggestion = form): Fault => ({
    message: `${quote(text)} is no port mapping: ${reason}`,
    suggestion,
  });
  const mapping = parsePort(text);
  if (mapping) {
    if (isIP(mapping.hostIp) !== 0) return undefined;
    return fault(`${quote(mapping.hostIp)} is no IP address`);
  }
  const [numbers = '', protocol] = text.split('/');
  if (/^\d+$/.test(numbers))
    return fault('it names one port only', `name the port of the host and that inside: "${numbers}:${numbers}"`);
  if (protocol !== undefined && !/^(?:tcp|udp)$/.test(protocol))
    return fault(`${quote(protocol)} is no protocol`, 'end it with /tcp or /udp, or with nothing for TCP');
  const outOfRange = /(?:^|:)(\d+)(?=:|$)/g;
  for (const [, digits = ''] of numbers.matchAll(outOfRange)) {
    const port = Number(digits);
    if (port < 1 || port > 65_535)
      return fault(`the port ${digits} is out of range`, 'a port is a number from 1 to 65535');
  }
  if (/^[^:]*-[^:]*:/.test(numbers) && /\d-\d/.test(numbers))
    return fault('it names a range', 'write one entry a port');
  return fault('it is not of that form');
}

const volumeForm =
  'write name:/path for a named volume or /host/path:/path for a folder of the host; add :ro for read only';

/** A reason, and what would be right where the general form does not say it. */
type Reason = readonly [reason: string, suggestion?: string];

/** Volumes and mounted host paths. */
export function volumeFault(text: string): Fault | undefined {
  const control = lineFault(text);
  if (control) return control;
  if (parseVolume(text)) return undefined;
  const [source = '', target, mode, ...rest] = text.split(':');
  const [reason, suggestion = volumeForm] =
    volumeFormReason(source, target, mode, rest.length) ??
    volumeSourceReason(source) ??
    volumeTargetReason(source, target ?? '');
  return { message: `${quote(text)} is no volume: ${reason}`, suggestion };
}

function volumeFormReason(source: string, target?: string, mode?: string, more = 0): Reason | undefined {
  if (more > 0) return ['it has too many colons'];
  if (target === undefined) return ['it does not say where to mount it'];
  if (source === '') return ['it names neither a volume nor a host path'];
  return mode === undefined ? undefined : volumeOptionsReason(source, mode);
}

const volumeOptions =
  'the options are ro, rw and, for a named volume, size_mb=N, with commas between, for example :ro,size_mb=512';

function volumeOptionsReason(source: string, text: string): Reason | undefined {
  const { min, max } = limits.volumeSizeMb;
  const options = text.split(',');
  for (const option of options) {
    const size = /^size_mb=(.*)$/.exec(option)?.[1];
    if (option === 'ro' || option === 'rw') continue;
    if (size === undefined) return [`${quote(option)} is no option`, volumeOptions];
    if (!/^\d{1,9}$/.test(size) || Number(size) < min || Number(size) > max) {
      return [`${quote(size)} is no size`, `a size is a whole number of mebibytes from ${min} to ${max}`];
    }
    if (source.startsWith('/')) return ['a folder of the host has no size', 'leave size_mb out, or name a volume'];
  }
  const modes = options.filter((option) => option === 'ro' || option === 'rw');
  if (modes.length < 2 && options.length - modes.length < 2) return undefined;
  return ['it has an option twice', volumeOptions];
}

function volumeSourceReason(source: string): Reason | undefined {
  const whole = 'write the whole path of the host, from its first slash';
  if (source.startsWith('~')) return ['"~" is not expanded', whole];
  if (hasDots(source)) return [`${quote(source)} climbs with "." or ".."`, `${whole}, without "." and ".." in it`];
  if (source.startsWith('/')) return hasEmptyPart(source) ? emptyPart : undefined;
  if (source.includes('/')) return [`${quote(source)} is a relative path`, whole];
  if (namePattern.test(source) && source.length <= maxVolumeLength) return undefined;
  return [
    `${quote(source)} is no name of a volume`,
    `a volume is named in lower-case letters, digits and single dashes, beginning with a letter, at most ${maxVolumeLength} characters`,
  ];
}

function volumeTargetReason(source: string, target: string): Reason {
  if (target === '/') return ['it would hide the whole file system of the image', 'mount it at a path below /'];
  if (!target.startsWith('/')) {
    return [`the path inside, ${quote(target)}, is not absolute`, `for example ${quote(`${source}:/${target}`)}`];
  }
  if (hasDots(target)) return [`the path inside, ${quote(target)}, holds "." or ".."`, 'write it without "." and ".."'];
  return emptyPart;
}

const emptyPart: Reason = [
  'a path has an empty part between slashes',
  'write single slashes between the parts, and none at the end',
];
const hasDots = (path: string): boolean => path.split('/').some((part) => part === '.' || part === '..');
const hasEmptyPart = (path: string): boolean => path !== '/' && path.slice(1).split('/').includes('');

/** Names of environment variables and build arguments. */
export function envKeyFault(text: string): Fault | undefined {
  if (/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(text) && text.length <= 255) return undefined;
  return {
    message: `${quote(text)} is no name of a variable`,
    suggestion:
      'letters, digits, underscores, dots and dashes, beginning with a letter or underscore, for example LOG_LEVEL',
  };
}

/** Who the program runs as. */
export function userFault(text: string): Fault | undefined {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?$/.test(text) && text.length <= 128)
    return undefined;
  return {
    message: `${quote(text)} is no user`,
    suggestion: 'a user, or user:group, as numbers or names of the image, for example "1000:1000"',
  };
}

/** Paths of files and folders of the host, absolute or below the definition's folder. */
export function hostPathFault(text: string): Fault | undefined {
  const fault = lineFault(text);
  if (fault) return fault;
  if (text !== '~' && !text.startsWith('~/')) return undefined;
  return {
    message: `${quote(text)} begins with "~", which is not expanded`,
    suggestion: 'write the whole path, or one relative to this file',
  };
}

/** A file inside the build context. */
export function insidePathFault(text: string): Fault | undefined {
  const fault = lineFault(text);
  if (fault) return fault;
  if (!text.startsWith('/') && !text.split('/').includes('..')) return undefined;
  return {
    message: `${quote(text)} is not inside the build context`,
    suggestion: 'name a file below the context, for example "Containerfile"',
  };
}

/** Paths of the image that a unikernel takes along. */
export function filesFault(text: string): Fault | undefined {
  const fault = lineFault(text);
  if (fault) return fault;
  if (isCleanAbsolutePath(text)) return undefined;
  const right = 'write the whole path inside the image, for example "/www"';
  if (!text.startsWith('/')) return { message: `${quote(text)} is no path of the image`, suggestion: right };
  return {
    message: `${quote(text)} is no path of the image: it has ".", ".." or an empty part`,
    suggestion: 'write it without "." and "..", with single slashes, and none at the end',
  };
}

/** The path of an HTTP probe. */
export function httpPathFault(text: string): Fault | undefined {
  const fault = lineFault(text);
  if (fault) return fault;
  if (text.startsWith('/') && !/\s/.test(text)) return undefined;
  return {
    message: `${quote(text)} is no path`,
    suggestion: 'a path that begins with a slash, for example "/healthz"',
  };
}
