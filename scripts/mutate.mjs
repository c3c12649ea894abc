#!/usr/bin/env node
// `node scripts/mutate.mjs [text]`: takes each condition of `mutants/` away (those whose path or name has the text), in a
// copy of the checkout, and looks whether a test breaks. Minutes to hours; not in CI.
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import families from './mutants/mutants.mjs';
import { run } from './processes.mjs';
import { buildFolder, node24, root } from './toolchain.mjs';

const wanted = process.argv[2] ?? '';
if (wanted === '--help') {
  console.log('node scripts/mutate.mjs [text]   (conditions of scripts/mutants whose path or name has the text)');
  process.exit(0);
}
const folder = join(buildFolder, 'cache', 'mutants');
// Never the checkout's: cargo names crates by their place in the workspace, so a mutant would be taken for the original.
const env = { ...process.env, CARGO_TARGET_DIR: join(folder, 'target') };

copySources();
let asked = 0;
const survivors = [];
for (const family of families) {
  const mutants = mutantsOf(family);
  asked += mutants.length;
  if (mutants.length === 0) continue;
  if (!(await holds(family))) {
    console.error(`${family.folder}: the tests fail without any change`);
    process.exit(1);
  }
  for (const mutant of mutants) {
    if (await survives(family, mutant)) survivors.push(mutant);
  }
}
console.log(
  survivors.length === 0 ? `each of ${asked} removed conditions breaks a test` : `${survivors.length} survived`,
);
process.exit(survivors.length === 0 ? 0 : 1);

function mutantsOf({ folder: place, conditions }) {
  return Object.entries(conditions)
    .flatMap(([file, list]) => list.map(([condition, from, to]) => ({ path: `${place}/${file}`, condition, from, to })))
    .filter(({ path, condition }) => `${path} ${condition}`.includes(wanted));
}

async function survives(family, { path, condition, from, to }) {
  const copy = join(folder, path);
  const source = readFileSync(copy, 'utf8');
  if (source.split(from).length !== 2) {
    throw new Error(`${path}: expected once \`${from}\`; bring scripts/mutants up to date`);
  }
  writeFileSync(
    copy,
    source.replace(from, () => to),
  );
  const survived = await holds(family);
  writeFileSync(copy, source);
  console.log(`${survived ? 'SURVIVED' : 'broke a test'}  ${path}: ${condition}`);
  return survived;
}

function copySources() {
  mkdirSync(folder, { recursive: true });
  const isSource = (path) => !['target', 'node_modules'].includes(basename(path));
  for (const name of ['rust-lambdas', 'shared', 'functions', 'tests', 'docs', 'package.json', 'jest.config.mjs']) {
    rmSync(join(folder, name), { recursive: true, force: true });
    cpSync(join(root, name), join(folder, name), { recursive: true, filter: isSource });
  }
  rmSync(join(folder, 'node_modules'), { force: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
}

/** Packages in order: the vectors are asked when the crate's own tests hold. What does not compile is no test that broke. */
async function holds({ packages = [], tests }) {
  for (const name of packages) {
    await cargo('test', '--no-run', '-p', name);
    if (!(await passes(() => cargo('test', '-p', name)))) return false;
  }
  return tests === undefined || passes(() => jest(tests));
}

async function passes(work) {
  try {
    await work();
    return true;
  } catch {
    return false;
  }
}

function cargo(...args) {
  return run('cargo', [...args, '--release', '--locked', '--quiet'], {
    cwd: join(folder, 'rust-lambdas'),
    env,
    quiet: true,
    log: join(folder, 'cargo.log'),
  });
}

/** Until the first test that breaks. */
function jest(pattern) {
  const program = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const flags = ['--bail', '--runInBand', '--testTimeout=60000', '--selectProjects', 'unit', 'contract', 'property'];
  return run(node24(), ['--experimental-vm-modules', program, ...flags, '--testPathPatterns', pattern], {
    cwd: folder,
    env,
    quiet: true,
    log: join(folder, 'jest.log'),
  });
}
