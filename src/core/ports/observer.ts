/** Whoever counts what the controller does; nothing is decided by it. */
export interface ReconcileObserver {
  /** A component had its turn, so many milliseconds after it was due. */
  turn(lateMs: number): void;
  /** It was looked at, for so many milliseconds. `put-off`: something failed, and it is tried again. */
  looked(tookMs: number, outcome: 'done' | 'put-off'): void;
}
