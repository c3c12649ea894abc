import { expect, test } from '@jest/globals';
import { LedgerBehindError, type PendingSweep } from '../../domain/ledger/sweep-pending.ts';
import { lambdaLog } from '../../hosts/lambda-log.ts';
import { queueEvent, scheduleEvent } from '../../hosts/testing/lambda-events.ts';
import { contextOf } from '../../hosts/testing/lambda-platform.ts';
import { sweepDue } from './handler.ts';

const sweepPending = async (): Promise<PendingSweep> => ({ kind: 'current' });
const log = lambdaLog({ level: 'fatal', write: () => undefined });

test('sweeps until nothing is due, and says how many it woke', async () => {
  const pages = [1_000, 1_000, 7, 0];
  const handler = sweepDue({ jobs: { sweepDue: () => Promise.resolve(pages.shift() ?? 0) }, sweepPending, log });
  expect(await handler(scheduleEvent(), contextOf())).toEqual({ woken: 2_007, is_finished: true, ledger: 'current' });
});

test('stops before its time is over and says that there is more', async () => {
  const jobs = { sweepDue: () => new Promise<number>((resolve) => setTimeout(resolve, 2, 1_000)) };
  const answer = await sweepDue({ jobs, sweepPending, log })(scheduleEvent(), contextOf({ remaining_ms: 20 }));
  expect(answer).toMatchObject({ is_finished: false });
  expect(answer.woken).toBeGreaterThanOrEqual(1_000);
});

test('throws what goes wrong, so that the alarm on its errors rings', async () => {
  const handler = sweepDue({
    jobs: { sweepDue: () => Promise.reject(new Error('the table is away')) },
    sweepPending,
    log,
  });
  await expect(handler(scheduleEvent(), contextOf())).rejects.toThrow('the table is away');
});

test('jobs are woken though entries wait for too long, and that is thrown', async () => {
  let left = 2;
  const jobs = { sweepDue: async () => Math.max(0, (left -= 1)) };
  const behind = () => Promise.reject(new LedgerBehindError('an entry waits'));
  await expect(sweepDue({ jobs, sweepPending: behind, log })(scheduleEvent(), contextOf())).rejects.toThrow(
    LedgerBehindError,
  );
  expect(left).toBe(0);
});

test.each([undefined, null, {}, queueEvent('{}')])('refuses %j, which no schedule sends', async (event) => {
  let is_swept = false;
  const jobs = {
    sweepDue: () => {
      is_swept = true;
      return Promise.resolve(0);
    },
  };
  const handler = sweepDue({ jobs, sweepPending, log });
  await expect(handler(event, contextOf())).rejects.toThrow('expected the event of a schedule');
  expect(is_swept).toBe(false);
});
