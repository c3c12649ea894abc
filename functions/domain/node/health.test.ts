import { expect, test } from '@jest/globals';
import { makeHealth } from './health.ts';

let clock = 1_000_000;
const broken = new Set<string>();
let runs = 0;

function open(names: { readonly [name: string]: boolean }, wait_ms?: number) {
  const checks = Object.entries(names).map(([name, is_vital]) => ({
    name,
    is_vital,
    run: async () => {
      runs += 1;
      if (broken.has(name)) throw new Error('broken');
    },
  }));
  return makeHealth({ checks, version: '1', now: () => clock, ...(wait_ms === undefined ? {} : { wait_ms }) });
}

test('what is vital decides between healthy and unhealthy, the rest between healthy and degraded', async () => {
  const health = open({ table: true, objects: false });
  expect(await health()).toMatchObject({ status: 'healthy', checked_at: clock });
  broken.add('objects');
  clock += 6_000;
  expect(await health()).toMatchObject({
    status: 'degraded',
    checks: [
      { name: 'table', state: 'ok' },
      { name: 'objects', state: 'failed' },
    ],
  });
  broken.add('table');
  clock += 6_000;
  expect((await health()).status).toBe('unhealthy');
  broken.clear();
  clock += 6_000;
  expect((await health()).status).toBe('healthy');
});

test('a round serves for five seconds, whoever asks, and none is older than ten', async () => {
  runs = 0;
  const health = open({ table: true });
  await Promise.all([health(), health(), health()]);
  clock += 5_000;
  await health();
  expect(runs).toBe(1);
  clock += 1;
  const { checked_at } = await health();
  expect([runs, checked_at]).toEqual([2, clock]);
  clock -= 3_600_000;
  await health();
  expect(runs).toBe(3);
});

test('a check that does not come back has failed', async () => {
  const checks = [{ name: 'table', is_vital: true, run: () => new Promise(() => undefined) }];
  const health = makeHealth({ checks, version: '1', now: () => clock, wait_ms: 5 });
  expect(await health()).toMatchObject({ status: 'unhealthy', checks: [{ state: 'failed' }] });
});
