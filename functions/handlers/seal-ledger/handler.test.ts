import { expect, test } from '@jest/globals';
import { LedgerHaltedError } from '../../domain/ledger/ledger-halted.ts';
import type { Round, Sealer } from '../../domain/ledger/make-sealer.ts';
import { lambdaLog } from '../../hosts/lambda-log.ts';
import { queueEvent, scheduleEvent } from '../../hosts/testing/lambda-events.ts';
import { contextOf } from '../../hosts/testing/lambda-platform.ts';
import { sealLedger } from './handler.ts';

type Step = Round | Error;
const sealed: Round = { kind: 'sealed', entries: 10, size: 10 };
const idle: Round = { kind: 'idle' };

function open(steps: readonly Step[] | (() => Step), openSealer?: () => Promise<Sealer | undefined>) {
  const lines: Record<string, unknown>[] = [];
  let rounds = 0;
  const sealer: Sealer = {
    async seal() {
      const step = typeof steps === 'function' ? steps() : (steps[rounds] ?? idle);
      rounds += 1;
      if (step instanceof Error) throw step;
      return step;
    },
  };
  const handler = sealLedger({
    openSealer: openSealer ?? (async () => sealer),
    log: lambdaLog({ level: 'info', write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) }),
    repeat_ms: 1,
  });
  return { handler, lines, rounds: () => rounds };
}

test('seals until nothing waits, whatever the messages say', async () => {
  const { handler, lines, rounds } = open([sealed, { kind: 'superseded' }, sealed]);
  expect(await handler(queueEvent('{}', 'not even JSON'), contextOf())).toEqual({ batchItemFailures: [] });
  expect(rounds()).toBe(4);
  expect(lines).toMatchObject([{ message: 'sealed', entries: 20, is_off: false }]);
});

test('asks the witnesses behind a log that grew, and a failure of theirs is none of the log', async () => {
  const left = [sealed, idle, idle];
  let asked = 0;
  const handler = sealLedger({
    openSealer: async () => ({ seal: async () => left.shift() ?? idle }),
    askWitnesses: async () => {
      asked += 1;
      throw new Error('no witness answers');
    },
    log: lambdaLog({ level: 'fatal', write: () => undefined }),
  });
  expect(await handler(queueEvent('{}'), contextOf())).toEqual({ batchItemFailures: [] });
  expect(asked).toBe(1);
  await handler(queueEvent('{}'), contextOf());
  expect(asked).toBe(1);
});

test('storage that fails is tried again', async () => {
  const { handler, lines, rounds } = open([new Error('away'), new Error('away'), sealed]);
  expect(await handler(queueEvent('{}'), contextOf())).toEqual({ batchItemFailures: [] });
  expect(rounds()).toBe(4);
  expect(lines.filter(({ message }) => message === 'entries were not sealed yet')).toHaveLength(2);
});

test('gives up before its time is over, and takes the message: the sweep wakes again', async () => {
  const { handler } = open(() => new Error('away'));
  expect(await handler(queueEvent('{}'), contextOf({ remaining_ms: 50 }))).toEqual({ batchItemFailures: [] });
});

test('stops between two rounds when its time is over', async () => {
  const { handler, lines } = open([]);
  const slow = open(
    () => sealed,
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      return { seal: async () => sealed };
    },
  );
  expect(await slow.handler(queueEvent('{}'), contextOf({ remaining_ms: 20 }))).toEqual({ batchItemFailures: [] });
  expect(slow.lines.at(-1)).toMatchObject({ is_finished: false });
  expect(await handler(queueEvent('{}'), contextOf())).toEqual({ batchItemFailures: [] });
  expect(lines).toMatchObject([{ entries: 0 }]);
});

test('a halted log is thrown, so that the alarm on its errors rings, and is not tried again', async () => {
  const { handler, lines, rounds } = open([new LedgerHaltedError('two histories')]);
  await expect(handler(queueEvent('{}'), contextOf())).rejects.toThrow(LedgerHaltedError);
  expect(rounds()).toBe(1);
  expect(lines).toMatchObject([{ message: 'THE LOG IS HALTED, nothing is sealed' }]);
});

test('without a key of the log nothing is sealed, and that is said', async () => {
  const { handler, lines } = open([], async () => undefined);
  expect(await handler(queueEvent('{}'), contextOf())).toEqual({ batchItemFailures: [] });
  expect(lines).toMatchObject([{ is_off: true }]);
});

test.each([undefined, null, {}, scheduleEvent()])('refuses %j, which no queue sends', async (event) => {
  const { handler, rounds } = open([sealed]);
  await expect(handler(event, contextOf())).rejects.toThrow('expected a batch of SQS messages');
  expect(rounds()).toBe(0);
});
