#!/usr/bin/env node
// `node scripts/mutate.mjs [text]`: takes each condition of the verify path away (those of `mutants.mjs` whose file or
// name has the text), in a copy of the workspace, and looks whether a test breaks. Minutes to an hour; not in CI.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import mutants from './mutants.mjs';
import { run } from './processes.mjs';
import { buildFolder, root } from './toolchain.mjs';

const wanted = process.argv[2] ?? '';
if (wanted === '--help') {
  console.log('node scripts/mutate.mjs [text]   (conditions of the verify path whose file or name has the text)');
  process.exit(0);
}
const folder = join(buildFolder, 'cache', 'mutants');
const workspace = join(folder, 'rust-lambdas');
// Never the checkout's: cargo names crates by their place in the workspace, so a mutant would be taken for the original.
const env = { ...process.env, CARGO_TARGET_DIR: join(folder, 'target') };

copySources();
console.log('as it is: the tests must hold');
if (!(await holds())) {
  console.error('the tests fail without any change');
  process.exit(1);
}
const survivors = [];
for (const mutant of mutants.filter(({ file, condition }) => `${file} ${condition}`.includes(wanted))) {
  const path = join(workspace, 'crates', 'signing', 'src', mutant.file);
  const source = readFileSync(path, 'utf8');
  if (source.split(mutant.from).length !== 2) {
    throw new Error(`${mutant.file}: expected once \`${mutant.from}\`; bring scripts/mutants.mjs up to date`);
  }
  writeFileSync(
    path,
    source.replace(mutant.from, () => mutant.to),
  );
  const survived = await holds();
  writeFileSync(path, source);
  console.log(`${survived ? 'SURVIVED' : 'broke a test'}  ${mutant.file}: ${mutant.condition}`);
  if (survived) survivors.push(mutant);
}
console.log(survivors.length === 0 ? 'every removed condition breaks a test' : `${survivors.length} survived`);
process.exit(survivors.length === 0 ? 0 : 1);

function copySources() {
  mkdirSync(folder, { recursive: true });
  const isSource = (path) => !['target', 'node_modules'].includes(basename(path));
  for (const name of ['rust-lambdas', 'shared']) {
    rmSync(join(folder, name), { recursive: true, force: true });
    cpSync(join(root, name), join(folder, name), { recursive: true, filter: isSource });
  }
}

/** What does not compile is no test that broke, so it ends the run. The vectors are asked when the crate's own tests hold. */
async function holds() {
  await cargo('test', '--no-run', '-p', 'signing');
  return (await passes('signing')) && (await passes('xtask'));
}

async function passes(name) {
  try {
    await cargo('test', '-p', name);
    return true;
  } catch {
    return false;
  }
}

function cargo(...args) {
  return run('cargo', [...args, '--release', '--locked', '--quiet'], {
    cwd: workspace,
    env,
    quiet: true,
    log: join(folder, 'cargo.log'),
  });
}
