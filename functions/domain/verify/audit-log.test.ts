import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { foreignWitness } from '../../../tests/fixtures/foreign-log.ts';
import { openLogWorld, type LogWorld } from '../../../tests/fixtures/log-world.ts';
import { auditLog, continues, openHead, type ReadLogFile } from './audit-log.ts';
import type { Pin } from './pin.ts';

let world: LogWorld;
let pin: Pin;
const files = new Map<string, Uint8Array>();
let early: { size: number; root: string };
let earlyNote: string;

beforeAll(async () => {
  world = await openLogWorld();
  pin = { node_id: world.node.identity.node_id, documents: world.node.identity.chain };
  await world.append(100);
  await world.sealer().seal();
  const { size, root } = await world.log.head();
  early = { size, root };
  earlyNote = Buffer.from((await world.log.file('checkpoint'))?.bytes ?? []).toString();
  await world.append(200);
  await world.sealer().seal();
  for (const path of [
    'checkpoint',
    'tile/0/000',
    'tile/0/001.p/44',
    'tile/1/000.p/1',
    'tile/entries/000',
    'tile/entries/001.p/44',
  ]) {
    const file = await world.log.file(path);
    if (file === undefined) throw new Error(`${path} is missing`);
    files.set(path, file.bytes);
  }
});
afterAll(() => world.close());

const whole: ReadLogFile = async (path) => files.get(path);

/** The log with one file changed. */
function changed(path: string, change: (bytes: Buffer) => Uint8Array | undefined): ReadLogFile {
  return async (asked) => {
    const bytes = files.get(asked);
    return asked === path && bytes !== undefined ? change(Buffer.from(bytes)) : bytes;
  };
}

function audit(read: ReadLogFile, pins: readonly Pin[] = [pin]) {
  return auditLog({ read, pins, verify: world.node.compute.verify });
}

test('a sound log is built again, file for file', async () => {
  const { exit, checks, head } = await audit(whole, [{ ...pin, newest: early }]);
  expect([exit, head?.size]).toEqual([0, 300]);
  expect(checks.map(({ name, ok }) => [name, ok])).toEqual([
    ['checkpoint', true],
    ['quorum', true],
    ['history', true],
    ['tiles', true],
    ['root', true],
    ['entries', true],
  ]);
  expect(checks[3]?.detail).toContain('4 tiles and full bundles');
});

const flip = (place: number) => (bytes: Buffer) => {
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  return bytes;
};

test.each([
  ['no checkpoint', 10, 'log.malformed', changed('checkpoint', () => undefined)],
  [
    'a checkpoint of somebody',
    3,
    'trust.unpinned',
    changed('checkpoint', (bytes) => Buffer.from(bytes.toString().replaceAll('signet/', 'other/'))),
  ],
  [
    'a checkpoint with another root',
    11,
    'sig.invalid',
    changed('checkpoint', (bytes) => Buffer.from(bytes.toString().replace('\n300\n', '\n301\n'))),
  ],
  ['a full tile with another hash', 12, 'log.inclusion', changed('tile/0/000', flip(100))],
  ['a partial tile with another hash', 12, 'log.inclusion', changed('tile/0/001.p/44', flip(9))],
  ['a tile of level 1 with another hash', 12, 'log.inclusion', changed('tile/1/000.p/1', flip(0))],
  ['an entry with another byte', 12, 'log.inclusion', changed('tile/entries/000', flip(50))],
  [
    'a bundle without its last entry',
    12,
    'log.malformed',
    changed('tile/entries/001.p/44', (bytes) => bytes.subarray(0, lastEntry(bytes))),
  ],
  [
    'a bundle that ends in an entry',
    12,
    'log.malformed',
    changed('tile/entries/001.p/44', (bytes) => bytes.subarray(0, -1)),
  ],
  ['no bundle', 12, 'log.malformed', changed('tile/entries/000', () => undefined)],
] as const)('refuses %s', async (_case, exit, code, read) => {
  const { exit: ended, checks } = await audit(read);
  expect([ended, checks.at(-1)?.code]).toEqual([exit, code]);
});

test.each([
  ['a larger one was seen', { size: 301, root: 'ab'.repeat(32) }],
  ['another of this size was seen', { size: 300, root: 'ab'.repeat(32) }],
  ['a smaller one was seen that it does not continue', { size: 100, root: 'ab'.repeat(32) }],
])('refuses a log that goes back: %s', async (_case, newest) => {
  const { exit, checks } = await audit(whole, [{ ...pin, newest }]);
  expect([exit, checks.at(-1)?.code]).toEqual([12, 'log.rollback']);
});

test('an entry that stands in the log twice is found', async () => {
  const twice = await openLogWorld();
  try {
    const [entry] = await twice.append(1);
    const { rows } = await twice.node.table.query({ pk: 'ledger#pending#0', limit: 1 }, Date.now());
    const again = { pk: 'ledger#pending#1', sk: `${'9'.repeat(15)}#${'f'.repeat(64)}` };
    await twice.node.table.write({ kind: 'put', key: again, item: rows[0]?.item ?? {} }, Date.now());
    await twice.sealer().seal();
    const read: ReadLogFile = async (path) => (await twice.log.file(path))?.bytes;
    const { node_id, chain: documents } = twice.node.identity;
    const audited = await auditLog({ read, pins: [{ node_id, documents }], verify: twice.node.compute.verify });
    expect(entry).toBeDefined();
    expect([audited.exit, audited.checks.at(-1)?.name]).toEqual([12, 'entries']);
  } finally {
    await twice.close();
  }
});

test('one checkpoint continues another, or it does not', async () => {
  const { verify } = world.node.compute;
  const head = await openHead({ read: whole, pins: [pin], verify });
  if (!head.ok) throw new Error(head.code);
  expect(await continues({ read: whole, verify, old: early, size: 300, root: head.root })).toBe(true);
  expect(await continues({ read: whole, verify, old: { ...early, size: 99 }, size: 300, root: head.root })).toBe(false);
  expect(await continues({ read: async () => undefined, verify, old: early, size: 300, root: head.root })).toBe(false);
  expect(await continues({ read: whole, verify, old: { ...early, size: 301 }, size: 300, root: head.root })).toBe(
    false,
  );
});

/** Where the last entry of a bundle begins. */
function lastEntry(bundle: Buffer): number {
  let last = 0;
  for (let at = 0; at < bundle.length; at += 2 + bundle.readUInt16BE(at)) last = at;
  return last;
}

describe('whoever asks for a quorum', () => {
  const witness = foreignWitness();
  const other = foreignWitness('other.example');
  const policy = `witness W ${witness.vkey}\nquorum W\n`;
  const cosigned = (note: string, by = witness) => Buffer.from(note + by.cosign(note, 1_900_000_000));
  const published = () => Buffer.from(files.get('checkpoint') ?? []).toString();
  /** The whole log, and these files in place of its own. */
  const withFiles =
    (more: Readonly<Record<string, Uint8Array>>): ReadLogFile =>
    async (path) =>
      more[path] ?? (await world.log.file(path))?.bytes;

  test('is content with a cosigned checkpoint', async () => {
    const audited = await audit(withFiles({ checkpoint: cosigned(published()) }), [{ ...pin, policy }]);
    expect([audited.exit, audited.checks[1]?.detail]).toEqual([0, 'cosigned by W']);
  });

  test('takes the newest that was cosigned while witnesses are behind, as the beginning of the published one', async () => {
    const files_ = withFiles({ cosigned: cosigned(earlyNote) });
    const audited = await audit(files_, [
      { ...pin, policy, newest: { size: 300, root: (await world.log.head()).root } },
    ]);
    expect([audited.exit, audited.head?.size]).toEqual([0, 300]);
    expect(audited.checks[1]?.detail).toBe('cosigned by W, of the first 100 entries');
    expect(audited.checks.at(-1)?.detail).toBe('100 envelopes, each once');
  });

  test('refuses a log that too few cosigned', async () => {
    for (const more of [{}, { cosigned: cosigned(earlyNote, other) }, { cosigned: Buffer.from('none') }]) {
      const audited = await audit(withFiles(more), [{ ...pin, policy }]);
      expect([audited.exit, audited.checks.at(-1)?.code]).toEqual([13, 'log.quorum']);
    }
  });

  test('refuses a published checkpoint that leaves what was cosigned', async () => {
    const { origin } = world.log;
    const [key = { key_id: '' }] = world.identity.signers;
    const text = `${origin}\n60\n${Buffer.alloc(32, 7).toString('base64')}\n`;
    const forked = `${text}\n${await world.node.keys.signNote({ key_id: key.key_id, name: origin, text })}`;
    const audited = await audit(withFiles({ cosigned: cosigned(forked) }), [{ ...pin, policy }]);
    expect([audited.exit, audited.checks.at(-1)?.code]).toEqual([12, 'log.rollback']);
  });
});
