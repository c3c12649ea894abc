import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { foreignWitness, openCosignature, type ForeignWitness } from '../../../tests/fixtures/foreign-log.ts';
import { openLogWorld, type LogWorld } from '../../../tests/fixtures/log-world.ts';
import { openCheckpoint, readProof } from '../../../tests/fixtures/plain-log.ts';
import type { WitnessAnswer, WitnessClient } from '../ports/witness-client.ts';
import { askedKey } from './keys.ts';
import { makeCosigner, type Cosigner } from './make-cosigner.ts';
import { makeWitness } from './make-witness.ts';
import { openWitnessIdentity } from './witness-identity.ts';

let world: LogWorld;
let failures: string[];
let now: number;
/** By address: what answers there. */
let answering: Map<string, (body: string) => Promise<WitnessAnswer>>;
const client: WitnessClient = {
  async addCheckpoint({ url, body }) {
    const answer = answering.get(url);
    if (answer === undefined) throw new Error('it did not answer: nobody is there');
    return answer(body);
  },
};

beforeEach(async () => {
  world = await openLogWorld();
  failures = [];
  answering = new Map();
  now = Date.now();
});
afterEach(() => world.close());

function cosignerFor(witnesses: readonly { url: string; vkey: string }[]): Cosigner {
  return makeCosigner({
    ...world.node,
    ledger: world.node.compute.verify.ledger,
    log: world.log,
    client,
    witnesses: () => witnesses,
    onFailure: (name, why, is_alarming) => failures.push(`${name}: ${is_alarming ? 'ALARM: ' : ''}${why}`),
    now: () => now,
    random: () => 1,
  });
}

/** One of our own witnesses at an address, over the world's table. */
async function ourWitness(name: string): Promise<{ url: string; vkey: string }> {
  const { table, keys, compute } = world.node;
  const identity = await openWitnessIdentity({ table, keys, digest: compute.digest, name, now: () => now });
  const witness = makeWitness({
    table,
    ledger: compute.verify.ledger,
    keys,
    identity: async () => identity,
    logs: () => new Map([[world.log.origin, world.log.vkeys]]),
    onFault: () => {},
    now: () => now,
  });
  const url = `http://${name}`;
  answering.set(url, async (body) => {
    const answer = await witness.addCheckpoint(Buffer.from(body));
    if (answer.kind === 'cosigned') return { status: 200, type: 'text/plain', body: answer.line };
    if (answer.kind === 'elsewhere') return { status: 409, type: 'text/x.tlog.size', body: `${answer.size}\n` };
    return {
      status: { malformed: 400, unknown: 404, unsigned: 403, contradicts: 409, unproved: 422 }[answer.why],
      type: '',
      body: '',
    };
  });
  return { url, vkey: identity.vkey };
}

function answersBy(witness: ForeignWitness, answer: (body: string) => WitnessAnswer) {
  const url = `http://${witness.name}`;
  answering.set(url, async (body) => answer(body));
  return { url, vkey: witness.vkey };
}

async function seal(count: number): Promise<readonly string[]> {
  const ids = await world.append(count);
  while ((await world.sealer().seal()).kind !== 'idle');
  return ids;
}

async function fileText(path: string): Promise<string> {
  return Buffer.from((await world.log.file(path))?.bytes ?? []).toString();
}

function linesBy(name: string, note: string): string[] {
  return note
    .split('\n')
    .filter((line) => line.startsWith(`— ${name} `))
    .map((line) => `${line}\n`);
}

describe('what witnesses cosigned', () => {
  test('stands in the published checkpoint, which the log has signed before and readers read as ever', async () => {
    const witnesses = [await ourWitness('w.example/1'), await ourWitness('w.example/2')];
    const cosigner = cosignerFor(witnesses);
    expect(await cosigner.round()).toEqual({ asked: 0, cosigned: 0 });
    for (const count of [1, 2, 300]) {
      await seal(count);
      const plain = await fileText('checkpoint');
      expect(await cosigner.round()).toEqual({ asked: 2, cosigned: 2 });
      const note = await fileText('checkpoint');
      expect(note.startsWith(plain)).toBe(true);
      expect(await fileText('cosigned')).toBe(note);
      for (const { vkey } of witnesses) {
        const [line = '', ...more] = linesBy(vkey.split('+')[0] ?? '', note);
        expect([openCosignature(line, vkey, note), more]).toEqual([Math.floor(now / 1000), []]);
      }
      expect(await cosigner.round()).toEqual({ asked: 0, cosigned: 0 });
    }
    await seal(5);
    expect(openCheckpoint(await fileText('checkpoint'), world.identity.vkeys[0] ?? '').size).toBe(308);
  });

  test('is carried by receipts, also when the log has grown meanwhile', async () => {
    const cosigner = cosignerFor([await ourWitness('w.example/1')]);
    const [id = ''] = await seal(3);
    await cosigner.round();
    const late = await seal(1);
    const told = async (one: string) => {
      const proof = await world.receipts.proof(one, 'default');
      return proof?.kind === 'sealed' ? readProof(proof.text).checkpoint : '';
    };
    expect(linesBy('w.example/1', await told(id))).toHaveLength(1);
    expect(openCheckpoint(await told(id), world.identity.vkeys[0] ?? '').size).toBe(3);
    expect(linesBy('w.example/1', await told(late[0] ?? ''))).toHaveLength(0);
    await cosigner.round();
    expect(linesBy('w.example/1', await told(late[0] ?? ''))).toHaveLength(1);
  });

  test('that came when the checkpoint had moved is kept beside it, and never over a larger one', async () => {
    const witness = foreignWitness();
    const configured = answersBy(witness, (body) => {
      const note = body.slice(body.indexOf('\n\n') + 2);
      return { status: 200, type: 'text/plain', body: witness.cosign(note, Math.floor(now / 1000)) };
    });
    const cosigner = cosignerFor([configured]);
    await seal(2);
    const answer = answering.get(configured.url);
    answering.set(configured.url, async (body) => {
      await seal(3);
      return answer?.(body) ?? Promise.reject(new Error('away'));
    });
    expect(await cosigner.round()).toEqual({ asked: 1, cosigned: 1 });
    expect(linesBy(witness.name, await fileText('checkpoint'))).toHaveLength(0);
    expect((await fileText('cosigned')).split('\n')[1]).toBe('2');
    expect((await fileText('checkpoint')).split('\n')[1]).toBe('5');
  });

  test('of a larger tree waits for all who vouched for the smaller one, ten minutes at most', async () => {
    const witnesses = [await ourWitness('w.example/1'), await ourWitness('w.example/2')];
    const cosigner = cosignerFor(witnesses);
    await seal(2);
    await cosigner.round();
    answering.delete('http://w.example/2');
    await seal(1);
    expect(await cosigner.round()).toEqual({ asked: 2, cosigned: 1 });
    expect((await fileText('cosigned')).split('\n')[1]).toBe('2');
    now += 601_000;
    await seal(1);
    await cosigner.round();
    expect((await fileText('cosigned')).split('\n')[1]).toBe('4');
  });
});

test('a process asks once when it begins, and so finds out that what it remembers is of another history', async () => {
  const witness = await ourWitness('w.example/1');
  await seal(2);
  await cosignerFor([witness]).round();
  expect(await cosignerFor([witness]).round()).toEqual({ asked: 1, cosigned: 1 });
  const cosigner = cosignerFor([
    answersBy(foreignWitness(), () => ({ status: 409, type: 'text/x.tlog.size', body: '7\n' })),
  ]);
  await cosigner.round();
  expect(failures).toEqual(['witness.example/w1: ALARM: it cosigned 7 entries, the published log has 2']);
});

describe('an answer is believed no further than the witness signed it', () => {
  const cosigned = (witness: ForeignWitness, body: string) =>
    witness.cosign(body.slice(body.indexOf('\n\n') + 2), Math.floor(now / 1000));
  const witness = foreignWitness();

  test.each<[string, string, (body: string) => WitnessAnswer]>([
    ['a line of another key', 'expected one line by its key', (body) => text(cosigned(foreignWitness(), body))],
    ['no line', 'expected one line by its key', () => text('')],
    ['two lines', 'expected one line by its key', (body) => text(cosigned(witness, body).repeat(2))],
    ['a line over another tree', 'its cosignature: `sig.invalid`', () => text(witness.cosign('other\n1\nx\n\n', 1))],
    [
      'half a line',
      'its cosignature: `log.malformed`',
      (body) => text(cosigned(witness, body).replace(/.{9}\n$/, '\n')),
    ],
    ['500', 'it answered 500', () => ({ status: 500, type: '', body: '' })],
    ['a redirect', 'it answered 307', () => ({ status: 307, type: '', body: '' })],
    [
      '409 without its type',
      'ALARM: it cosigned another tree of this size',
      () => ({ status: 409, type: 'text/plain', body: '9\n' }),
    ],
    ['409 with the size that was sent', 'ALARM: it cosigned another tree of this size', () => size(0)],
    ['409 with no number', 'ALARM: it cosigned another tree of this size', () => ({ ...size(1), body: '01\n' })],
    [
      '422',
      'ALARM: what it cosigned before is not the beginning of our log',
      () => ({ status: 422, type: '', body: '' }),
    ],
    ['a larger size than there is', 'ALARM: it cosigned 9 entries, the published log has 2', () => size(9)],
  ])('%s', async (_, why, answer) => {
    const cosigner = cosignerFor([answersBy(witness, answer)]);
    await seal(2);
    const before = await fileText('checkpoint');
    expect(await cosigner.round()).toEqual({ asked: 1, cosigned: 0 });
    expect(failures).toEqual([`witness.example/w1: ${why}`]);
    expect([await fileText('checkpoint'), await fileText('cosigned')]).toEqual([before, '']);
    expect(await cosigner.known()).toEqual([{ name: witness.name, url: `http://${witness.name}`, size: 0 }]);
  });

  test('a stranger beside it is left out', async () => {
    const cosigner = cosignerFor([
      answersBy(witness, (body) => text(cosigned(foreignWitness('stranger.org'), body) + cosigned(witness, body))),
    ]);
    await seal(2);
    expect(await cosigner.round()).toEqual({ asked: 1, cosigned: 1 });
    expect(await fileText('checkpoint')).not.toContain('stranger.org');
  });

  test('one that names another size each time is asked twice and no more', async () => {
    let asked = 0;
    await seal(4);
    const cosigner = cosignerFor([answersBy(witness, () => size((asked += 1)))]);
    await cosigner.round();
    expect([asked, failures]).toEqual([2, ['witness.example/w1: it says another size each time']]);
  });

  const text = (body: string): WitnessAnswer => ({ status: 200, type: 'text/plain', body });
  const size = (entries: number): WitnessAnswer => ({ status: 409, type: 'text/x.tlog.size', body: `${entries}\n` });
});

describe('a witness that is away', () => {
  test('is asked again after a growing while, and told how far it was once it is back', async () => {
    const witness = await ourWitness('w.example/1');
    const cosigner = cosignerFor([witness]);
    await seal(2);
    await cosigner.round();
    const answer = answering.get(witness.url);
    answering.delete(witness.url);
    await seal(2);
    for (const wait_s of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]) {
      expect(await cosigner.round()).toEqual({ asked: 1, cosigned: 0 });
      now += wait_s * 1000 - 1;
      expect(await cosigner.round()).toEqual({ asked: 0, cosigned: 0 });
      now += 1;
    }
    expect(await cosigner.known()).toMatchObject([{ size: 2 }]);
    if (answer !== undefined) answering.set(witness.url, answer);
    expect(await cosigner.round()).toEqual({ asked: 1, cosigned: 1 });
    expect(await cosigner.known()).toMatchObject([{ size: 4, last_cosigned: Math.floor(now / 1000) }]);
  });

  test('and one whose record of us was lost here, are found by what it says', async () => {
    const witness = await ourWitness('w.example/1');
    await seal(2);
    await cosignerFor([witness]).round();
    await seal(2);
    // A configured anew witness has another row: as if the first had never been asked.
    await world.node.table.write({ kind: 'delete', key: askedKey(witness.vkey) }, now);
    expect(await cosignerFor([witness]).round()).toEqual({ asked: 1, cosigned: 1 });
  });

  test('is not left alone longer because the clock went back', async () => {
    const witness = await ourWitness('w.example/1');
    const cosigner = cosignerFor([{ ...witness, url: 'http://nobody' }]);
    await seal(2);
    await cosigner.round();
    expect(await cosigner.round()).toEqual({ asked: 0, cosigned: 0 });
    now -= 30 * 86_400_000;
    expect(await cosigner.round()).toEqual({ asked: 1, cosigned: 0 });
  });

  test('does not stop the others', async () => {
    const [present, away] = [await ourWitness('w.example/1'), foreignWitness()];
    await seal(1);
    const cosigner = cosignerFor([{ url: 'http://nobody', vkey: away.vkey }, present]);
    expect(await cosigner.round()).toEqual({ asked: 2, cosigned: 1 });
  });

  test('a log that rests is cosigned again each hour, and a clock that went back silences nobody', async () => {
    const cosigner = cosignerFor([await ourWitness('w.example/1')]);
    await seal(1);
    await cosigner.round();
    now += 3_599_000;
    expect((await cosigner.round()).asked).toBe(0);
    now += 1000;
    expect(await cosigner.round()).toEqual({ asked: 1, cosigned: 1 });
    now -= 30 * 86_400_000;
    expect(await cosigner.round()).toEqual({ asked: 1, cosigned: 1 });
  });
});
