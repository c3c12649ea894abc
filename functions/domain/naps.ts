/** Sleep of work in the background: it is cut short when there is something to do, and when the work is to end. */
export interface Naps {
  /** Until it is interrupted, or so long. */
  sleep(ms: number): Promise<void>;
  /** So long; only the end cuts it short. */
  pause(ms: number): Promise<void>;
  interrupt(): void;
}

/** @param end told by `interrupt` after it was aborted: from then on nothing sleeps */
export function makeNaps(end: AbortSignal): Naps {
  let interrupt = (): void => {};

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (end.aborted) return resolve();
      const timer = setTimeout(resolve, ms);
      interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  return {
    sleep,
    async pause(ms) {
      const until = performance.now() + ms;
      for (let left = ms; left > 0 && !end.aborted; left = until - performance.now()) await sleep(left);
    },
    interrupt: () => interrupt(),
  };
}
