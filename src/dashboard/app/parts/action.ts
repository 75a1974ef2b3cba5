/** One change at a time, with a word of what came of it. */
import { useState } from 'preact/hooks';
import { Refusal } from '../api.js';
import { useScene } from '../scene.js';

/** `run` carries one change out and says what came of it; while it goes on, `isBusy` is true. */
export function useAction() {
  const { toast } = useScene();
  const [isBusy, setBusy] = useState(false);
  const run = (done: string, action: () => Promise<unknown>, then?: () => void): void => {
    if (isBusy) return;
    setBusy(true);
    action()
      .then(
        () => {
          toast.set({ text: done, isBad: false });
          then?.();
        },
        (error: unknown) => {
          toast.set({ text: wordsOf(error), isBad: true });
        },
      )
      .finally(() => {
        setBusy(false);
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
