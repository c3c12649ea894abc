/**
 * The load generator as a process of its own, so that neither the gateway nor the upstream shares a thread with what
 * measures them. Speaks with its parent over the channel of `fork`: one `Round` in, one `RoundResult` out.
 */
import { load, type Target, type Timing } from './http-load.ts';

export interface Round {
  readonly target: Target;
  readonly concurrency: number;
  readonly seconds: number;
}

export type RoundResult = { readonly timings: readonly Timing[] } | { readonly failure: string };

process.on('message', (round: Round) => {
  void answer(round).then((result) => process.send?.(result));
});

async function answer({ target, concurrency, seconds }: Round): Promise<RoundResult> {
  try {
    return { timings: await load(target, concurrency, seconds) };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}
