/** One change at a time, with a word of what came of it. */
import { useRef, useState } from 'preact/hooks';
import { Refusal } from '../api.js';
import { useScene } from '../scene.js';

/** By its answer a button may mean the opposite, which the second half of a double click does not. */
const restMs = 500;

/** `run` carries one change out and says what came of it; while it goes on, and for a moment after, `isBusy` is true. */
export function useAction() {
  const { toast } = useScene();
  const [isBusy, setBusy] = useState(false);
  // What is drawn lags behind: two clicks may come before it.
  const isGoingOn = useRef(false);
  const run = (done: string, action: () => Promise<unknown>, then?: () => void, otherwise?: () => void): void => {
    if (isGoingOn.current) return;
    isGoingOn.current = true;
    setBusy(true);
    action()
      .then(
        () => {
          toast.set({ text: done, isBad: false });
          then?.();
        },
        (error: unknown) => {
          toast.set({ text: wordsOf(error), isBad: true });
          otherwise?.();
        },
      )
      .finally(() => {
        setTimeout(() => {
          isGoingOn.current = false;
          setBusy(false);
        }, restMs);
      });
  };
  return { run, isBusy };
}

function wordsOf(error: unknown): string {
  if (error instanceof Refusal) {
    const next = error.suggestion === '' ? '' : `. Next: ${error.suggestion}`;
    return `${error.code}: ${error.message}${next}`;
  }
  return error instanceof Error ? error.message : String(error);
}
