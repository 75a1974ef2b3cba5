/** How the checks of the outlook are made, and how they say sizes. Pure. */
import type { DoctorCheck } from '../views.js';

export type Level = DoctorCheck['level'];

/** A check; a remedy is said only when there is something to remedy. */
export function checkOf(area: string, name: string, level: Level, words: Pick<DoctorCheck, 'detail' | 'remedy'>) {
  const ok = level === 'ok';
  return { area, name, ok, level, detail: words.detail, remedy: ok ? null : words.remedy } satisfies DoctorCheck;
}

const levels: readonly Level[] = ['ok', 'warning', 'error'];

/** The worse one. */
export function worse(a: Level, b: Level): Level {
  return levels.indexOf(a) > levels.indexOf(b) ? a : b;
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `512 B`, `1.5 GiB`: in the unit that leaves less than four digits. */
export function bytesInWords(bytes: number): string {
  let [value, index] = [bytes, 0];
  while (value >= 1_000 && index < units.length - 1) [value, index] = [value / 1_024, index + 1];
  const digits = index === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[index] ?? 'B'}`;
}

/** `a`, `a and b`, `a, b and 3 more`. */
export function listed(names: readonly string[], most = 3): string {
  const shown = names.slice(0, most);
  if (names.length > most) return `${shown.join(', ')} and ${names.length - most} more`;
  const last = shown.at(-1) ?? '';
  return shown.length < 2 ? last : `${shown.slice(0, -1).join(', ')} and ${last}`;
}
