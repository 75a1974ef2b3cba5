/**
 * How long agents have run, and which revision was the newest when: by that alone the registry tells how old an entry is
 * at least. A wall clock may be wrong for a while, and so may be every time that it wrote; what passed while no agent
 * ran, or the host slept, is not known, so it ages nothing.
 */
import type { Session } from './session.js';

/** Counted in whole minutes, so that a pass soon after another one writes nothing. In milliseconds. */
const unitMs = 60_000;
/** What is old by days need not be told more finely. In milliseconds of running. */
const markEveryMs = 24 * 60 * 60 * 1000;

/** What a process has not counted yet of its own running. */
export class Stopwatch {
  readonly #monotonic: () => number;
  #countedMs: number;

  /** Begins now. `monotonic` answers milliseconds that nobody can set. */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
    this.#countedMs = monotonic();
  }

  /** Milliseconds since what was taken before. What is taken and then not written counts for nothing: never twice. */
  take(): number {
    const passedMs = Math.floor((this.#monotonic() - this.#countedMs) / unitMs) * unitMs;
    this.#countedMs += passedMs;
    return passedMs;
  }
}

/** What counting needs of a transaction. */
interface Step {
  readonly session: Session;
  touch(): void;
}

interface MetaRow {
  readonly ran_ms: number;
  readonly revision: number;
}

/**
 * Counts `passedMs` more, and notes the revision when it is time to. Answers the newest revision that is at least
 * `ageMs` old, for each of `agesMs`; 0: none is.
 */
export function countRunning(step: Step, passedMs: number, agesMs: readonly number[]): readonly number[] {
  const { session } = step;
  if (passedMs > 0) {
    step.touch();
    session.prepare('update meta set ran_ms = ran_ms + ?').run(passedMs);
  }
  const { ran_ms: ranMs, revision } = session.prepare('select ran_ms, revision from meta').get() as MetaRow;
  const last = lastMark(session, ranMs);
  if (last === undefined || last.ran_ms <= ranMs - markEveryMs) {
    step.touch();
    session.prepare('insert into running_marks (ran_ms, revision) values (?, ?)').run(ranMs, revision);
    forgetMarks(session, ranMs - Math.max(...agesMs));
  }
  return agesMs.map((ageMs) => lastMark(session, ranMs - ageMs)?.revision ?? 0);
}

/** The newest mark that was made by then. */
function lastMark(session: Session, ranMs: number): MetaRow | undefined {
  const text = 'select ran_ms, revision from running_marks where ran_ms <= ? order by ran_ms desc limit 1';
  return session.prepare(text).get(ranMs) as MetaRow | undefined;
}

/** Nobody asks for what lies before the newest one of then. */
function forgetMarks(session: Session, ranMs: number): void {
  const newest = lastMark(session, ranMs);
  if (newest !== undefined) session.prepare('delete from running_marks where ran_ms < ?').run(newest.ran_ms);
}
