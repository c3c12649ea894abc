import { expect, test } from '@jest/globals';
import { LedgerHaltedError } from './ledger-halted.ts';
import type { Round } from './make-sealer.ts';
import { runSealer } from './run-sealer.ts';

const long = { every_ms: 600_000, look_ms: 600_000, repeat_ms: 600_000 };

/** A sealer that does these rounds and then has nothing to do; `done` once it was asked so often. */
function sealerOf(rounds: readonly (Round | Error)[], asked_times: number) {
  let asked = 0;
  let tell = (): void => {};
  const done = new Promise<void>((resolve) => (tell = resolve));
  return {
    done,
    asked: () => asked,
    sealer: {
      async seal(): Promise<Round> {
        const round = rounds[asked] ?? { kind: 'idle' };
        asked += 1;
        if (asked === asked_times) tell();
        if (round instanceof Error) throw round;
        return round;
      },
    },
  };
}

const sealed = (entries: number): Round => ({ kind: 'sealed', entries, size: entries });

test('rounds that fill a bundle follow each other at once, a smaller one is the last for a while', async () => {
  const { sealer, done, asked } = sealerOf([sealed(1000), sealed(256), sealed(255), sealed(1000)], 3);
  const work = runSealer({ sealer, onError: () => {}, ...long });
  await done;
  await work.stop();
  expect(asked()).toBe(3);
});

test('what is appended while nothing waits is sealed at once', async () => {
  const { sealer, done, asked } = sealerOf([], 2);
  const work = runSealer({ sealer, onError: () => {}, ...long });
  await new Promise((resolve) => setImmediate(resolve));
  work.wake();
  await done;
  await work.stop();
  expect(asked()).toBe(2);
});

test('a round that fails is told and repeated, a halted log is left alone', async () => {
  const errors: unknown[] = [];
  const onError = (error: unknown, is_halted: boolean) => errors.push([(error as Error).message, is_halted]);
  const { sealer, done, asked } = sealerOf([new Error('away'), new LedgerHaltedError('two histories')], 2);
  const work = runSealer({ sealer, onError, ...long, repeat_ms: 1, every_ms: 0 });
  await done;
  await work.stop();
  expect(errors).toEqual([
    ['away', false],
    ['two histories', true],
  ]);
  expect(asked()).toBe(2);
});
