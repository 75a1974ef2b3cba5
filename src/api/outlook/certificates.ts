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

const certificateText = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** When the first of the certificates in a file ends, in Unix milliseconds; null: it holds none that can be read. */
export function endOfValidity(text: string): number | null {
  const ends = (text.match(certificateText) ?? []).flatMap((pem) => {
    try {
      return [Date.parse(new X509Certificate(pem).validTo)];
    } catch {
      // Not one after all: whoever uses it will say so.
      return [];
    }
  });
  const known = ends.filter((endMs) => !Number.isNaN(endMs));
  return known.length === 0 ? null : Math.min(...known);
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
