/** One run of a task at a time, and none missed. Pure. */

/**
 * Who asks while a run is under way gets one that begins afterwards, for that run may have read before what they know of;
 * all who ask meanwhile share it. Rejects as that run does.
 */
export function oneAtATime(task: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;

  const begin = (): Promise<void> => {
    const run = task().finally(() => {
      running = null;
    });
    running = run;
    return run;
  };

  const afterwards = async (before: Promise<void>): Promise<void> => {
    // Its failure is for those who asked for it.
    await before.catch(() => undefined);
    next = null;
    await (running === null ? begin() : ask());
  };

  const ask = (): Promise<void> => {
    if (running === null) return begin();
    next ??= afterwards(running);
    return next;
  };

  return ask;
}
