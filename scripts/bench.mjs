#!/usr/bin/env node
// `npm run bench [area …]`: gateway, memory, scripts, embedding, proof, start. Writes dated records to docs/records/.
import { join } from 'node:path';
import { buildArtefact, loadRecipe, recipeModules } from './artefacts.mjs';
import { run } from './processes.mjs';
import { ensurePackages, node24, root } from './toolchain.mjs';

const say = (text) => console.log(text);
await ensurePackages(say);
for (const name of Object.keys(recipeModules)) await buildArtefact(await loadRecipe(name), say);
try {
  await run(node24(), [join(root, 'tests', 'load', 'bench.ts'), ...process.argv.slice(2)], { cwd: root });
} catch {
  process.exit(1);
}
