import { makeNaps } from '../naps.ts';
import type { Cosigner } from './make-cosigner.ts';

export interface CosigningWork {
  /** The log has grown. */
  wake(): void;
  /** Gives up what is under way and resolves when it has ended. */
  stop(): Promise<void>;
}

/** Asks witnesses behind the sealer: when the log has grown, at most every `every_ms`, and else every `look_ms`. */
export function runCosigner({
  cosigner,
  onError,
  every_ms = 1000,
  look_ms = 5000,
}: {
  cosigner: Pick<Cosigner, 'round'>;
  onError: (error: unknown) => void;
  every_ms?: number;
  /** Witnesses that were away, and those whose last cosignature has grown old, are looked for so often. */
  look_ms?: number;
}): CosigningWork {
  const end = new AbortController();
  let isAwake = true;
  const naps = makeNaps(end.signal);

  async function work(): Promise<void> {
    while (!end.signal.aborted) {
      if (!isAwake) await naps.sleep(look_ms);
      if (end.signal.aborted) return;
      isAwake = false;
      await cosigner.round(end.signal).catch(onError);
      await naps.pause(every_ms);
    }
  }

  const working = work();
  return {
    wake() {
      if (isAwake) return;
      isAwake = true;
      naps.interrupt();
    },
    async stop() {
      end.abort();
      naps.interrupt();
      await working;
    },
  };
}
