import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { openNativeCompute } from '../../functions/adapters/native/native-compute.ts';
import { openWasmCompute } from '../../functions/adapters/wasm/wasm-compute.ts';
import type { SegmentCompute, StoredRows } from '../../functions/domain/ports/segment-compute.ts';
import { repository, type Figure } from './record.ts';

const dimension = 384;
const count = 10_000;
const k = 10;
const rounds = 9;

/**
 * Kernels beside a read of the same memory (in Rust), then exact search through the compute port beside libraries that a
 * Node program would take otherwise, in this process, in turns. A figure is the median of the rounds' ratios, theirs to
 * ours: 2 is half their time. Like usearch's and hnswlib's, our rows are resident before the clock starts: a view over one
 * segment, as a collection is searched. `rows given` is the other way, `topK` over an array of the caller.
 */
export async function benchVectors(seed: number): Promise<readonly Figure[]> {
  process.stdout.write(`  seed ${seed}\n`);
  return [...kernelFigures(seed), ...(await searchFigures(seed))];
}

interface KernelLine {
  readonly name: string;
  readonly ratio?: number;
  readonly stream_gb_s?: number;
  readonly gflop_s?: number;
  readonly ns?: number;
}

/** What the design asks of each, as a share of the read. */
const floors: Readonly<Record<string, number>> = { scan_f32: 0.92, scan_i8: 0.88, 'lut_scan, 5 x the rows': 0.7 };

function kernelFigures(seed: number): readonly Figure[] {
  const args = ['bench', '--locked', '--quiet', '-p', 'kernels', '--bench', 'kernels', '--', '--seed', `${seed}`];
  const options = { cwd: join(repository, 'rust-lambdas'), encoding: 'utf8' } as const;
  const { isa, results } = JSON.parse(execFileSync('cargo', args, options)) as {
    isa: string;
    results: readonly KernelLine[];
  };
  return results.map(({ name, ratio, stream_gb_s, gflop_s, ns }): Figure => {
    if (ns !== undefined) return { name: `${name}, ${isa}`, value: ns, unit: 'ns' };
    const floor = floors[name];
    return {
      name: `${name} to a read, ${isa}`,
      value: ratio ?? NaN,
      unit: '×',
      larger_is_better: true,
      ...(floor === undefined ? {} : { floor }),
      note: `a read is ${stream_gb_s} GB/s${gflop_s === undefined ? '' : `; ${gflop_s} GFLOP/s`}`,
    };
  });
}

async function searchFigures(seed: number): Promise<readonly Figure[]> {
  const draw = draws(seed);
  const rows = unitRows(count, draw);
  const query = unitRows(1, draw);
  const { usearch, hnswlib, simsimd } = loadPeers();
  const native = openNativeCompute({ addon_path: addonPath() });
  const wasm = await openWasmCompute();

  const brute = new hnswlib.BruteforceSearch('ip', dimension);
  brute.initIndex(count);
  for (let row = 0; row < count; row += 1) brute.addPoint(Array.from(rowOf(rows, row)), row);
  const asked = Array.from(query);

  const peers: Readonly<Record<string, () => number>> = {
    'usearch exactSearch': () => {
      const { keys } = usearch.exactSearch(rows, query, dimension, k, usearch.MetricKind.Cos, 1);
      return Number(keys[0]);
    },
    'hnswlib-node BruteforceSearch': () => brute.searchKnn(asked, k).neighbors.at(0) ?? -1,
    'simsimd cosine, a loop': () => bestOf((row) => -simsimd.cosine(query, rowOf(rows, row))),
    'plain JavaScript': () => bestOf((row) => plainDot(query, rowOf(rows, row))),
  };
  const ours: Record<string, () => Promise<number>> = {};
  for (const [build, compute] of Object.entries({ native, WebAssembly: wasm })) {
    for (const stored of ['f16', 'f32'] as const) {
      const search = await resident(compute.segments, stored, rows, query);
      ours[stored === 'f16' ? build : `${build}, rows f32,`] = search;
    }
    const request = { metric: 'cosine', dimension, query, rows, k } as const;
    ours[`${build}, rows given,`] = async () => (await compute.score.topK(request)).rows[0] ?? -1;
  }
  const floorsOf: Readonly<Record<string, number>> = {
    'native to usearch exactSearch': 1.8,
    'native to hnswlib-node BruteforceSearch': 1.6,
    'WebAssembly to plain JavaScript': 2.5,
    'WebAssembly to usearch exactSearch': 1.05,
  };

  const figures: Figure[] = [];
  for (const [build, own] of Object.entries(ours)) {
    for (const [peer, search] of Object.entries(peers)) {
      const { ratio, milliseconds } = await inTurns(own, search);
      const name = `${build} to ${peer}`;
      const floor = floorsOf[name];
      figures.push({
        name: `top ${k} of ${count}, ${name}`,
        value: ratio,
        unit: '×',
        larger_is_better: true,
        ...(floor === undefined ? {} : { floor }),
        note: `ours ${milliseconds} ms`,
      });
    }
  }
  return figures;
}

/** An exact search of a view over one segment, rows of f16 as collections keep them unless told otherwise. */
async function resident(segments: SegmentCompute, stored: StoredRows, rows: Float32Array, query: Float32Array) {
  const settings = { metric: 'cosine', dimension, rows: stored, text: false } as const;
  const written = await segments.openView({ ...settings, segments: [] });
  const appended = (_: unknown, row: number) =>
    ({ kind: 'vector', seq: row + 1, id: `${row}`, values: rowOf(rows, row) }) as const;
  await segments.appendRows(written, Array.from({ length: count }, appended));
  const rotation_key = '00000000000000ff';
  const built = await segments.buildSegment({ view: written, rotation_key, min_seq: 1, max_seq: count });
  await segments.closeView(written);
  const { bytes, name, open_len } = built;
  const { segment } = await segments.openSegment({ name, open_len, source: { bytes } });
  const view = await segments.openView({ ...settings, segments: [{ segment }] });
  return async () => {
    const { hits } = await segments.search(view, { mode: 'dense', values: query, k, exact: true });
    return Number(hits[0]?.id);
  };
}

/** Both sides find the same best row, or the comparison is of different things. */
async function inTurns(ours: () => Promise<number>, theirs: () => number) {
  const [mine, other] = [await ours(), theirs()];
  if (mine !== other) throw new Error(`the best row is ${mine} here and ${other} there`);
  const ratios: number[] = [];
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const mine_ms = await fastest(ours);
    const their_ms = await fastest(theirs);
    ratios.push(their_ms / mine_ms);
    times.push(mine_ms);
  }
  return { ratio: rounded(median(ratios)), milliseconds: rounded(median(times)) };
}

/** Of five calls: on a shared machine the others are interrupted ones. */
async function fastest(work: () => unknown): Promise<number> {
  let least = Infinity;
  for (let turn = 0; turn < 5; turn += 1) {
    const began = performance.now();
    await work();
    least = Math.min(least, performance.now() - began);
  }
  return least;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function bestOf(score: (row: number) => number): number {
  let best = 0;
  let most = -Infinity;
  for (let row = 0; row < count; row += 1) {
    const now = score(row);
    if (now > most) [best, most] = [row, now];
  }
  return best;
}

function plainDot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) sum += (a[at] ?? 0) * (b[at] ?? 0);
  return sum;
}

function rowOf(rows: Float32Array, row: number): Float32Array {
  return rows.subarray(row * dimension, (row + 1) * dimension);
}

/** Uniform in (-1, 1), SplitMix64's mixing over a counter of 32 bits twice would be slow in JavaScript: mulberry32. */
function draws(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

function unitRows(rows: number, draw: () => number): Float32Array {
  const all = Float32Array.from({ length: rows * dimension }, draw);
  for (let row = 0; row < rows; row += 1) {
    const one = rowOf(all, row);
    const norm = Math.sqrt(plainDot(one, one));
    one.forEach((value, at) => {
      one[at] = value / norm;
    });
  }
  return all;
}

function addonPath(): string {
  const folder = join(repository, '.signet-build', 'native');
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { folder: string };
  return join(folder, manifest.folder, 'signet.node');
}

interface Peers {
  readonly usearch: {
    readonly MetricKind: { readonly Cos: string };
    exactSearch(
      rows: Float32Array,
      query: Float32Array,
      dimension: number,
      k: number,
      metric: string,
      threads: number,
    ): { keys: BigUint64Array };
  };
  readonly hnswlib: {
    readonly BruteforceSearch: new (
      space: string,
      dimension: number,
    ) => {
      initIndex(most: number): void;
      addPoint(point: number[], label: number): void;
      searchKnn(query: number[], k: number): { neighbors: number[] };
    };
  };
  readonly simsimd: { cosine(a: Float32Array, b: Float32Array): number };
}

/** Installs them into the cache of builds once. Two bring binaries; hnswlib-node is compiled by its own install script. */
function loadPeers(): Peers {
  const folder = join(repository, '.signet-build', 'cache', 'vector-bench-peers');
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) {
    copyFileSync(join(repository, 'tests', 'load', 'vector-peers', file), join(folder, file));
  }
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, stdio: 'inherit' });
  const require = createRequire(join(folder, 'package.json'));
  return {
    usearch: require('usearch') as Peers['usearch'],
    hnswlib: require('hnswlib-node') as Peers['hnswlib'],
    simsimd: require('simsimd') as Peers['simsimd'],
  };
}
