/** How long to wait before the next try. Pure: chance is an argument. */

export interface BackoffSettings {
  /** The first wait, in milliseconds. */
  readonly firstMs: number;
  /** The longest wait, in milliseconds. */
  readonly longestMs: number;
  /** A program that ran this long has recovered: its earlier failures are forgotten. */
  readonly forgetAfterMs: number;
}

export const defaultBackoff: BackoffSettings = Object.freeze({
  firstMs: 1_000,
  longestMs: 300_000,
  forgetAfterMs: 600_000,
});

const jitterShare = 0.1;

/**
 * Milliseconds to wait after `failures` failures in a row, doubling from `firstMs` to `longestMs`, with
 * up to ten per cent of jitter either way. `chance` is in [0, 1). No failure, no wait.
 */
export function backoffMs(failures: number, chance: number, settings: BackoffSettings = defaultBackoff): number {
  if (failures <= 0) return 0;
  const doublings = Math.min(failures - 1, 30);
  const base = Math.min(settings.longestMs, settings.firstMs * 2 ** doublings);
  return Math.round(base * (1 - jitterShare + 2 * jitterShare * chance));
}

/**
 * The wait after a program ended: the first end after good health is answered at once, the following
 * ones back off.
 */
export function restartDelayMs(failures: number, chance: number, settings: BackoffSettings = defaultBackoff): number {
  return backoffMs(failures - 1, chance, settings);
}
