/** The runs whose sandbox belongs to this process. */
export interface LiveRuns {
  /** `cancel` stops the sandbox. */
  open(run_id: string, cancel: () => Promise<void>): LiveRun;
  /** Stops the sandbox and what it waits for; nothing where another process has it. */
  stop(run_id: string): void;
  /** Aborts when the run is stopped or has ended: an upstream request of a dead run is nobody's. */
  readonly signalOf: (run_id: string) => AbortSignal | undefined;
}

export interface LiveRun {
  readonly signal: AbortSignal;
  stop(): void;
  close(): void;
}

export function makeLiveRuns(): LiveRuns {
  const runs = new Map<string, LiveRun>();
  return {
    open(run_id, cancel) {
      const controller = new AbortController();
      const run: LiveRun = {
        signal: controller.signal,
        stop() {
          controller.abort();
          // A host that cannot cancel has lost its process, and `start` rejects for that reason.
          cancel().catch(() => undefined);
        },
        close() {
          controller.abort();
          if (runs.get(run_id) === run) runs.delete(run_id);
        },
      };
      runs.set(run_id, run);
      return run;
    },

    stop: (run_id) => runs.get(run_id)?.stop(),

    signalOf: (run_id) => runs.get(run_id)?.signal,
  };
}
