import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openTestNode, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { SignetError } from '../errors.ts';
import type { ChatProvider } from '../ports/provider.ts';
import { makeProbes } from './probes.ts';

let node: TestNode;
let clock = Date.UTC(2026, 0, 2);
beforeAll(async () => {
  node = await openTestNode({ now: () => clock });
});
afterAll(() => node.close());

function provider(name: string, probe: ChatProvider['probe'], tier: ChatProvider['tier'] = 'pool'): ChatProvider {
  const unused = (): never => {
    throw new Error('not asked here');
  };
  return { name, tier, probe, models: unused, chat: unused };
}

const probes = (...providers: readonly ChatProvider[]) =>
  makeProbes({ providers: () => providers, table: node.table, now: node.now, wait_ms: 20 });

test('asks once for all who wait, and again only when the last answer is too old', async () => {
  let asked = 0;
  const reader = probes(provider('once', async () => [`m${(asked += 1)}`]));
  const [one, other] = await Promise.all([reader.latest(1_000), reader.latest(1_000)]);
  expect(one).toEqual(other);
  expect(one).toEqual([{ provider: 'once', tier: 'pool', answered: true, at: clock, ms: 0, models: ['m1'] }]);
  clock += 1_000;
  await reader.latest(1_000);
  expect(asked).toBe(1);
  clock += 1;
  expect(await reader.latest(1_000)).toMatchObject([{ models: ['m2'] }]);
});

test('a failure is an answer: which one, and when', async () => {
  const down = new SignetError({ code: 'provider_auth', detail: 'no' });
  const reader = probes(
    provider('down', () => Promise.reject(down)),
    provider('odd', () => Promise.reject(new Error('x'))),
  );
  expect(await reader.latest(1_000)).toMatchObject([
    { provider: 'down', answered: false, code: 'provider_auth', at: clock },
    { provider: 'odd', answered: false, code: 'provider_timeout' },
  ]);
});

test('a provider that does not answer in time is unknown, and known to the next who asks', async () => {
  let answer = (_ids: readonly string[]): void => undefined;
  const reader = probes(provider('slow', () => new Promise((resolve) => (answer = resolve))));
  expect(await reader.latest(1_000)).toEqual([]);
  answer(['late']);
  let known = await reader.latest(1_000);
  while (known.length === 0) known = await reader.latest(1_000);
  expect(known).toMatchObject([{ provider: 'slow', answered: true, models: ['late'] }]);
});

test('a provider that is of another tier now is asked anew, one that is gone is not told', async () => {
  await probes(provider('moved', async () => undefined)).latest(1_000);
  const [moved] = await probes(provider('moved', async () => ['a'], 'local')).latest(1_000);
  expect(moved).toMatchObject({ tier: 'local', models: ['a'] });
  expect(await probes().latest(1_000)).toEqual([]);
});
