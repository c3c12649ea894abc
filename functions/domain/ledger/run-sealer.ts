import { makeNaps } from '../naps.ts';
import type { Sealer } from './make-sealer.ts';
import { LedgerHaltedError } from './ledger-halted.ts';

export interface SealingWork {
  /** Something waits. */
  wake(): void;
  /** Resolves when the round under way has ended. */
  stop(): Promise<void>;
}

/**
 * Seals behind the requests: at once when nothing was sealed for a while, else at most every `every_ms`, so that entries
 * which come together share the tiles and the signature; a round that filled a bundle shared them enough, and the next one
 * follows at once. A round that fails is repeated; a halted log is left alone.
 */
export function runSealer({
  sealer,
  onError,
  every_ms = 250,
  look_ms = 10_000,
  repeat_ms = 1000,
}: {
  sealer: Sealer;
  /** `is_halted`: nothing more will be sealed by this process. */
  onError: (error: unknown, is_halted: boolean) => void;
  every_ms?: number;
  /** What another process appended is found after so long. */
  look_ms?: number;
  repeat_ms?: number;
}): SealingWork {
  const end = new AbortController();
  let isAwake = true;
  const naps = makeNaps(end.signal);

  async function work(): Promise<void> {
    while (!end.signal.aborted) {
      if (!isAwake) await naps.sleep(look_ms);
      if (end.signal.aborted) return;
      isAwake = false;
      let isFull = false;
      const began = performance.now();
      try {
        const round = await sealer.seal();
        if (round.kind !== 'idle') isAwake = true;
        isFull = round.kind === 'sealed' && round.entries >= bundle_entries;
      } catch (error) {
        const isHalted = error instanceof LedgerHaltedError;
        onError(error, isHalted);
        if (isHalted) return;
        isAwake = true;
        await naps.pause(repeat_ms);
      }
      if (isAwake && !isFull) await naps.pause(every_ms - (performance.now() - began));
    }
  }

  const working = work();
  return {
    wake() {
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

const bundle_entries = 256;
