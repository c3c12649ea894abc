import { beforeAll, describe, expect, test } from '@jest/globals';
import { openWasmCompute } from '../../functions/adapters/wasm/wasm-compute.ts';
import { firstConstitution } from '../../functions/domain/constitution/constitution.ts';
import { readRules } from '../../functions/domain/constitution/rules.ts';
import type { GatesCompute } from '../../functions/domain/ports/gates-compute.ts';
import {
  bytesOf,
  excerptsOf,
  languages,
  oneWord,
  randomBytes,
  seededRandom,
  shuffled,
  shuffledLetters,
  type Excerpt,
} from '../fixtures/calibration-texts.ts';

let gates: GatesCompute;
beforeAll(async () => {
  ({ gates } = await openWasmCompute());
});

/** Where there is no score there is nothing to raise: it counts as all that there is. */
async function scoresOf(texts: readonly (string | Uint8Array)[]): Promise<readonly number[]> {
  const scores = await gates.scoreSnr(texts.map((text) => (typeof text === 'string' ? bytesOf(text) : text)));
  return scores.map((score) => (score.scored ? score.score : 10_000));
}

const bar = readRules(firstConstitution(1)).thresholds.snr;

describe.each(languages)('`snr/1` on our own texts: %s', (language) => {
  const random = seededRandom(20_26);
  const excerpts = excerptsOf(language);
  const texts = excerpts.map(({ text }) => text);
  let natural: readonly number[];
  beforeAll(async () => {
    natural = await scoresOf(texts);
  });

  async function expectNeverHigher(changed: readonly string[]): Promise<void> {
    const scores = await scoresOf(changed);
    const raised = scores.flatMap((score, index) => (score > (natural[index] ?? 0) ? [changed[index]] : []));
    expect(raised).toEqual([]);
  }

  test('there are a thousand excerpts', () => {
    expect(excerpts.length).toBeGreaterThanOrEqual(1_000);
  });

  test('nine of ten pass the bar', () => {
    const passed = natural.filter((score) => score >= bar).length;
    expect(passed / natural.length).toBeGreaterThanOrEqual(0.9);
  });

  test.each<[string, (text: string) => string | Uint8Array]>([
    ['letters shuffled', (text) => shuffledLetters(text, random)],
    ['random bytes', () => randomBytes(4_096, random)],
    ['one word repeated', (text) => oneWord(text, random)],
  ])('%s: one of a hundred passes at most, and the two are told apart', async (_, spoil) => {
    const garbage = await scoresOf(texts.map(spoil));
    expect(garbage.filter((score) => score >= bar).length / garbage.length).toBeLessThanOrEqual(0.01);
    expect(areaUnderCurve(natural, garbage)).toBeGreaterThanOrEqual(0.97);
  });

  test('doubling never raises it', () => expectNeverHigher(texts.map((text) => `${text} ${text}`)));

  test('shuffled letters never raise it', () => expectNeverHigher(texts.map((text) => shuffledLetters(text, random))));

  test('what is appended after white space never raises it', async () => {
    for (const more of ['\n', ' \u0000', ' zzz', ` ${texts[7] ?? ''}`, '\t# # #', ' Жили были старик со старухой']) {
      await expectNeverHigher(texts.map((text) => `${text}${more}`));
    }
  });

  test('a control or hidden character anywhere never raises it', async () => {
    for (const noise of ['\u0001', '\u200B', '\uFFFD', '\u{E0041}']) {
      await expectNeverHigher(
        texts.map((text) => {
          const at = Math.floor(random() * (text.length + 1));
          return `${text.slice(0, at)}${noise}${text.slice(at)}`;
        }),
      );
    }
  });

  test('another order of sentences moves it by 200 at the median and by 1,000 at the 95th of a hundred', async () => {
    const long = excerpts.filter(({ text }) => text.split(' ').length >= 60);
    const reordered = ({ sentences }: Excerpt): string => shuffled(sentences, random).join(' ');
    const [before, after] = await Promise.all([scoresOf(long.map(({ text }) => text)), scoresOf(long.map(reordered))]);
    const moves = before.map((score, index) => Math.abs(score - (after[index] ?? 0))).sort((a, b) => a - b);
    expect(moves[Math.floor(moves.length / 2)]).toBeLessThanOrEqual(200);
    expect(moves[Math.floor(moves.length * 0.95)]).toBeLessThanOrEqual(1_000);
  });
});

/** The share of pairs in which the natural text has the higher score; ties count half. */
function areaUnderCurve(natural: readonly number[], garbage: readonly number[]): number {
  let wins = 0;
  for (const high of natural) for (const low of garbage) wins += high > low ? 1 : high === low ? 0.5 : 0;
  return wins / (natural.length * garbage.length);
}
