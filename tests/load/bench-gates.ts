import { openNativeCompute } from '../../functions/adapters/native/native-compute.ts';
import { findAddon } from '../../functions/adapters/native/find-addon.ts';
import { openWasmCompute } from '../../functions/adapters/wasm/wasm-compute.ts';
import { firstConstitution } from '../../functions/domain/constitution/constitution.ts';
import { chainOf, readRules } from '../../functions/domain/constitution/rules.ts';
import type { GatesCompute } from '../../functions/domain/ports/gates-compute.ts';
import {
  bytesOf,
  excerptsOf,
  languages,
  oneWord,
  randomBytes,
  seededRandom,
  shuffledLetters,
  type Language,
} from '../fixtures/calibration-texts.ts';
import { openGates } from '../fixtures/open-gates.ts';
import { openTestNode, testCall } from '../fixtures/open-test-node.ts';
import { benchGatedChats } from './bench-gated-chats.ts';
import { percentile, type Figure } from './record.ts';

/** Scorers and checks on one core, and how well `snr/1` tells our own texts from garbage. */
export async function benchGates(): Promise<readonly Figure[]> {
  const addon_path = findAddon();
  const builds: [string, GatesCompute][] = [['wasm', (await openWasmCompute()).gates]];
  if (addon_path !== undefined) builds.push(['native', openNativeCompute({ addon_path }).gates]);
  const figures: Figure[] = [];
  for (const [name, gates] of builds) figures.push(...(await throughput(name, gates)));
  figures.push(...(await checks()));
  figures.push(...(await benchGatedChats(builds)));
  for (const language of languages) figures.push(...(await calibration(language, builds[0]?.[1])));
  return figures;
}

const kilobyte = 1_024;

/** CPU of this process, so that other work on the machine counts for less. */
async function throughput(build: string, gates: GatesCompute): Promise<readonly Figure[]> {
  const text = bytesOf(
    excerptsOf('en')
      .map(({ text: one }) => one)
      .join(' '),
  ).slice(0, kilobyte);
  const batch = Array.from({ length: 64 }, () => text);
  const cost = async (work: () => Promise<unknown>): Promise<number> => {
    for (let round = 0; round < 20; round += 1) await work();
    const before = process.cpuUsage();
    const rounds = 60;
    for (let round = 0; round < rounds; round += 1) await work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / (rounds * batch.length);
  };
  const snr = await cost(() => gates.scoreSnr(batch));
  const leak = await cost(() => gates.scoreLeak(batch));
  const inject = await cost(() => gates.scoreInjection(batch));
  const chain = readRules(firstConstitution(1));
  const bars = chainOf(chain, 'checkGates').gates.map(({ bar }) => ({ score: 10_000, bar }));
  const excellence = await cost(() => gates.scoreExcellence(batch.map(() => bars)));
  const both = Math.round((2 * kilobyte) / (leak + inject) / 2);
  return [
    { name: `${build}: snr/1`, value: rounded(snr), unit: 'us/KB', target: 60 },
    { name: `${build}: leak/2`, value: rounded(leak), unit: 'us/KB', target: 5 },
    { name: `${build}: inject/2`, value: rounded(inject), unit: 'us/KB', target: 5 },
    { name: `${build}: leak/2 and inject/2`, value: both, unit: 'MB/s', target: 100, larger_is_better: true },
    {
      name: `${build}: comparisons of a chain alone`,
      value: rounded(excellence),
      unit: 'us',
      note: 'no text is read: told apart, so that nobody takes it for a check',
    },
  ];
}

/** The whole check of 1 KB with its two receipts. */
async function checks(): Promise<readonly Figure[]> {
  const node = await openTestNode();
  const gates = openGates(node);
  const content = excerptsOf('en')
    .map(({ text }) => text)
    .join(' ')
    .slice(0, kilobyte);
  const request = { content, content_type: 'text/plain', action: 'checkGates', claimed: {} } as const;
  const times: number[] = [];
  const before = process.cpuUsage();
  const rounds = 1_000;
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now();
    await gates.check(testCall(), request);
    times.push(performance.now() - began);
  }
  const { user, system } = process.cpuUsage(before);
  await node.close();
  return [
    { name: 'a check of 1 KB with verdict and decision: CPU', value: Math.round((user + system) / rounds), unit: 'us' },
    { name: 'a check of 1 KB: p50', value: rounded(percentile(times, 0.5)), unit: 'ms' },
    { name: 'a check of 1 KB: p99', value: rounded(percentile(times, 0.99)), unit: 'ms', target: 25 },
  ];
}

const bars_shown = [5_000, 7_000, 8_000, 9_000];

async function calibration(language: Language, gates: GatesCompute | undefined): Promise<readonly Figure[]> {
  if (gates === undefined) throw new Error('no build to calibrate with');
  const { snr: bar } = readRules(firstConstitution(1)).thresholds;
  const random = seededRandom(20_26);
  const texts = excerptsOf(language).map(({ text }) => text);
  const scored = async (given: readonly (string | Uint8Array)[]): Promise<readonly number[]> => {
    const scores = await gates.scoreSnr(given.map((text) => (typeof text === 'string' ? bytesOf(text) : text)));
    return scores.flatMap((score) => (score.scored ? [score.score] : []));
  };
  const passing = (scores: readonly number[], at: number): number =>
    rounded((100 * scores.filter((score) => score >= at).length) / scores.length);
  const natural = await scored(texts);
  const figures: Figure[] = [
    {
      name: `${language}: natural excerpts`,
      value: natural.length,
      unit: 'excerpts',
      note: 'overlapping, of twenty own texts',
    },
    {
      name: `${language}: natural at the bar`,
      value: passing(natural, bar),
      unit: '%',
      floor: 90,
      larger_is_better: true,
    },
    ...bars_shown.map((at) => ({ name: `${language}: natural at ${at}`, value: passing(natural, at), unit: '%' })),
  ];
  for (const [kind, spoil] of [
    ['shuffled letters', (text: string) => shuffledLetters(text, random)],
    ['random bytes', () => randomBytes(4 * kilobyte, random)],
    ['one word repeated', (text: string) => oneWord(text, random)],
  ] as const) {
    const garbage = await scored(texts.map((text): string | Uint8Array => spoil(text)));
    figures.push(
      {
        name: `${language}: ${kind}, area under the curve`,
        value: area(natural, garbage),
        unit: '',
        floor: 0.97,
        larger_is_better: true,
      },
      { name: `${language}: ${kind} at the bar`, value: passing(garbage, bar), unit: '%', floor: 1 },
      ...bars_shown.map((at) => ({ name: `${language}: ${kind} at ${at}`, value: passing(garbage, at), unit: '%' })),
    );
  }
  return figures;
}

/** The share of pairs in which the natural text has the higher score; ties count half. */
function area(natural: readonly number[], garbage: readonly number[]): number {
  let wins = 0;
  for (const high of natural) for (const low of garbage) wins += high > low ? 1 : high === low ? 0.5 : 0;
  return Math.floor((10_000 * wins) / (natural.length * garbage.length)) / 10_000;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
