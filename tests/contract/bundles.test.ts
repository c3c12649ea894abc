import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('../../', import.meta.url));
const functionNames = ['advance-run', 'serve-api', 'sweep-due'];
let folder: string;
let first: ReadonlyMap<string, Buffer>;
let second: ReadonlyMap<string, Buffer>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-bundles-'));
  [first, second] = await Promise.all([build('a'), build('b/in/another/place')]);
}, 60_000);

afterAll(() => rm(folder, { recursive: true }));

/** By a process of its own, as the scripts do it: esbuild does not run inside of a test's own realm. */
async function build(name: string): Promise<ReadonlyMap<string, Buffer>> {
  const out = join(folder, name);
  const program = `
    import recipe from ${JSON.stringify(join(root, 'functions/recipe.mjs'))};
    import { run } from ${JSON.stringify(join(root, 'scripts/processes.mjs'))};
    await recipe.build({ out: ${JSON.stringify(out)}, root: ${JSON.stringify(root)}, run, step() {} });
  `;
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  const entries = await readdir(out, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = files.toSorted().map(async (path) => [relative(out, path), await readFile(path)] as const);
  return new Map(await Promise.all(read));
}

function modules(name: string): readonly (readonly [string, string])[] {
  return [...first]
    .filter(([path]) => path.startsWith(`${name}/`) && path.endsWith('.mjs'))
    .map(([path, bytes]) => [path, bytes.toString()]);
}

test('two builds, in places of different names and depths, give the same files and bytes', () => {
  const digests = (files: ReadonlyMap<string, Buffer>) =>
    [...files].map(([path, bytes]) => `${createHash('sha256').update(bytes).digest('hex')} ${path}`);
  expect(digests(second)).toEqual(digests(first));
});

test('nothing of this machine is inside', () => {
  const traces = [root, folder, root.slice(1, -1), process.env['HOME'] ?? root].filter((path) => path.length > 5);
  for (const [path, bytes] of first) {
    expect([path, traces.filter((trace) => bytes.includes(trace))]).toEqual([path, []]);
  }
});

describe.each(functionNames)('%s', (name) => {
  test('has its entry, and takes nothing from the runtime but what Node itself has', () => {
    expect(first.get(`${name}/index.mjs`)?.toString()).toMatch(/export ?\{[^}]*\bhandler\b/);
    for (const [path, text] of modules(name)) {
      for (const [, from = ''] of text.matchAll(/(?:^|[;}\n])(?:import|export)[^"'`();]*?from ?"([^"]+)"/g)) {
        const is_own = from.startsWith('./') && first.has(join(name, from));
        expect([path, from, is_own || builtinModules.includes(from.replace(/^node:/, ''))]).toEqual([path, from, true]);
      }
    }
  });

  test('leaves out tests, locales, and what only a laptop has', () => {
    const text = modules(name)
      .map(([, each]) => each)
      .join('\n');
    expect([...first.keys()].filter((path) => path.includes('.test.'))).toEqual([]);
    expect(text).not.toMatch(/node:sqlite|onnxruntime-node|Ungültige Eingabe|worker_threads/);
  });
});

test('what is read at run time stands where the bundle looks for it', () => {
  for (const name of ['serve-api', 'advance-run']) {
    for (const path of [
      'signet.wasm',
      'cedar_wasm_bg.wasm',
      'shared/policies/checked.json',
      'README.md',
      'docs/api.md',
    ]) {
      expect(first.has(`${name}/${path}`)).toBe(true);
    }
  }
  expect([...first.keys()].filter((path) => path.startsWith('sweep-due/') && !path.endsWith('.mjs'))).toEqual([]);
});
