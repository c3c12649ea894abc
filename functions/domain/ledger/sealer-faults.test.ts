import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { dyingPorts } from '../../../tests/fixtures/dying-ports.ts';
import { openLogWorld, type LogWorld } from '../../../tests/fixtures/log-world.ts';
import { leafOf, openCheckpoint, readProof, rootFromPath } from '../../../tests/fixtures/plain-log.ts';
import type { Sealer } from './make-sealer.ts';

/** Storage is on disk, and every test has a node of its own. */
jest.setTimeout(60_000);

let world: LogWorld;
beforeEach(async () => {
  world = await openLogWorld();
});
afterEach(() => world.close());

/** A sealer whose `nth` step outside fails, before it was done or after it; the same process never goes on. */
function failingSealer(nth: number, fault: 'before' | 'after'): { sealer: Sealer; wasHit: () => boolean } {
  const { wrap, wasHit } = dyingPorts(nth, fault);
  const { table, objects, keys } = world.node;
  return { sealer: world.sealer({ table: wrap(table), objects: wrap(objects), keys: wrap(keys) }), wasHit };
}

test.each(['before', 'after'] as const)(
  'a sealer that dies %s any of its steps leaves a log that the next one completes: no entry lost, none doubled',
  async (fault) => {
    const ids: string[] = [];
    let nth = 1;
    for (; ; nth += 1) {
      ids.push(...(await world.append(nth === 7 ? 120 : 2)));
      const { sealer, wasHit } = failingSealer(nth, fault);
      await sealer.seal().catch((error: unknown) => {
        if (!wasHit()) throw error;
      });
      const rounds = [];
      do rounds.push(await world.sealer().seal());
      while (rounds.at(-1)?.kind !== 'idle');
      await world.judge(ids);
      expect((await world.log.totals()).unsealed).toHaveLength(0);
      if (!wasHit()) break;
    }
    // As many steps as a round has: reads, staging, commit, files, signature, checkpoint, index rows, done, what is tidied.
    expect(nth).toBeGreaterThan(20);
    expect((await world.log.head()).size).toBe(ids.length);
  },
);

test('sealers that run at once, and die at once, leave one history', async () => {
  const ids: string[] = [];
  for (let nth = 1; nth <= 30; nth += 1) {
    ids.push(...(await world.append(3)));
    const rounds = [world.sealer(), failingSealer(nth, 'after').sealer, failingSealer(nth + 3, 'before').sealer];
    await Promise.allSettled(rounds.map((sealer) => sealer.seal()));
  }
  while ((await world.sealer().seal()).kind !== 'idle');
  await world.judge(ids);
});

test('every receipt is verified by a stranger: leaf, path, root and the signature of the log', async () => {
  const ids = await world.append(300);
  await world.sealer({ entries_max: 100 }).seal();
  while ((await world.sealer({ entries_max: 100 }).seal()).kind !== 'idle');
  for (const id of ids) {
    const receipt = await world.receipts.proof(id, 'default');
    if (receipt?.kind !== 'sealed') throw new Error(`${id} is not sealed`);
    const { extra, index, path, checkpoint } = readProof(receipt.text);
    const head = openCheckpoint(checkpoint, world.identity.vkeys[0] ?? '');
    const { entry } = JSON.parse(extra.toString()) as { entry: string };
    const leaf = leafOf(Buffer.from(entry, 'base64'));
    expect(rootFromPath(leaf, index, head.size, path).equals(head.root)).toBe(true);
  }
});
