#!/usr/bin/env node
// Builds the Rust Lambdas for arm64 once more, from a copy of the sources in another folder and from nothing, and compares
// the bytes. Minutes of compiling: for a release, or when something about the build changed.
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildForArm64, recipes } from '../rust-lambdas/lambdas-recipe.mjs';
import { buildArtefact, digestFiles } from './artefacts.mjs';
import { run } from './processes.mjs';
import { buildFolder, root } from './toolchain.mjs';

const say = (text) => console.log(text);
const recipe = recipes['lambdas-arm64'];
const first = await buildArtefact(recipe, say, { thorough: true });
const elsewhere = mkdtempSync(join(tmpdir(), 'signet-rebuild-'));
try {
  const copy = join(elsewhere, 'a copy of the sources');
  for (const input of recipe.inputs) cpSync(join(root, input), join(copy, input), { recursive: true });
  // A workspace wants all its members, also those that are not built.
  for (const member of ['bindings', 'xtask']) {
    cpSync(join(root, 'rust-lambdas', member), join(copy, 'rust-lambdas', member), { recursive: true });
  }
  const out = join(elsewhere, 'out');
  mkdirSync(out);
  const log = join(buildFolder, recipe.name, 'rebuild.log');
  await buildForArm64({
    out,
    root: copy,
    cache: join(buildFolder, 'cache', recipe.name),
    target: join(elsewhere, 'target'),
    step: (text) => say(`a second time: ${text}`),
    run: (command, args, options = {}) => run(command, args, { ...options, log }),
  });
  const second = digestFiles(out);
  const other = Object.keys(first.files).filter((file) => first.files[file].sha256 !== second[file]?.sha256);
  if (other.length > 0) throw new Error(`a rebuild in another folder gives other bytes: ${other.join(', ')}`);
  say(`a rebuild in another folder gives the same bytes: ${Object.keys(first.files).join(', ')}`);
} finally {
  rmSync(elsewhere, { recursive: true, force: true });
}
