import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { foreignWitness } from '../../../tests/fixtures/foreign-log.ts';
import { openLogWorld, type LogWorld } from '../../../tests/fixtures/log-world.ts';
import { logObject } from '../ledger/keys.ts';
import { logStore, type LogStore } from '../ledger/log-store.ts';
import type { PublishedCheckpoint } from '../ledger/log.ts';
import { keepCosignatures } from './keep-cosignatures.ts';

let world: LogWorld;
let store: LogStore;
const witness = foreignWitness();
const now = 1_900_000_000_000;

beforeEach(async () => {
  world = await openLogWorld();
  const { objects, compute } = world.node;
  store = logStore({ objects, ledger: compute.verify.ledger, vkeys: world.log.vkeys });
});
afterEach(() => world.close());

/** A checkpoint that our log signed, of whatever tree. */
async function signed(size: number, root: number): Promise<PublishedCheckpoint> {
  const { origin } = world.log;
  const text = `${origin}\n${size}\n${Buffer.alloc(32, root).toString('base64')}\n`;
  const line = await world.node.keys.signNote({ key_id: world.identity.signers[0]?.key_id ?? '', name: origin, text });
  return { note: `${text}\n${line}`, size, root: Buffer.alloc(32, root) };
}

async function put(path: string, { note }: PublishedCheckpoint): Promise<void> {
  await world.node.objects.put(logObject(path), Buffer.from(note));
}

const read = async (path: string) =>
  Buffer.from((await world.node.objects.get(logObject(path)))?.body ?? []).toString();
const keep = (checkpoint: PublishedCheckpoint, changed: Partial<Parameters<typeof keepCosignatures>[0]> = {}) =>
  keepCosignatures({
    objects: world.node.objects,
    store,
    checkpoint,
    lines: [witness.cosign(checkpoint.note, now / 1000)],
    vkeys: [witness.vkey],
    now: () => now,
    ...changed,
  });

test('the cosignature of one tree is not put under another of its size', async () => {
  const [ours, other] = [await signed(3, 1), await signed(3, 2)];
  await put('checkpoint', other);
  await put('cosigned', other);
  await keep(ours);
  expect([await read('checkpoint'), await read('cosigned')]).toEqual([other.note, other.note]);
});

test('what came late goes over nothing larger', async () => {
  const [late, newest] = [await signed(3, 1), await signed(9, 2)];
  await put('checkpoint', newest);
  await put('cosigned', newest);
  await keep(late);
  expect([await read('checkpoint'), await read('cosigned')]).toEqual([newest.note, newest.note]);
});

test('what another put there in between is read again, not overwritten', async () => {
  const [small, large] = [await signed(3, 1), await signed(9, 2)];
  await put('checkpoint', small);
  await put('cosigned', small);
  let isFirst = true;
  const { objects } = world.node;
  await keep(small, {
    objects: {
      ...objects,
      async put(...given) {
        if (isFirst) {
          isFirst = false;
          await put('checkpoint', large);
          await put('cosigned', large);
        }
        return objects.put(...given);
      },
    },
  });
  expect([await read('checkpoint'), await read('cosigned')]).toEqual([large.note, large.note]);
});

test('a witness has one line, its newest, and one that is no longer asked has none', async () => {
  const checkpoint = await signed(3, 1);
  const gone = foreignWitness('gone.example');
  await put('checkpoint', { ...checkpoint, note: checkpoint.note + gone.cosign(checkpoint.note, 1) });
  await keep(checkpoint);
  const second = witness.cosign(checkpoint.note, now / 1000 + 60);
  await keep(checkpoint, { lines: [second] });
  expect(await read('checkpoint')).toBe(checkpoint.note + second);
  expect(await read('cosigned')).toBe(checkpoint.note + second);
});
