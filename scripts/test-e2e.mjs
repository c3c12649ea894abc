#!/usr/bin/env node
// `npm run test:e2e`: a node as a user starts it, driven by clients that other projects publish.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildArtefact, loadRecipe, recipeModules } from './artefacts.mjs';
import { jest } from './jest.mjs';
import { run } from './processes.mjs';
import { Tally } from './tally.mjs';
import { buildFolder, ensurePackages, root } from './toolchain.mjs';

const say = (text) => console.log(text);
const tally = new Tally();
await tally.need('packages of the lockfile', () => ensurePackages(say));
for (const name of Object.keys(recipeModules)) {
  const recipe = await loadRecipe(name);
  await tally.step(`build ${recipe.title}`, async () => {
    await buildArtefact(recipe, say);
  });
}
await tally.step('install the stock Python client', installPythonClient);
await tally.step('journeys', () => jest(['e2e'], ['--runInBand', ...process.argv.slice(2)]));
tally.end();

async function installPythonClient() {
  const home = join(buildFolder, 'cache', 'e2e-python');
  const python = join(home, 'bin', 'python');
  if (!existsSync(python)) await run('python3', ['-m', 'venv', home], { quiet: true });
  await run(python, ['-m', 'pip', 'install', '--quiet', '-r', join(root, 'tests', 'e2e', 'requirements.txt')], {
    quiet: true,
  });
}
