/** Durations, times and sizes as people write them. */
import { BerthError } from '../core/errors.js';

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const pattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/;

/** `90s`, `5m`, `2h`, `1d`, `500ms`, or bare seconds, as milliseconds. E_USAGE names `what`. */
export function parseDuration(text: string, what: string): number {
  const match = pattern.exec(text);
  const unit = unitMs[match?.[2] ?? 's'];
  if (match === null || unit === undefined) {
    throw new BerthError('E_USAGE', `${what} wants a duration, not "${text}"`, {
      suggestion: 'write a number and a unit: 90s, 5m, 2h',
    });
  }
  return Math.round(Number(match[1]) * unit);
}

/** A duration back from `nowMs`, or an ISO 8601 time, as Unix milliseconds. E_USAGE names `what`. */
export function parseSince(text: string, nowMs: number, what: string): number {
  if (pattern.test(text)) return nowMs - parseDuration(text, what);
  const atMs = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(atMs)) return atMs;
  throw new BerthError('E_USAGE', `${what} wants a duration or a time, not "${text}"`, {
    suggestion: 'write 10m, 2h, or 2026-01-31T12:00:00Z',
  });
}

/** An age for a narrow column: `12s`, `5m`, `3h`, `9d`. */
export function formatAge(ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1_000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** A size for people: `0 B`, `12 KiB`, `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = Math.max(0, bytes);
  let unit = 0;
  while (size >= 1_024 && unit < units.length - 1) {
    size /= 1_024;
    unit += 1;
  }
  return `${unit === 0 || size >= 10 ? Math.round(size) : Math.round(size * 10) / 10} ${units[unit] ?? ''}`;
}

/** A time for people, in their own zone: `2026-01-31 12:00:05`. */
export function formatTime(iso: string): string {
  const date = new Date(iso);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
