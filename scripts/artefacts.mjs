// Builds what runs natively on the user's machine, once, beside a running node. See README.md for recipe and manifest.
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { assertBudget } from './budgets.mjs';
import { buildFolder, root } from './toolchain.mjs';
import { run } from './processes.mjs';

/** Recipes by name, in the order in which they are worth having. */
export const recipeModules = {
  native: '../rust-lambdas/recipe.mjs',
  'script-image': '../layers/script-image/recipe.mjs',
  models: '../layers/models/recipe.mjs',
};

/** Recipes of what is deployed to AWS; `npm start` does without them. */
export const deployModules = {
  functions: '../functions/recipe.mjs',
  'lambdas-arm64': '../rust-lambdas/lambdas-recipe.mjs',
  'lambdas-host': '../rust-lambdas/lambdas-recipe.mjs',
  'layer-onnxruntime-arm64': '../layers/onnxruntime/recipe.mjs',
  'layer-onnxruntime-host': '../layers/onnxruntime/recipe.mjs',
  'layer-model': '../layers/models/layer-recipe.mjs',
  'layer-script-image-arm64': '../layers/script-image/layer-recipe.mjs',
  'layer-script-image-host': '../layers/script-image/layer-recipe.mjs',
};

const remind_every_ms = 60_000;

/** The recipe of an artefact: the only one of its module, or that of its name among `recipes`. */
export async function loadRecipe(name) {
  const { default: only, recipes } = await import(recipeModules[name] ?? deployModules[name]);
  return recipes?.[name] ?? only;
}

/**
 * The manifest of an artefact if it was built from just these inputs and its files are there; else undefined. A start
 * compares sizes; `{ thorough: true }` hashes the files again, so that a damaged one is built anew.
 */
export function freshManifest(recipe, { thorough = false } = {}) {
  const manifest = readJson(join(buildFolder, recipe.name, 'manifest.json'));
  if (manifest === undefined || manifest.inputs_sha256 !== digestInputs(recipe.inputs)) return undefined;
  const folder = join(buildFolder, recipe.name, manifest.folder);
  const whole = Object.entries(manifest.files).every(([file, { bytes, sha256 }]) => {
    const path = join(folder, file);
    return sizeOf(path) === bytes && (!thorough || sha256Of(readFileSync(path)) === sha256);
  });
  return whole ? manifest : undefined;
}

/**
 * Builds one artefact unless a fresh one is there. Two builders of one artefact do not disturb each other: the second
 * waits for the first.
 * @param {object} recipe
 * @param {(text: string) => void} say progress, one line each
 * @param {{thorough?: boolean}} [options] of `freshManifest`
 */
export async function buildArtefact(recipe, say, options) {
  const home = join(buildFolder, recipe.name);
  mkdirSync(home, { recursive: true });
  const unlock = await takeLock(join(home, 'lock'), say, recipe.title);
  try {
    const fresh = freshManifest(recipe, options);
    if (fresh !== undefined) return fresh;
    return await build(recipe, home, say);
  } finally {
    unlock();
  }
}

async function build(recipe, home, say) {
  const started_at = Date.now();
  const inputs_sha256 = digestInputs(recipe.inputs);
  const folder = `${inputs_sha256.slice(0, 12)}-${started_at.toString(36)}`;
  const out = join(home, folder);
  const cache = join(buildFolder, 'cache', recipe.name);
  const log = join(home, 'build.log');
  mkdirSync(out, { recursive: true });
  mkdirSync(cache, { recursive: true });
  writeFileSync(log, '');
  rmSync(join(home, 'failed.json'), { force: true });
  let now = 'starting';
  const step = (text) => {
    now = text;
    const { estimate_s } = recipe;
    replaceJson(join(home, 'progress.json'), { step: text, started_at, estimate_s, pid: process.pid });
    say(`${recipe.title}: ${text}`);
  };
  const reminder = setInterval(() => {
    const minutes = Math.round((Date.now() - started_at) / 60_000);
    say(`${recipe.title}: still ${now} (${minutes} of about ${Math.ceil(recipe.estimate_s / 60)} min)`);
  }, remind_every_ms);
  try {
    await recipe.build({
      out,
      root,
      cache,
      step,
      run: (command, args, options = {}) => run(command, args, { ...options, log }),
    });
    assertBudget({ name: recipe.name, folder: out });
    const manifest = {
      name: recipe.name,
      inputs_sha256,
      folder,
      files: digestFiles(out),
      built_at: new Date().toISOString(),
      seconds: Math.round((Date.now() - started_at) / 1000),
    };
    const before = readJson(join(home, 'manifest.json'));
    replaceJson(join(home, 'manifest.json'), manifest);
    // The folder of the manifest before stays: a running node may still map its files. Older ones go.
    for (const name of readdirSync(home, { withFileTypes: true })) {
      if (name.isDirectory() && name.name !== folder && name.name !== before?.folder) {
        rmSync(join(home, name.name), { recursive: true, force: true });
      }
    }
    say(`${recipe.title}: ready after ${manifest.seconds} s`);
    return manifest;
  } catch (error) {
    rmSync(out, { recursive: true, force: true });
    // Stopped by the user is not failed: the next start goes on.
    if (!error.interrupted)
      replaceJson(join(home, 'failed.json'), { reason: error.message, at: new Date().toISOString() });
    throw error;
  } finally {
    clearInterval(reminder);
    rmSync(join(home, 'progress.json'), { force: true });
  }
}

/** SHA-256 over names and bytes of the inputs, caches and build products left out. */
export function digestInputs(inputs) {
  const hash = createHash('sha256');
  const add = (path) => {
    if (!existsSync(path)) return;
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) {
        if (name === 'target' || name === 'node_modules' || name === '__pycache__') continue;
        add(join(path, name));
      }
      return;
    }
    const bytes = readFileSync(path);
    hash.update(`${relative(root, path)}\0${bytes.length}\0`).update(bytes);
  };
  for (const input of inputs) add(join(root, input));
  return hash.digest('hex');
}

/** Digest and size of each file of a folder. */
export function digestFiles(folder) {
  const files = {};
  const add = (path) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const inner = join(path, entry.name);
      if (entry.isDirectory()) add(inner);
      else {
        const bytes = readFileSync(inner);
        files[relative(folder, inner)] = { sha256: sha256Of(bytes), bytes: bytes.length };
      }
    }
  };
  add(folder);
  return files;
}

function sha256Of(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

async function takeLock(path, say, title) {
  for (let told = false; ; ) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = Number(readText(path));
    if (!(owner > 0) || !isAlive(owner)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!told) say(`${title}: another process builds it, waiting`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** A reader sees the old file or the new one, never a part. */
function replaceJson(path, value) {
  const partial = `${path}.${process.pid}.partial`;
  const file = openSync(partial, 'w');
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
  fsyncSync(file);
  closeSync(file);
  renameSync(partial, path);
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** A file that is cut or no JSON counts as absent: what it describes is built anew. */
function readJson(path) {
  try {
    return JSON.parse(readText(path));
  } catch {
    return undefined;
  }
}

function sizeOf(path) {
  try {
    return statSync(path).size;
  } catch {
    return -1;
  }
}
