/** The runs whose sandbox belongs to this process. */
export interface LiveRuns {
  open(run_id: string, cancel: () => Promise<void>): LiveRun;
  /** Stops the sandbox and what it waits for; nothing where another process has it. */
  stop(run_id: string): void;
  /** Aborts when the run is stopped or has ended: an upstream request of a dead run is nobody's. */
  signalOf(run_id: string): AbortSignal | undefined;
  close(run_id: string): void;
}

export interface LiveRun {
  stop(): void;
}

export function makeLiveRuns(): LiveRuns {
  const runs = new Map<string, { controller: AbortController; cancel: () => Promise<void> }>();

  function stop(run_id: string): void {
    const run = runs.get(run_id);
    if (run === undefined) return;
    // A host that cannot cancel has lost its process, and `start` rejects for that reason.
    run.cancel().catch(() => undefined);
    run.controller.abort();
  }

  return {
    open(run_id, cancel) {
      runs.set(run_id, { controller: new AbortController(), cancel });
      return { stop: () => stop(run_id) };
    },

    stop,

    signalOf: (run_id) => runs.get(run_id)?.controller.signal,

    close(run_id) {
      runs.get(run_id)?.controller.abort();
      runs.delete(run_id);
    },
  };
}
