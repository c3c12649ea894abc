import { expect, test } from '@jest/globals';
import vectors from '@signet/shared/vectors/gates/cases.json' with { type: 'json' };
import { ScorerLateError, type GatesCompute } from './gates-compute.ts';
import { hex, utf8 } from './vector-values.contract.ts';

interface GateCase {
  readonly name: string;
  readonly scorer: string;
  readonly text?: string;
  readonly hex?: string;
  readonly times?: number;
  readonly found?: number;
  readonly cited?: number;
  readonly pieces?: readonly string[];
  readonly gates?: readonly (readonly [number, number])[];
  readonly ok: unknown;
}

const cases = vectors.cases as unknown as readonly GateCase[];

/** The suite of `GatesCompute`, inside of a `describe`. */
export function describeGates(opened: Promise<{ readonly gates: GatesCompute }>): void {
  // The log table is inside of the scorers: its case is for implementations of other people, and for the crate's own test.
  test.each(cases.filter(({ scorer }) => scorer !== 'log2'))('$scorer: $name', async (one) => {
    const { gates } = await opened;
    expect(await answerOf(gates, one)).toEqual(one.ok);
  });

  test('many texts at once are scored as each alone', async () => {
    const { gates } = await opened;
    const texts = cases.filter(({ scorer }) => scorer === 'snr/1').map(bytesOf);
    const alone = await Promise.all(texts.map(async (text) => (await gates.scoreSnr([text]))[0]));
    expect(await gates.scoreSnr(texts)).toEqual(alone);
    expect(await gates.scoreSnr([])).toEqual([]);
  });

  test('pieces of many texts are scanned as each alone', async () => {
    const { gates } = await opened;
    const pieces = ['pay 4111 ', 'word', '4111111111111111 ', '0.'].map((text, context) => ({
      context,
      text: utf8(text),
      is_last: context % 2 === 1,
    }));
    const alone = await Promise.all(pieces.map(async (piece) => (await gates.scanLeaks([piece]))[0]));
    expect(await gates.scanLeaks(pieces)).toEqual(alone);
    await expect(gates.scanLeaks([{ context: 4, text: utf8(''), is_last: true }])).rejects.toThrow();
  });

  test('a scorer stops where its time is over', async () => {
    const { gates } = await opened;
    const text = utf8('many words of a text that goes on and on, ').slice();
    const long = new Uint8Array(text.length * 6000).map((_, at) => text[at % text.length] ?? 32);
    for (const method of ['scoreSnr', 'scoreLeak', 'scoreInjection'] as const) {
      await expect(gates[method]([text], { within_ms: 0 })).rejects.toThrow(ScorerLateError);
      expect((await gates[method]([long], { within_ms: 60_000 })).length).toBe(1);
    }
    await expect(gates.scoreLeak([text], { scorer: 'leak/1', within_ms: 0 })).rejects.toThrow(ScorerLateError);
    await expect(gates.scoreInjection([text], { scorer: 'inject/1', within_ms: 0 })).rejects.toThrow(ScorerLateError);
  });

  test('says which scorers and lists it has, each once, by digest', async () => {
    const { scorers, lists } = await (await opened).gates.describeScorers();
    const ids = ['snr/1', 'leak/1', 'leak/2', 'inject/1', 'inject/2', 'ground/1', 'excellence/1'];
    expect(scorers.map(({ id }) => id)).toEqual(ids);
    expect(lists.length).toBe(15);
    const digests = [...scorers, ...lists].map(({ sha256 }) => sha256);
    expect(new Set(digests).size).toBe(digests.length);
    for (const digest of digests) expect(digest).toMatch(/^[0-9a-f]{64}$/);
  });
}

async function answerOf(gates: GatesCompute, one: GateCase): Promise<unknown> {
  const texts = [bytesOf(one)];
  switch (one.scorer) {
    case 'snr/1':
      return (await gates.scoreSnr(texts))[0];
    case 'leak/1':
    case 'leak/2':
      if (one.pieces !== undefined) return scanned(gates, one.pieces);
      return (await gates.scoreLeak(texts, { scorer: one.scorer }))[0];
    case 'inject/1':
    case 'inject/2':
      return (await gates.scoreInjection(texts, { scorer: one.scorer }))[0];
    case 'ground/1':
      if (one.cited === undefined) return (await gates.findCitations(texts))[0];
      return { score: (await gates.scoreGround([{ found: one.found ?? 0, cited: one.cited }]))[0] };
    case 'excellence/1': {
      const list = (one.gates ?? []).map(([score, bar]) => ({ score, bar }));
      return { score: (await gates.scoreExcellence([list]))[0] };
    }
    default:
      throw new Error(`no scorer is called \`${one.scorer}\``);
  }
}

async function scanned(gates: GatesCompute, pieces: readonly string[]): Promise<readonly unknown[]> {
  const scans = [];
  let [context, held] = [0, ''];
  for (const [index, piece] of pieces.entries()) {
    held += piece;
    const [scan] = await gates.scanLeaks([{ context, text: utf8(held), is_last: index === pieces.length - 1 }]);
    if (scan === undefined) throw new Error('a scan without an answer');
    context = scan.context;
    held = held.slice(held.length - scan.held);
    scans.push(scan);
  }
  return scans;
}

function bytesOf(one: GateCase): Uint8Array {
  const once = one.hex === undefined ? utf8(one.text) : hex(one.hex);
  const all = new Uint8Array(once.length * (one.times ?? 1));
  for (let at = 0; at < all.length; at += once.length) all.set(once, at);
  return all;
}
