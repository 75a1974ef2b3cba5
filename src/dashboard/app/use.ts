/** Hooks that tie cells and requests to what is drawn. */
import { useCallback, useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';
import type { Cell } from '../model/cell.js';

/** The value of a cell; whoever uses it is drawn again when it changes, and nobody else is. */
export function useCell<T>(cell: Cell<T>): T {
  const [, poke] = useReducer((count: number) => count + 1, 0);
  const value = cell.get();
  useLayoutEffect(() => {
    if (!Object.is(cell.get(), value)) poke(undefined);
    return cell.follow(() => {
      poke(undefined);
    });
    // What is drawn once is followed from then on; the value is compared only at first.
  }, [cell]);
  return value;
}

/** How a request goes. */
export interface Loaded<T> {
  /** The newest answer; null: none yet. */
  readonly value: T | null;
  readonly error: Error | null;
  readonly reload: () => void;
}

/**
 * What a request answers, asked again whenever `keys` change or `reload` is called. An answer that is overtaken by a
 * later question is dropped; while a new one is asked for, the old one stays.
 */
export function useLoaded<T>(ask: (signal: AbortSignal) => Promise<T>, keys: readonly unknown[]): Loaded<T> {
  const [state, setState] = useState<{ readonly value: T | null; readonly error: Error | null }>({
    value: null,
    error: null,
  });
  const [round, setRound] = useState(0);
  const reload = useCallback(() => {
    setRound((count) => count + 1);
  }, []);
  useEffect(() => {
    const control = new AbortController();
    ask(control.signal).then(
      (value) => {
        if (!control.signal.aborted) setState({ value, error: null });
      },
      (error: unknown) => {
        if (control.signal.aborted) return;
        setState((old) => ({ value: old.value, error: error instanceof Error ? error : new Error(String(error)) }));
      },
    );
    return () => {
      control.abort();
    };
  }, [...keys, round]);
  return { ...state, reload };
}

/** A value that follows another once that has rested for a while. */
export function useRested<T>(value: T, restMs: number): T {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => {
      setRested(value);
    }, restMs);
    return () => {
      clearTimeout(timer);
    };
  }, [value, restMs]);
  return rested;
}

/** Runs something when a value has changed, and not the first time. */
export function useChange(value: unknown, then: () => void): void {
  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current) isFirst.current = false;
    else then();
  }, [value]);
}
