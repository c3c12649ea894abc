import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openTestNode, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { makeFederation, type KnownWitness } from './federation.ts';

let node: TestNode;
const clock = Date.UTC(2026, 0, 2);
beforeAll(async () => {
  node = await openTestNode({ now: () => clock });
});
afterAll(() => node.close());

const federation = (witnesses: readonly KnownWitness[]) =>
  makeFederation({ table: node.table, node_id: 'did:key:z', witnesses: async () => witnesses, now: node.now });

test('witnesses are the peers, by name; one that cosigns joins no federation', async () => {
  const seconds = clock / 1000;
  const known = federation([
    { name: 'w2', url: 'https://w2.example', last_cosigned: seconds - 60 },
    { name: 'w3', url: 'https://w3.example', last_cosigned: seconds - 90_000 },
    { name: 'w1', url: 'https://w1.example' },
  ]);
  expect(await known.peers()).toEqual([
    { node_id: 'w1', address: 'https://w1.example', state: 'unknown', role: 'witness' },
    { node_id: 'w2', address: 'https://w2.example', state: 'alive', last_seen: seconds - 60, role: 'witness' },
    { node_id: 'w3', address: 'https://w3.example', state: 'suspect', last_seen: seconds - 90_000, role: 'witness' },
  ]);
  expect(await known.status()).toMatchObject({
    connected: false,
    peer_count: 3,
    peers: 3,
    witnesses: [{ name: 'w2', last_cosigned: seconds - 60 }, { name: 'w3' }, { name: 'w1' }],
  });
  expect(await federation([]).status()).toMatchObject({ peer_count: 0, witnesses: [] });
});
