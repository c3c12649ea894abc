import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { openLogWorld, type LogWorld } from '../../../tests/fixtures/log-world.ts';
import { testCall } from '../../../tests/fixtures/open-test-node.ts';
import { makeReceipts } from '../receipts/make-receipts.ts';
import { indexKey } from '../receipts/keys.ts';
import { countsType } from '../receipts/statement-types.ts';
import { lockKey, logObject } from './keys.ts';
import { LedgerHaltedError } from './ledger-halted.ts';
import { readLock } from './lock-row.ts';

/** Storage is on disk, and every test has a node of its own. */
jest.setTimeout(60_000);

let world: LogWorld;
beforeEach(async () => {
  world = await openLogWorld();
});
afterEach(() => world.close());

type Port = 'table' | 'objects' | 'keys';

/** A sealer that stops once, before the first call of `port` that `at` knows, until `meanwhile` has come to its end. */
function pausing(
  port: Port,
  at: (method: string, given: readonly unknown[]) => boolean,
  meanwhile: () => Promise<void>,
) {
  let wasThere = false;
  const paused = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(of, name) {
        const method: unknown = Reflect.get(of, name);
        if (typeof method !== 'function') return method;
        return async (...given: unknown[]) => {
          if (!wasThere && at(String(name), given)) {
            wasThere = true;
            await meanwhile();
          }
          return Reflect.apply(method, of, given) as unknown;
        };
      },
    });
  return { sealer: world.sealer({ [port]: paused(world.node[port]) }), wasThere: () => wasThere };
}

/** A sealer whose process ends before that call. */
function dying(port: Port, at: (method: string, given: readonly unknown[]) => boolean) {
  return pausing(port, at, () => Promise.reject(new Error('dead'))).sealer;
}

function isLockWrite(kind: 'put' | 'update') {
  return (method: string, [operation]: readonly unknown[]): boolean => {
    const { kind: found, key } = operation as { kind: string; key?: { pk: string } };
    return method === 'write' && found === kind && key?.pk === lockKey().pk;
  };
}

const isObject = (wanted: string, of: (name: string) => boolean) => (method: string, given: readonly unknown[]) =>
  method === wanted && of(given[0] as string);
const isCheckpoint = (name: string): boolean => name === logObject('checkpoint');
const isTile = (name: string): boolean => name.startsWith(logObject('tile/'));
const isStaging = (name: string): boolean => name.startsWith('staging/');

async function sealAll(): Promise<void> {
  while ((await world.sealer().seal()).kind !== 'idle');
}

async function sizeOfCheckpoint(): Promise<number> {
  const note = Buffer.from((await world.log.file('checkpoint'))?.bytes ?? []).toString();
  return Number(note.split('\n')[1]);
}

describe('while one sealer is between two steps', () => {
  test.each([0, 2])(
    'another commits: the first publishes nothing, and leaves nothing, in a log of %s',
    async (before) => {
      const ids = await world.append(before);
      await sealAll();
      ids.push(...(await world.append(2)));
      const first = pausing('table', isLockWrite('put'), async () => {
        ids.push(...(await world.append(1)));
        expect(await world.sealer().seal()).toMatchObject({ kind: 'sealed', entries: 3 });
      });
      expect(await first.sealer.seal()).toEqual({ kind: 'superseded' });
      expect(first.wasThere()).toBe(true);
      expect((await readLock(world.node)).size).toBe(ids.length);
      const { keys } = await world.node.objects.list({ prefix: 'staging/', limit: 10 });
      expect(keys).toEqual([]);
      await world.judge(ids);
    },
  );

  test.each([
    ['signs', 'keys', (method: string) => method === 'signNote'],
    ['publishes the first checkpoint', 'objects', isObject('put', isCheckpoint)],
  ] as const)('another goes on while it %s: the larger checkpoint stays', async (_case, port, at) => {
    const ids = await world.append(2);
    const first = pausing(port, at, async () => {
      ids.push(...(await world.append(3)));
      await sealAll();
    });
    await first.sealer.seal();
    expect([first.wasThere(), await sizeOfCheckpoint()]).toEqual([true, 5]);
    await sealAll();
    await world.judge(ids);
  });

  test('another goes on while it publishes a later checkpoint: the larger one stays', async () => {
    const ids = await world.append(2);
    await sealAll();
    ids.push(...(await world.append(2)));
    const first = pausing('objects', isObject('put', isCheckpoint), async () => {
      ids.push(...(await world.append(3)));
      await sealAll();
    });
    await first.sealer.seal();
    expect([first.wasThere(), await sizeOfCheckpoint()]).toEqual([true, 7]);
    await world.judge(ids);
  });

  test('the checkpoint before gets one more signature: its own is published all the same', async () => {
    const ids = await world.append(2);
    await sealAll();
    ids.push(...(await world.append(2)));
    const first = pausing('objects', isObject('put', isCheckpoint), async () => {
      const there = await world.node.objects.get(logObject('checkpoint'));
      const note = `${Buffer.from(there?.body ?? []).toString()}— stranger.example AAAAAAA=\n`;
      await world.node.objects.put(logObject('checkpoint'), Buffer.from(note));
    });
    await first.sealer.seal();
    expect([first.wasThere(), await sizeOfCheckpoint()]).toEqual([true, 4]);
    await world.judge(ids);
  });

  test('another finishes what it was about to finish: it is superseded, not halted', async () => {
    const ids = await world.append(2);
    await expect(dying('objects', isObject('put', isTile)).seal()).rejects.toThrow('dead');
    const first = pausing('objects', isObject('get', isStaging), sealAll);
    expect(await first.sealer.seal()).toEqual({ kind: 'superseded' });
    await world.judge(ids);
  });

  test('another commits and dies: what it committed is published by the next', async () => {
    const ids = await world.append(2);
    const first = pausing('table', isLockWrite('update'), async () => {
      await world.sealer().seal();
      ids.push(...(await world.append(2)));
      await expect(dying('objects', isObject('put', isTile)).seal()).rejects.toThrow('dead');
    });
    await first.sealer.seal();
    expect(first.wasThere()).toBe(true);
    await sealAll();
    expect(await sizeOfCheckpoint()).toBe(4);
    await world.judge(ids);
  });
});

test('tiles and bundles of another history halt the log, though they fit each other', async () => {
  const other = await openLogWorld();
  try {
    for (const each of [world, other]) {
      await each.append(3);
      await each.sealer().seal();
    }
    for (const path of ['tile/0/000.p/3', 'tile/entries/000.p/3']) {
      await world.node.objects.put(logObject(path), (await other.log.file(path))?.bytes ?? new Uint8Array());
    }
    await world.append(1);
    await expect(world.sealer().seal()).rejects.toThrow(LedgerHaltedError);
  } finally {
    await other.close();
  }
});

test('the place of an entry is that of its row, and a round takes no more than it may from all shards together', async () => {
  const receipts = makeReceipts({ ...world.node, log: world.log, shards: 8 });
  const call = testCall();
  const statement = {
    subject: [{ name: 'constitution', digest: { sha256: 'c'.repeat(64) } }],
    predicate_type: countsType,
    predicate: { counts: { malformed: 1 } },
  };
  const ids = await Promise.all(Array.from({ length: 40 }, () => receipts.append(call, statement)));
  expect(await world.sealer({ entries_max: 10 }).seal()).toMatchObject({ kind: 'sealed', entries: 10, size: 10 });
  await sealAll();
  const { table, compute } = world.node;
  for (const id of ids) {
    const row = await table.get(indexKey(id), Date.now());
    const entry = await world.log.entry(row?.['index'] as number);
    const [outline] = await compute.verify.readEnvelopes([entry ?? new Uint8Array()]);
    expect(outline).toMatchObject({ ok: true, id });
  }
});
