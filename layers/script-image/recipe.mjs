// Builds the script image: CPython with the guest library as a WebAssembly component, compiled ahead of time for this
// machine. What the tools are is pinned by hash in requirements.txt; what came out is pinned by digest in the manifest,
// for componentize-py's snapshot is not byte-reproducible.

import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { spawnSync } from 'node:child_process';

export default {
  name: 'script-image',
  title: 'the Python script image',
  inputs: [
    'layers/script-image/guest',
    'layers/script-image/wit',
    'layers/script-image/precompile.py',
    'layers/script-image/requirements.txt',
    'layers/script-image/recipe.mjs',
  ],
  estimate_s: 45,

  async build({ out, root, cache, run, step }) {
    const here = path.join(root, 'layers/script-image');
    const python = findPython();
    const target = targetTriple();

    step('installing the component builder');
    const tools = await toolsEnvironment({ here, cache, python, run });
    const empty = path.join(cache, 'empty-environment');
    if (!existsSync(path.join(empty, 'pyvenv.cfg'))) await run(python, ['-m', 'venv', '--without-pip', empty], {});

    step('taking the snapshot of the interpreter');
    const component = path.join(cache, 'script-image.wasm');
    // With VIRTUAL_ENV unset or full, the builder's own site-packages would become part of the image.
    const env = { ...process.env, VIRTUAL_ENV: empty, PYTHONPATH: '' };
    const world = ['--wit-path', path.join(here, 'wit'), '--world', 'script'];
    const app = ['--python-path', path.join(here, 'guest'), '--output', component, 'app'];
    await run(path.join(tools, 'componentize-py'), [...world, 'componentize', ...app], { env });

    step('compiling it for this machine');
    const image = path.join(out, 'script-image.cwasm');
    await run(path.join(tools, 'python'), [path.join(here, 'precompile.py'), component, image, target], {});

    await writeFile(
      path.join(out, 'image.json'),
      `${JSON.stringify(await describe({ here, image, component, target }), null, 2)}\n`,
    );
    await rm(component);
  },
};

/** A Python of 3.11 or newer that can make virtual environments. */
function findPython() {
  const reasons = [];
  for (const command of ['python3', 'python3.13', 'python3.12', 'python3.11']) {
    const probe = 'import sys, venv, ensurepip; print(sys.version_info >= (3, 11))';
    const { stdout, stderr, error } = spawnSync(command, ['-c', probe], { encoding: 'utf8' });
    if (error === undefined && stdout.trim() === 'True') return command;
    reasons.push(`${command}: ${error?.code ?? (stdout.trim() === 'False' ? 'older than 3.11' : lastLine(stderr))}`);
  }
  throw new Error(
    `building the script image needs Python 3.11 or newer with the modules venv and ensurepip ` +
      `(Debian: apt-get install python3 python3-venv); tried ${reasons.join('; ')}`,
  );
}

function lastLine(text) {
  return text.trim().split('\n').at(-1);
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

/** `bin` of an environment with exactly requirements.txt, kept in `cache` until that file changes. */
async function toolsEnvironment({ here, cache, python, run }) {
  const requirements = path.join(here, 'requirements.txt');
  const pins = createHash('sha256').update(await readFile(requirements)).digest('hex').slice(0, 16);
  const folder = path.join(cache, `tools-${pins}`);
  const done = path.join(folder, 'installed');
  if (existsSync(done)) return path.join(folder, 'bin');
  await rm(folder, { recursive: true, force: true });
  await run(python, ['-m', 'venv', folder], {});
  const install = ['install', '--require-hashes', '--only-binary', ':all:', '--no-deps', '--disable-pip-version-check'];
  await run(path.join(folder, 'bin/python'), ['-m', 'pip', ...install, '--quiet', '--requirement', requirements], {});
  await writeFile(done, '');
  return path.join(folder, 'bin');
}

async function describe({ here, image, component, target }) {
  const requirements = await readFile(path.join(here, 'requirements.txt'), 'utf8');
  const version = (name) => new RegExp(`^${name}==(\\S+)`, 'm').exec(requirements)?.[1];
  return {
    file: 'script-image.cwasm',
    sha256: await sha256(image),
    bytes: (await stat(image)).size,
    component_sha256: await sha256(component),
    target,
    python: '3.14.0',
    componentize_py: version('componentize-py'),
    compiled_with_wasmtime: version('wasmtime'),
  };
}

async function sha256(file) {
  const hash = createHash('sha256');
  for await (const block of createReadStream(file)) hash.update(block);
  return hash.digest('hex');
}
