import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { withNode } from './bench-node.ts';
import { percentile, repository, type Figure } from './record.ts';

/**
 * The engine beside `onnxruntime-node` on the default model and on one of its shape with drawn weights, then over HTTP.
 * `seed` draws the texts and those weights.
 */
export async function benchEmbedding(seed: number): Promise<readonly Figure[]> {
  process.stdout.write(`embedding: --seed ${seed}, load ${loadavg()[0]?.toFixed(1)}\n`);
  return [
    ...engineFigures('shape of MiniLM', drawnModel(seed), seed),
    ...engineFigures('default model', builtFolder('models'), seed),
    ...(await httpFigures()),
  ];
}

/** What must be reached, and what is better, by the name of a measure. */
const aims: Readonly<Record<string, Pick<Figure, 'floor' | 'target' | 'unit' | 'larger_is_better'>>> = {
  '1 x 16: ours / theirs': { unit: 'x', floor: 1.1, target: 1 },
  '32 x 16: ours / theirs': { unit: 'x', floor: 1.1, target: 1 },
  '1 x 16: fp32 / int8': { unit: 'x', floor: 1.5, target: 3, larger_is_better: true },
  '32 x 16: fp32 / int8': { unit: 'x', floor: 1.5, target: 3, larger_is_better: true },
  '512 texts: theirs / ours': { unit: 'x', floor: 1.3, target: 1.6, larger_is_better: true },
  '512 texts: one thread / two': { unit: 'x', floor: 1.7, target: 1.9, larger_is_better: true },
  first_ms: { unit: 'ms', floor: 100, target: 40 },
  rss_mb: { unit: 'MB', floor: 150, target: 90 },
};

function engineFigures(model: string, folder: string, seed: number): Figure[] {
  const words = join(repository, '.signet-build', 'cache', 'bench-words.json');
  writeFileSync(words, JSON.stringify(singleTokenWords(folder)));
  const program = join(repository, 'tests', 'load', 'embedding-engine.ts');
  const run = (what: string): Record<string, number> =>
    JSON.parse(
      execFileSync(process.execPath, ['--no-warnings', program, folder, words, what], { encoding: 'utf8' }),
    ) as Record<string, number>;
  const measures = { ...run(String(seed)), ...run('first') };
  const load = loadavg()[0]?.toFixed(1);
  return Object.entries(measures).map(([name, value]) => ({
    name: `${model}, ${name}`,
    value: round2(value),
    ...(aims[name] ?? { unit: name.split(', ')[1] ?? '', larger_is_better: name.endsWith('/s') }),
    note: `seed ${seed}, load ${load}`,
  }));
}

/** Whole lower-case words of the vocabulary: each is one token. */
function singleTokenWords(folder: string): string[] {
  const { model } = JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8')) as {
    model: { vocab: Record<string, number> };
  };
  return Object.keys(model.vocab).filter((word) => /^[a-z]{2,}$/.test(word));
}

/** Weights by the Rust workspace's own tool, graphs by the recipe of the default model. */
function drawnModel(seed: number): string {
  const folder = join(repository, '.signet-build', 'cache', 'bench-minilm');
  mkdirSync(folder, { recursive: true });
  const cargo = ['run', '--release', '--locked', '--quiet', '-p', 'xtask', '--'];
  execFileSync('cargo', [...cargo, 'model', 'minilm-shape', folder, String(seed)], {
    cwd: join(repository, 'rust-lambdas'),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  for (const precision of ['fp32', 'int8']) {
    const shape = ['--layers', '6', '--heads', '12', '--precision', precision];
    execFileSync(python(), [
      join(repository, 'layers', 'models', 'convert.py'),
      join(folder, 'model.safetensors'),
      join(folder, `model.${precision}.onnx`),
      ...shape,
    ]);
  }
  return folder;
}

/** The environment that the recipe of the default model made. */
function python(): string {
  const cache = join(repository, '.signet-build', 'cache', 'models');
  const made = readdirSync(cache).filter((name) => existsSync(join(cache, name, 'finished')));
  const [newest] = made.toReversed();
  if (newest === undefined) throw new Error('no Python environment: node scripts/build-artefacts.mjs models');
  return join(cache, newest, 'bin', 'python');
}

function builtFolder(name: string): string {
  const home = join(repository, '.signet-build', name);
  const { folder } = JSON.parse(readFileSync(join(home, 'manifest.json'), 'utf8')) as { folder: string };
  return join(home, folder);
}

/** One short text, and a hundred, in the default precision; every text is new, so that no cache answers. */
async function httpFigures(): Promise<readonly Figure[]> {
  return await withNode({}, async (node) => {
    let serial = 0;
    const text = () => `note ${(serial += 1)} about the harbour lights, tides and ferries of the old town`;
    const embed = async (input: string | string[]) => {
      const started = performance.now();
      const answer = await fetch(`${node.url}/v1/embeddings`, {
        method: 'POST',
        headers: { authorization: `Bearer ${node.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'all-MiniLM-L6-v2', input, encoding_format: 'base64' }),
      });
      if (!answer.ok) throw new Error(await answer.text());
      await answer.arrayBuffer();
      return performance.now() - started;
    };
    for (let round = 0; round < 5; round += 1) await embed(text());
    const single: number[] = [];
    const hundred: number[] = [];
    for (let round = 0; round < 40; round += 1) single.push(await embed(text()));
    for (let round = 0; round < 7; round += 1) hundred.push(await embed(Array.from({ length: 100 }, text)));
    return [
      { name: 'one short text over HTTP, p50', value: round2(percentile(single, 0.5)), unit: 'ms', target: 10 },
      {
        name: 'one short text over HTTP, p95',
        value: round2(percentile(single, 0.95)),
        unit: 'ms',
        floor: 25,
        target: 10,
      },
      {
        name: 'a hundred short texts over HTTP, p95',
        value: round2(percentile(hundred, 0.95)),
        unit: 'ms',
        floor: 500,
        target: 200,
      },
    ];
  });
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
