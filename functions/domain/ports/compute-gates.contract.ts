import { expect, test } from '@jest/globals';
import vectors from '@signet/shared/vectors/gates/cases.json' with { type: 'json' };
import type { GatesCompute } from './gates-compute.ts';
import { hex, utf8 } from './vector-values.contract.ts';

interface GateCase {
  readonly name: string;
  readonly scorer: string;
  readonly text?: string;
  readonly hex?: string;
  readonly times?: number;
  readonly found?: number;
  readonly cited?: number;
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

  test('says which scorers and lists it has, each once, by digest', async () => {
    const { scorers, lists } = await (await opened).gates.describeScorers();
    expect(scorers.map(({ id }) => id)).toEqual(['snr/1', 'leak/1', 'inject/1', 'ground/1', 'excellence/1']);
    expect(lists.length).toBe(11);
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
      return (await gates.scoreLeak(texts))[0];
    case 'inject/1':
      return (await gates.scoreInjection(texts))[0];
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

function bytesOf(one: GateCase): Uint8Array {
  const once = one.hex === undefined ? utf8(one.text) : hex(one.hex);
  const all = new Uint8Array(once.length * (one.times ?? 1));
  for (let at = 0; at < all.length; at += once.length) all.set(once, at);
  return all;
}
