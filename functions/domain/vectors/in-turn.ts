/** Runs work one after the other, in the order of the calls; one that fails stops no later one. */
export function inTurn(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
}

/**
 * Runs `work` for many callers at once: whoever calls while a run is under way shares the next one, which begins after
 * its call. So each sees what was there when it asked, and no crowd makes a queue.
 */
export function shared<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  return () =>
    (next ??= running.then(() => {
      next = undefined;
      const mine = work();
      running = mine.catch(() => undefined);
      return mine;
    }));
}
