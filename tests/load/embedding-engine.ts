// The engine beside `onnxruntime-node`: one process, one library, one graph, one thread; rounds in turns, medians of their
// ratios. Arguments: folder with `model.<precision>.onnx` and `tokenizer.json`, file with words of one token, seed.
// Prints the measures as JSON.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { findAddon } from '../../functions/adapters/native/find-addon.ts';
import { findOnnxRuntime } from '../../functions/adapters/native/find-onnxruntime.ts';
import { loadAddon } from '../../functions/adapters/native/load-addon.ts';
import { repository } from './record.ts';

interface Engine {
  embed(texts: string[], type: string, truncate: string, flag: object): Promise<{ tokens: Uint32Array }>;
}
interface Addon {
  readonly EmbedEngine: { open(options: object): Promise<Engine> };
  readonly CancelFlag: new () => object;
}
interface Tensor {
  readonly data: Float32Array;
}
interface Peer {
  run(feeds: object): Promise<Record<string, Tensor>>;
}
interface PeerModule {
  readonly InferenceSession: { create(path: string, options: object): Promise<Peer> };
  readonly Tensor: new (type: string, data: BigInt64Array, shape: number[]) => object;
}

const rounds = 9;
const [folder = '', words_file = '', seed_text = '1'] = process.argv.slice(2);
const words: readonly string[] = JSON.parse(readFileSync(words_file, 'utf8')) as string[];
const random = drawn(Number(seed_text));
const library = findOnnxRuntime({ repository, platform: process.platform, arch: process.arch });
if (library.kind === 'missing') throw new Error(library.reason);
const ort_lib_path = library.path;
const addon = loadAddon<Addon>(findAddon() ?? '', ['EmbedEngine', 'CancelFlag']);
const peerModule = createRequire(join(repository, 'layers', 'onnxruntime', 'package.json'))(
  'onnxruntime-node',
) as PeerModule;

if (seed_text === 'first') {
  process.stdout.write(JSON.stringify(await firstVector()));
} else {
  process.stdout.write(JSON.stringify(await compare()));
}

/** In a process that did nothing else: from opening to the first vector, and what 20 batches of 8 x 128 tokens leave. */
async function firstVector(): Promise<object> {
  const before = process.memoryUsage.rss();
  const started = performance.now();
  const engine = await open('int8', 1);
  await embed(engine, [textOf(16)]);
  const first_ms = performance.now() - started;
  for (let round = 0; round < 20; round += 1)
    await embed(
      engine,
      Array.from({ length: 8 }, () => textOf(128)),
    );
  return { first_ms, rss_mb: (process.memoryUsage.rss() - before) / 1e6 };
}

async function compare(): Promise<object> {
  const [int8, fp32, two] = [await open('int8', 1), await open('fp32', 1), await open('int8', 2)];
  const peer = await peerModule.InferenceSession.create(join(folder, 'model.int8.onnx'), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  const lengths = Array.from({ length: 512 }, () => Math.round(8 * 16 ** random()));
  const many = lengths.map(textOf);
  const measured: Record<string, number> = {};
  for (const [name, count, repeats] of [
    ['1 x 16', 1, 40],
    ['32 x 16', 32, 4],
  ] as const) {
    const texts = Array.from({ length: count }, () => textOf(16));
    const feeds = feedsOf(texts.map(() => 16));
    const times = await inTurns({
      ours: () => times_of(repeats, () => embed(int8, texts)),
      theirs: () => times_of(repeats, () => peer.run(feeds)),
      fp32: () => times_of(repeats, () => embed(fp32, texts)),
    });
    measured[`${name}: ours / theirs`] = medianRatio(times, 'ours', 'theirs');
    measured[`${name}: fp32 / int8`] = medianRatio(times, 'fp32', 'ours');
    measured[`${name}: ours, ms`] = median(times['ours'] ?? []);
    measured[`${name}: ours fp32, ms`] = median(times['fp32'] ?? []);
  }
  const groups = Array.from({ length: 16 }, (_, at) => feedsOf(lengths.slice(at * 32, at * 32 + 32)));
  const times = await inTurns({
    ours: () => times_of(1, () => embed(int8, many)),
    theirs: () =>
      times_of(1, async () => {
        for (const feeds of groups) await peer.run(feeds);
      }),
    two: () => times_of(1, () => embed(two, many)),
  });
  measured['512 texts: theirs / ours'] = medianRatio(times, 'theirs', 'ours');
  measured['512 texts: one thread / two'] = medianRatio(times, 'ours', 'two');
  measured['512 texts: ours, texts/s'] = 512_000 / median(times['ours'] ?? []);
  measured['512 texts: ours, tokens/s'] =
    (1000 * lengths.reduce((sum, length) => sum + length, 0)) / median(times['ours'] ?? []);
  return measured;
}

function open(precision: string, threads: number): Promise<Engine> {
  return addon.EmbedEngine.open({
    ortLibPath: ort_lib_path,
    modelPath: join(folder, `model.${precision}.onnx`),
    tokenizerPath: join(folder, 'tokenizer.json'),
    dimension: 384,
    maxTokens: 256,
    pooling: 'mean',
    normalize: true,
    prefixes: {},
    output: 'last_hidden_state',
    threads,
  });
}

async function embed(engine: Engine, texts: string[]): Promise<void> {
  const reply = await engine.embed(texts, 'document', 'end', new addon.CancelFlag());
  if (!('tokens' in reply)) throw new Error(JSON.stringify(reply));
}

/** Two special tokens, and words for the rest. */
function textOf(tokens: number): string {
  return Array.from({ length: tokens - 2 }, () => words[Math.floor(random() * words.length)] ?? '').join(' ');
}

/** Ids and mask of texts of these lengths, padded to the longest. */
function feedsOf(lengths: readonly number[]): object {
  const longest = Math.max(...lengths);
  const ids = new BigInt64Array(lengths.length * longest);
  const mask = new BigInt64Array(ids.length);
  lengths.forEach((length, row) => {
    for (let at = 0; at < length; at += 1) {
      ids[row * longest + at] = BigInt(1000 + Math.floor(random() * 20_000));
      mask[row * longest + at] = 1n;
    }
  });
  const shape = [lengths.length, longest];
  const tensor = (values: BigInt64Array): object => new peerModule.Tensor('int64', values, shape);
  return { input_ids: tensor(ids), attention_mask: tensor(mask) };
}

/** Milliseconds of one call, over some. */
async function times_of(repeats: number, work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  for (let count = 0; count < repeats; count += 1) await work();
  return (performance.now() - started) / repeats;
}

/** Each work once a round, after one round that does not count; the order turns round. */
async function inTurns(works: Readonly<Record<string, () => Promise<number>>>): Promise<Record<string, number[]>> {
  const times: Record<string, number[]> = {};
  const names = Object.keys(works);
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const took = (await works[name]?.()) ?? Number.NaN;
      if (round > 0) (times[name] ??= []).push(took);
    }
  }
  return times;
}

function medianRatio(times: Record<string, number[]>, over: string, under: string): number {
  return median((times[over] ?? []).map((time, round) => time / (times[under]?.[round] ?? Number.NaN)));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Uniform numbers of 0 to 1 from a seed (mulberry32). */
function drawn(seed: number): () => number {
  let state = Number.isFinite(seed) ? seed : 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
