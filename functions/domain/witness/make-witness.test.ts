import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { foreignLog, openCosignature, type ForeignLog } from '../../../tests/fixtures/foreign-log.ts';
import { openTestNode, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { conflictKey, headKey } from './keys.ts';
import { makeWitness, type WitnessOptions } from './make-witness.ts';
import type { Witness } from './witness.ts';
import { openWitnessIdentity, type WitnessIdentity } from './witness-identity.ts';

let node: TestNode;
let identity: WitnessIdentity;
let log: ForeignLog;
let witness: Witness;
let faults: string[];
let now = 1_900_000_000_000;
let logs = 0;

beforeAll(async () => {
  node = await openTestNode();
  const parts = { table: node.table, keys: node.keys, digest: node.compute.digest, now: () => now };
  identity = await openWitnessIdentity({ ...parts, name: 'witness.example/w1' });
});
afterAll(() => node.close());
beforeEach(() => {
  now = 1_900_000_000_000;
  faults = [];
  log = foreignLog(`log.example/${(logs += 1)}`);
  witness = open();
});

function open(changed: Partial<WitnessOptions> = {}): Witness {
  return makeWitness({
    table: node.table,
    ledger: node.compute.verify.ledger,
    keys: node.keys,
    identity: async () => identity,
    logs: () => new Map([[log.origin, [log.vkey]]]),
    onFault: (_, message) => faults.push(message),
    now: () => now,
    ...changed,
  });
}

/** Asks, and gives the time of the cosignature. */
async function cosigned(request: { old: number; size: number }): Promise<number> {
  const answer = await witness.addCheckpoint(log.request(request));
  if (answer.kind !== 'cosigned') throw new Error(`expected a cosignature, got ${JSON.stringify(answer)}`);
  return openCosignature(answer.line, identity.vkey, log.checkpoint(request.size));
}

describe('cosigns', () => {
  test('the first checkpoint, whatever its size, and what continues it', async () => {
    expect(await cosigned({ old: 0, size: 5 })).toBe(now / 1000);
    for (const [old, size] of [
      [5, 6],
      [6, 8],
      [8, 300],
      [300, 300],
      [300, 1000],
    ] as const)
      await cosigned({ old, size });
    expect(await witness.logs()).toMatchObject([{ origin: log.origin, size: 1000, last_cosigned: now / 1000 }]);
  });

  test('a log without entries', async () => {
    await cosigned({ old: 0, size: 0 });
    await cosigned({ old: 0, size: 3 });
  });

  test('extension lines, as a part of what is signed', async () => {
    const text = `${log.checkpoint(4).split('\n\n')[0] ?? ''}\nextension\n`;
    const checkpoint = log.signed(text);
    const answer = await witness.addCheckpoint(log.request({ old: 0, size: 4, checkpoint }));
    if (answer.kind !== 'cosigned') throw new Error('expected a cosignature');
    expect(openCosignature(answer.line, identity.vkey, checkpoint)).toBe(now / 1000);
  });

  test('beside signatures of strangers, even under the name of the log', async () => {
    const [, line = ''] = foreignLog(log.origin).checkpoint(3).split('\n\n');
    const checkpoint = `${log.checkpoint(3)}${line}`;
    expect(await witness.addCheckpoint(log.request({ old: 0, size: 3, checkpoint }))).toMatchObject({
      kind: 'cosigned',
    });
  });
});

describe('refuses', () => {
  const refusal = async (body: Uint8Array) => {
    const answer = await witness.addCheckpoint(body);
    return answer.kind === 'refused' ? [answer.why, answer.reason] : [answer.kind];
  };

  test('what is no request', async () => {
    expect(await refusal(Buffer.from('old 0\n'))).toEqual(['malformed', 'log.malformed']);
    expect(await refusal(Buffer.alloc(70_000, 0x61))).toEqual(['malformed', 'log.malformed']);
  });

  test('an origin that is not configured, and every one while nothing is', async () => {
    expect(await refusal(foreignLog('log.example/unknown').request({ old: 0, size: 1 }))).toEqual([
      'unknown',
      'log.origin',
    ]);
    witness = open({ identity: async () => undefined });
    expect(await refusal(log.request({ old: 0, size: 1 }))).toEqual(['unknown', 'log.origin']);
  });

  test('a checkpoint that the log did not sign, before it says anything of the log', async () => {
    await cosigned({ old: 0, size: 3 });
    const stranger = foreignLog(log.origin);
    expect(await refusal(stranger.request({ old: 1, size: 5 }))).toEqual(['unsigned', 'key.unknown']);
    const note = log.checkpoint(5).replace(/\n5\n/, '\n6\n');
    expect(await refusal(log.request({ old: 1, size: 5, checkpoint: note }))).toEqual(['unsigned', 'sig.invalid']);
  });

  test('an old size above the new one', async () => {
    await cosigned({ old: 0, size: 5 });
    const body = Buffer.from(`old 6\n\n${log.checkpoint(5)}`);
    expect(await refusal(body)).toEqual(['malformed', 'log.consistency']);
  });

  test('sizes that this platform cannot tell apart', async () => {
    const checkpoint = log.signed(`${log.origin}\n9007199254740993\n${Buffer.alloc(32).toString('base64')}\n`);
    expect(await refusal(log.request({ old: 0, size: 1, checkpoint }))).toEqual(['malformed', 'log.malformed']);
  });

  test('an old size that is not ours, and says which is', async () => {
    expect(await witness.addCheckpoint(log.request({ old: 1, size: 5 }))).toEqual({ kind: 'elsewhere', size: 0 });
    await cosigned({ old: 0, size: 5 });
    for (const old of [0, 3, 6]) {
      expect(await witness.addCheckpoint(log.request({ old, size: 7 }))).toEqual({ kind: 'elsewhere', size: 5 });
    }
  });

  test('another tree of the same size, and keeps the first such as proof', async () => {
    await cosigned({ old: 0, size: 5 });
    expect(await refusal(log.request({ old: 5, size: 5, branch: 4 }))).toEqual(['contradicts', 'log.rollback']);
    expect(faults).toEqual([expect.stringContaining('TWO HISTORIES')]);
    const kept = await node.table.get(conflictKey(log.origin), now);
    expect(kept).toMatchObject({ note: log.checkpoint(5, 4), cosigned_size: 5 });
    await refusal(log.request({ old: 5, size: 5, branch: 2 }));
    expect(await node.table.get(conflictKey(log.origin), now)).toEqual(kept);
    expect(await witness.logs()).toMatchObject([{ size: 5, contradicted_at: now / 1000 }]);
  });

  test('a root that no tree without entries has', async () => {
    const checkpoint = log.signed(`${log.origin}\n0\n${Buffer.alloc(32).toString('base64')}\n`);
    expect(await refusal(log.request({ old: 0, size: 0, checkpoint }))).toEqual(['contradicts', 'log.rollback']);
  });

  test('a proof that does not hold: another history, too short, too long, one where none belongs', async () => {
    await cosigned({ old: 0, size: 5 });
    const unproved = ['unproved', 'log.consistency'];
    expect(await refusal(log.request({ old: 5, size: 9, branch: 3 }))).toEqual(unproved);
    const hash = `${Buffer.alloc(32).toString('base64')}\n`;
    const body = Buffer.from(log.request({ old: 5, size: 9 })).toString();
    expect(await refusal(Buffer.from(body.replace(/\n.*\n/, '\n')))).toEqual(unproved);
    expect(await refusal(Buffer.from(body.replace('\n\n', `\n${hash}\n`)))).toEqual(unproved);
    expect(await refusal(Buffer.from(`old 5\n${hash}\n${log.checkpoint(5)}`))).toEqual(unproved);
    log = foreignLog('log.example/first');
    witness = open();
    expect(await refusal(Buffer.from(`old 0\n${hash}\n${log.checkpoint(5)}`))).toEqual(unproved);
    expect(await node.table.get(headKey(log.origin), now)).toBeUndefined();
  });
});

describe('a witness that dies between its update and its signature', () => {
  test('has signed nothing, and gives its successor the same tree to sign', async () => {
    const dying = open({ keys: { signNote: () => Promise.reject(new Error('killed')) } });
    await expect(dying.addCheckpoint(log.request({ old: 0, size: 5 }))).rejects.toThrow('killed');
    expect(await witness.addCheckpoint(log.request({ old: 0, size: 5, branch: 2 }))).toEqual({
      kind: 'elsewhere',
      size: 5,
    });
    expect(await witness.addCheckpoint(log.request({ old: 5, size: 5, branch: 2 }))).toMatchObject({
      why: 'contradicts',
    });
    expect(await cosigned({ old: 5, size: 5 })).toBe(now / 1000);
  });

  test('signs nothing when its table does not take the update', async () => {
    let signatures = 0;
    const { table } = node;
    const failing = open({
      table: { ...table, get: (...given) => table.get(...given), write: () => Promise.reject(new Error('away')) },
      keys: { signNote: () => Promise.resolve(String((signatures += 1))) },
    });
    await expect(failing.addCheckpoint(log.request({ old: 0, size: 5 }))).rejects.toThrow('away');
    expect(signatures).toBe(0);
  });
});

describe('the time of a cosignature', () => {
  test('a repeat within a minute gets the same bytes and writes nothing, a later one a new time', async () => {
    const body = log.request({ old: 5, size: 5 });
    await cosigned({ old: 0, size: 5 });
    const first = await witness.addCheckpoint(body);
    const before = await node.table.get(headKey(log.origin), now);
    now += 59_000;
    expect(await witness.addCheckpoint(body)).toEqual(first);
    expect(await node.table.get(headKey(log.origin), now)).toEqual(before);
    now += 1000;
    expect(await cosigned({ old: 5, size: 5 })).toBe(now / 1000);
  });

  test('never goes back, whatever the clock does', async () => {
    const first = await cosigned({ old: 0, size: 5 });
    now -= 86_400_000;
    expect(await cosigned({ old: 5, size: 6 })).toBe(first);
    now += 2 * 86_400_000;
    const later = await cosigned({ old: 6, size: 7 });
    expect(later).toBe(now / 1000);
    now -= 86_400_000;
    expect(await cosigned({ old: 7, size: 7 })).toBe(later);
  });
});

describe('the key of a witness', () => {
  const open = (name: string) => openWitnessIdentity({ ...node, digest: node.compute.digest, name });

  test('stays with its name, and another name has another key', async () => {
    const [one, two] = [await open('witness.example/a'), await open('witness.example/b')];
    expect(await open('witness.example/a')).toEqual(one);
    expect(one.key_id).not.toBe(two.key_id);
    expect(one.vkey).toMatch(/^witness\.example\/a\+[0-9a-f]{8}\+B/);
  });

  test('that a start made and did not name is taken by the next name', async () => {
    const orphan = await node.keys.create('witness');
    expect((await open('witness.example/c')).key_id).toBe(orphan.key_id);
    expect((await open('witness.example/d')).key_id).not.toBe(orphan.key_id);
  });

  test('that is gone is not made anew in silence: its logs trust the old one', async () => {
    const gone = { ...node, keys: { list: async () => [], create: () => node.keys.create('witness') } };
    await open('witness.example/e');
    const opened = openWitnessIdentity({ ...gone, digest: node.compute.digest, name: 'witness.example/e' });
    await expect(opened).rejects.toThrow('is gone');
  });
});
