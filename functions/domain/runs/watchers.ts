/**
 * Wakes those in this process who wait for a run. It is a shortcut: whoever waits also looks at the table now and then,
 * since the change may come from another process.
 */
export interface Watchers {
  /** Grows with every change of the run that this process made; read it before reading the table. */
  version(run_id: string): number;
  touch(run_id: string): void;
  /** The run has ended and will not change again. */
  forget(run_id: string): void;
  /** Resolves when the version is no longer `seen`, after `wait_ms`, or when `signal` aborts. */
  changed(run_id: string, seen: number, wait_ms: number, signal: AbortSignal): Promise<void>;
}

export function makeWatchers(): Watchers {
  const versions = new Map<string, number>();
  const waiting = new Map<string, Set<() => void>>();

  function version(run_id: string): number {
    return versions.get(run_id) ?? 0;
  }

  function wake(run_id: string): void {
    for (const finish of waiting.get(run_id) ?? []) finish();
  }

  return {
    version,

    touch(run_id) {
      versions.set(run_id, version(run_id) + 1);
      wake(run_id);
    },

    forget(run_id) {
      versions.delete(run_id);
      wake(run_id);
    },

    changed(run_id, seen, wait_ms, signal) {
      return new Promise((resolve) => {
        if (signal.aborted || version(run_id) !== seen) {
          resolve();
          return;
        }
        const finishes = waiting.get(run_id) ?? new Set<() => void>();
        waiting.set(run_id, finishes);
        const finish = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', finish);
          finishes.delete(finish);
          if (finishes.size === 0) waiting.delete(run_id);
          resolve();
        };
        const timer = setTimeout(finish, wait_ms);
        signal.addEventListener('abort', finish);
        finishes.add(finish);
      });
    },
  };
}
