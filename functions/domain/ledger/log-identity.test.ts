import { expect, test } from '@jest/globals';
import { openTestNode } from '../../../tests/fixtures/open-test-node.ts';
import { makeNodeKeys } from '../identity/node-keys.ts';
import { listedLog, openLogIdentity, vkeyText } from './log-identity.ts';

test('in its overlap a rotated log key signs beside its successor, then no more, and a revoked one never', async () => {
  let now = 1_900_000_000_000;
  const node = await openTestNode({ now: () => now });
  const { keys, identity } = node;
  const { digest } = node.compute;
  const open = () => openLogIdentity({ keys, identity, digest, now: () => now });
  const nodeKeys = makeNodeKeys({
    identity,
    keys,
    vkeyOf: (key) => vkeyText({ origin: listedLog(identity.document).origin, key, digest }),
    logSize: async () => 7,
    logAdoption: async () => undefined,
    now: () => now,
  });
  const signers = async () => (await open()).signers.map(({ key_id }) => key_id).toSorted();

  const [first = ''] = await signers();
  const { successor: second = '' } = await nodeKeys.rotate('log');
  expect(await signers()).toEqual([first, second].toSorted());
  now += 30 * 86_400_000;
  expect(await signers()).toEqual([second]);
  const { successor: third } = await nodeKeys.revoke(second);
  expect(await signers()).toEqual([third]);
  // What they have signed is still checked by their verifier keys.
  expect((await open()).vkeys).toHaveLength(3);
  await node.close();
});
