// Builds the script image: CPython with the guest library as a WebAssembly component, compiled ahead of time for this
// machine. What the tools are is pinned by hash in requirements.txt; what came out is pinned by digest in the manifest,
// for componentize-py's snapshot is not byte-reproducible.

import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { digestInputs } from '../../scripts/artefacts.mjs';
import { findPython, pythonPrograms } from '../../scripts/python-environment.mjs';

const here = 'layers/script-image';
/** What the interpreter's snapshot is made of. */
const snapshotInputs = ['guest', 'wit', 'requirements.txt'].map((name) => `${here}/${name}`);

export default {
  name: 'script-image',
  title: 'the Python script image',
  inputs: [...snapshotInputs, `${here}/precompile.py`, `${here}/recipe.mjs`],
  estimate_s: 45,

  async build({ out, root, cache, run, step }) {
    const target = targetTriple();
    const component = await ensureSnapshot({ root, cache, run, step });
    step('compiling it for this machine');
    const image = path.join(out, 'script-image.cwasm');
    const python = path.join(await tools({ root, cache, run }), 'python');
    await run(python, [path.join(root, here, 'precompile.py'), component, image, target], {});
    const compiled_with = await pinned(root, 'wasmtime');
    const facts = await describe({ root, image, component, target, compiled_with });
    await writeFile(path.join(out, 'image.json'), `${JSON.stringify(facts, null, 2)}\n`);
  },
};

/**
 * The interpreter with the guest library as a component, before it is compiled for an architecture. It stays in the
 * cache, so that images for several architectures are compiled from one snapshot: two would differ in their hash seeds.
 */
export async function ensureSnapshot({ root, cache, run, step }) {
  const component = path.join(cache, `snapshot-${digestInputs(snapshotInputs).slice(0, 16)}.wasm`);
  if (existsSync(component)) return component;
  step('installing the component builder');
  const programs = await tools({ root, cache, run });
  const empty = path.join(cache, 'empty-environment');
  if (!existsSync(path.join(empty, 'pyvenv.cfg'))) await run(findPython(), ['-m', 'venv', '--without-pip', empty], {});
  step('taking the snapshot of the interpreter');
  // With VIRTUAL_ENV unset or full, the builder's own site-packages would become part of the image.
  const env = { ...process.env, VIRTUAL_ENV: empty, PYTHONPATH: '' };
  const world = ['--wit-path', path.join(root, here, 'wit'), '--world', 'script'];
  const partial = `${component}.partial`;
  const app = ['--python-path', path.join(root, here, 'guest'), '--output', partial, 'app'];
  await run(path.join(programs, 'componentize-py'), [...world, 'componentize', ...app], { env });
  for (const old of await snapshots(cache)) await rm(old);
  await rename(partial, component);
  return component;
}

function targetTriple() {
  const triples = {
    'linux x64': 'x86_64-unknown-linux-gnu',
    'linux arm64': 'aarch64-unknown-linux-gnu',
    'darwin arm64': 'aarch64-apple-darwin',
    'darwin x64': 'x86_64-apple-darwin',
  };
  const triple = triples[`${process.platform} ${process.arch}`];
  if (triple === undefined) {
    throw new Error(`there is no script image for ${process.platform} ${process.arch}; scripts run on Linux and macOS`);
  }
  return triple;
}

function tools({ root, cache, run }) {
  return pythonPrograms({ requirements: path.join(root, here, 'requirements.txt'), cache, run });
}

async function snapshots(cache) {
  const names = await readdir(cache);
  return names.filter((name) => /^snapshot-.*\.wasm$/.test(name)).map((name) => path.join(cache, name));
}

/** What `image.json` says. */
export async function describe({ root, image, component, target, compiled_with }) {
  return {
    file: path.basename(image),
    sha256: await sha256(image),
    bytes: (await stat(image)).size,
    component_sha256: await sha256(component),
    target,
    python: '3.14.0',
    componentize_py: await pinned(root, 'componentize-py'),
    compiled_with_wasmtime: compiled_with,
  };
}

async function pinned(root, name) {
  const requirements = await readFile(path.join(root, here, 'requirements.txt'), 'utf8');
  return new RegExp(`^${name}==(\\S+)`, 'm').exec(requirements)?.[1];
}

async function sha256(file) {
  const hash = createHash('sha256');
  for await (const block of createReadStream(file)) hash.update(block);
  return hash.digest('hex');
}
