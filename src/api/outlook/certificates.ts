/** Certificates that definitions mount as files: until when they are valid. Pure. */
import { X509Certificate } from 'node:crypto';
import { formatKey } from '../../core/names.js';
import type { ComponentRecord } from '../../core/ports/registry.js';
import { parseVolume } from '../../core/spec.js';
import { isoTime } from '../status-view.js';
import type { DoctorCheck } from '../views.js';
import { checkOf, listed } from './check.js';

/** A file of the host that looks like a certificate, and who mounts it. */
export interface CertificateFile {
  readonly path: string;
  /** `service/component`. */
  readonly users: readonly string[];
}

const certificateName = /\.(?:pem|crt|cer)$/i;

/** The files of the host that components mount one by one; what lies in mounted folders is not looked for. */
export function certificateFiles(records: readonly ComponentRecord[]): readonly CertificateFile[] {
  const users = new Map<string, string[]>();
  for (const { key, spec, deleting } of records) {
    if (deleting) continue;
    for (const text of spec.volumes) {
      const mount = parseVolume(text);
      if (mount?.kind !== 'host' || !certificateName.test(mount.source)) continue;
      const known = users.get(mount.source);
      if (known === undefined) users.set(mount.source, [formatKey(key)]);
      else known.push(formatKey(key));
    }
  }
  return [...users].map(([path, names]) => ({ path, users: names }));
}

const [begin, end] = ['-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----'];
/** A chain is shorter than this; what is longer is a list of those that somebody trusts, and old ones in it do no harm. */
const longestChain = 10;

/**
 * When the first certificate in a file ends, in Unix milliseconds: the one that a server shows as its own (RFC 5246,
 * 7.4.2). Those behind it are of its issuers, and of more than one of them the one that ended is often not used any more.
 * null: the file holds none that can be read, or a list of trusted ones.
 */
export function endOfValidity(text: string): number | null {
  const certificates = certificatesIn(text, longestChain + 1);
  if (certificates.length > longestChain) return null;
  for (const pem of certificates) {
    try {
      const endMs = Date.parse(new X509Certificate(pem).validTo);
      return Number.isNaN(endMs) ? null : endMs;
    } catch {
      // Not one after all: whoever uses it will say so.
    }
  }
  return null;
}

/** At most so many, from the beginning; the work is that of one reading, whatever the text. */
function certificatesIn(text: string, most: number): readonly string[] {
  const found: string[] = [];
  for (let from = text.indexOf(begin); from >= 0 && found.length < most;) {
    const last = text.indexOf(end, from);
    if (last < 0) break;
    found.push(text.slice(from, last + end.length));
    from = text.indexOf(begin, last);
  }
  return found;
}

const dayMs = 24 * 3_600_000;
/** Whoever renews in time has renewed by then. */
const soonMs = 14 * dayMs;

export function certificateCheck(file: CertificateFile, endMs: number, nowMs: number): DoctorCheck {
  const leftMs = endMs - nowMs;
  const level = leftMs <= 0 ? 'error' : leftMs < soonMs ? 'warning' : 'ok';
  const words = leftMs <= 0 ? 'no longer valid since' : 'valid until';
  const detail = `${words} ${isoTime(endMs)}; mounted by ${listed(file.users)}`;
  const remedy = `renew it, then: berth restart ${file.users[0] ?? ''}`;
  return checkOf('certificates', file.path, level, { detail, remedy });
}
