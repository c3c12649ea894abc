import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openLogWorld, type LogWorld } from '../../../tests/fixtures/log-world.ts';
import { addKey, allOf, revokeKey } from '../identity/document-changes.ts';
import type { Pin } from './pin.ts';
import { isLogProof, verifyLogProof, type LogVerdict } from './verify-log-proof.ts';

let world: LogWorld;
let text: string;
let pin: Pin;
beforeAll(async () => {
  world = await openLogWorld();
  const ids = await world.append(5);
  await world.sealer().seal();
  const proof = await world.receipts.proof(ids[2] ?? '', 'default');
  text = proof?.kind === 'sealed' ? proof.text : '';
  pin = { node_id: world.node.identity.node_id, documents: world.node.identity.chain };
});
afterAll(() => world.close());

function verify(given: string | Uint8Array, pins: readonly Pin[] = [pin]): Promise<LogVerdict> {
  const bytes = typeof given === 'string' ? new TextEncoder().encode(given) : given;
  const { verify: compute, digest } = world.node.compute;
  return verifyLogProof({ bytes, pins, verify: compute, digest });
}

test('accepts a sealed receipt, and says what was checked and that no witness is asked for', async () => {
  const verdict = await verify(text);
  expect(verdict).toMatchObject({ valid: true, exit: 0, checkpoint: { size: 5, witnesses: [], has_quorum: false } });
  expect(verdict.checks.map(({ name }) => name)).toEqual([
    'form',
    'inclusion',
    'log',
    'quorum',
    'history',
    'document',
    'issuer',
    'delegation',
    'entry',
    'statement',
    'window',
    'trust',
  ]);
  expect(isLogProof(new TextEncoder().encode(text))).toBe(true);
  expect(isLogProof(new TextEncoder().encode('{}'))).toBe(false);
});

test.each([
  ['no pin', 3, 'trust.unpinned', text_of, () => []],
  ['a pin without documents', 3, 'trust.unpinned', text_of, () => [{ ...pin, documents: [] }]],
  [
    'a pin whose policy knows the log and nobody its documents',
    3,
    'trust.unpinned',
    text_of,
    () => [{ ...pin, documents: [], policy: `log ${world.identity.vkeys[0]}\nquorum none\n` }],
  ],
  [
    'documents of a node that is not the one which is pinned',
    3,
    'trust.unpinned',
    text_of,
    () => [{ ...pin, node_id: 'did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH' }],
  ],
  ['another place', 12, 'log.inclusion', () => text.replace('index 2', 'index 3'), undefined],
  ['another size', 12, 'log.inclusion', () => text.replace('\n5\n', '\n9\n'), undefined],
  ['a size that gives the same path', 11, 'sig.invalid', () => text.replace('\n5\n', '\n6\n'), undefined],
  ['no signature of the log', 11, 'key.unknown', () => text.replace(/— (\S+) \S{6}/, '— $1 AAAAAA'), undefined],
  ['a quorum that nobody makes', 13, 'log.quorum', text_of, () => [{ ...pin, policy: policyWithWitness() }]],
  ['another tree of this size', 12, 'log.rollback', text_of, () => [{ ...pin, newest: { size: 5, root: 'aa' } }]],
  ['no checkpoint', 10, 'log.malformed', () => text.slice(0, text.indexOf('\n\n') + 2), undefined],
  [
    'extra data with more members',
    10,
    'schema.mismatch',
    () => withExtra((extra) => ({ ...extra, more: 1 })),
    undefined,
  ],
  [
    'extra data in another order',
    10,
    'schema.mismatch',
    () => withExtra(({ entry, delegation }) => ({ entry, delegation })),
    undefined,
  ],
  [
    'extra data behind a byte order mark',
    10,
    'schema.mismatch',
    () =>
      text.replace(/\nextra (\S+)/, (_line, encoded: string) => {
        const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(encoded, 'base64')]);
        return `\nextra ${marked.toString('base64')}`;
      }),
    undefined,
  ],
  ['no extra data', 10, 'schema.mismatch', () => text.replace(/\nextra .*/, ''), undefined],
  [
    'an entry that is no envelope',
    10,
    'envelope.shape',
    () => withExtra((extra) => ({ ...extra, entry: 'e30=' })),
    undefined,
  ],
  [
    'an entry in place of the delegation',
    14,
    'key.unknown',
    () => withExtra(({ entry }) => ({ delegation: entry, entry })),
    undefined,
  ],
] as const)('refuses %s', async (_case, exit, code, given, pins) => {
  const verdict = await verify(given(), pins?.() ?? [pin]);
  expect([verdict.exit, verdict.code]).toEqual([exit, code]);
});

test('a witness of the policy that cosigned makes the quorum', async () => {
  const { node } = world;
  const key = await node.keys.create('witness');
  const checkpoint = text.slice(text.indexOf('\n\n') + 2);
  const signed = checkpoint.slice(0, checkpoint.indexOf('\n\n') + 1);
  const name = 'witness.example/w1';
  const line = await node.keys.signNote({ key_id: key.key_id, name, text: signed, time: 1_700_000_000 });
  const vkey = vkeyOf(name, Buffer.from(line.split(' ')[2] ?? '', 'base64').subarray(0, 4), key.public_key);
  const policy = `log ${world.identity.vkeys[0]}\nwitness W1 ${vkey}\nquorum W1\n`;
  expect(await verify(`${text}${line}`, [{ ...pin, policy }])).toMatchObject({
    exit: 0,
    checkpoint: { witnesses: ['W1'], has_quorum: true },
  });
  expect(await verify(text, [{ ...pin, policy }])).toMatchObject({ exit: 13 });
});

test('a key that is taken back from a place in the log on is judged by where the receipt stands, and by the whole chain', async () => {
  const world = await openLogWorld();
  try {
    const ids = await world.append(3);
    await world.sealer().seal();
    const { identity } = world.node;
    const issuer = (
      identity.document['verificationMethod'] as readonly { role: string; publicKeyMultibase: string }[]
    ).find(({ role }) => role === 'issuer')?.publicKeyMultibase;
    const key = await world.node.keys.create('issuer');
    await identity.appendDocument(
      allOf(addKey({ key, now: world.node.now() }), revokeKey({ key_id: issuer ?? '', revoked_at: 2 })),
    );
    const rotated = { node_id: identity.node_id, documents: identity.chain };
    const { verify: compute, digest } = world.node.compute;
    const judge = async (place: number, documents: Pin['documents']) => {
      const proof = await world.receipts.proof(ids[place] ?? '', 'default');
      if (proof?.kind !== 'sealed') throw new Error('the receipt is not sealed');
      const index = Number(/index (\d+)/.exec(proof.text)?.[1]);
      const bytes = new TextEncoder().encode(proof.text);
      const verdict = await verifyLogProof({ bytes, pins: [{ ...rotated, documents }], verify: compute, digest });
      return { index, code: verdict.code, exit: verdict.exit };
    };
    for (const place of [0, 1, 2]) {
      const { index, exit, code } = await judge(place, rotated.documents);
      expect([exit, code]).toEqual(index < 2 ? [0, 'ok'] : [14, 'key.revoked']);
      // The newest document alone is no chain: nobody knows that the first root signed for it.
      expect((await judge(place, rotated.documents.slice(1))).exit).not.toBe(0);
    }
  } finally {
    await world.close();
  }
});

test('no flipped bit is accepted', async () => {
  const bytes = new TextEncoder().encode(text);
  for (let place = 0; place < bytes.length; place += 1 + (place % 5)) {
    const flipped = Uint8Array.from(bytes);
    flipped[place] = (flipped[place] ?? 0) ^ (1 << (place % 8));
    const verdict = await verify(flipped);
    expect([place, verdict.exit === 0]).toEqual([place, false]);
  }
});

function text_of(): string {
  return text;
}

function withExtra(change: (extra: { delegation: string; entry: string }) => object): string {
  return text.replace(/\nextra (\S+)/, (_line, encoded: string) => {
    const extra = JSON.parse(Buffer.from(encoded, 'base64').toString()) as { delegation: string; entry: string };
    return `\nextra ${Buffer.from(JSON.stringify(change(extra))).toString('base64')}`;
  });
}

function policyWithWitness(): string {
  const name = 'witness.example/absent';
  const key = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex');
  const typed = Buffer.concat([Buffer.from(`${name}\n`), Buffer.from([4]), key]);
  const vkey = vkeyOf(name, createHash('sha256').update(typed).digest().subarray(0, 4), key);
  return `log ${world.identity.vkeys[0]}\nwitness W ${vkey}\nquorum W\n`;
}

function vkeyOf(name: string, id: Buffer, public_key: Uint8Array): string {
  return `${name}+${id.toString('hex')}+${Buffer.concat([Buffer.from([4]), public_key]).toString('base64')}`;
}
