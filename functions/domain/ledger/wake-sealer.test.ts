import { expect, test } from '@jest/globals';
import { makeSealerWakes } from './wake-sealer.ts';

function stand({ failures = 0 } = {}) {
  let left = failures;
  const clock = { ms: 5_000 };
  const sent: string[] = [];
  const errors: unknown[] = [];
  const wakes = makeSealerWakes({
    send: async ({ group, once }) => {
      if ((left -= 1) >= 0) throw new Error('the queue is away');
      sent.push(`${group} ${once}`);
    },
    now: () => clock.ms,
    onError: (error) => errors.push(error),
  });
  return { wakes, clock, sent, errors };
}

test('wakes once a second, whatever is appended, under the name of the second', async () => {
  const { wakes, clock, sent } = stand();
  for (const ms of [5_000, 5_001, 5_999, 6_000, 6_500]) {
    clock.ms = ms;
    wakes.wake();
  }
  await wakes.settled();
  expect(sent).toEqual(['appended appended-5', 'appended appended-6']);
});

test('one that is not sent is an error, and the next entry of the same second tries again', async () => {
  const { wakes, sent, errors } = stand({ failures: 1 });
  wakes.wake();
  await wakes.settled();
  expect([sent, errors.length]).toEqual([[], 1]);
  wakes.wake();
  await wakes.settled();
  expect([sent, errors.length]).toEqual([['appended appended-5'], 1]);
});

test('nothing under way is settled', async () => {
  await expect(stand().wakes.settled()).resolves.toBeUndefined();
});
