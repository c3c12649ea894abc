#!/usr/bin/env node
// Builds the native artefacts: all that the local product has, or those named; one whose files were changed or cut is built anew. `npm start` calls the same functions beside the server.
import { buildArtefact, deployModules, loadRecipe, recipeModules } from './artefacts.mjs';
import { ensurePackages } from './toolchain.mjs';

const names = process.argv.slice(2);
const known = Object.keys({ ...recipeModules, ...deployModules });
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`expected names among ${known.join(', ')}, got ${unknown.join(', ')}`);
  process.exit(2);
}

await ensurePackages((text) => console.log(text));
await buildAll(names.length > 0 ? names : Object.keys(recipeModules), (text) => console.log(text));

/** Python recipes wait for downloads while cargo computes, so the two go side by side. */
async function buildAll(wanted, say) {
  const chain = async (list) => {
    for (const name of list) await buildArtefact(await loadRecipe(name), say, { thorough: true });
  };
  const results = await Promise.allSettled([
    chain(wanted.filter((name) => name === 'native')),
    chain(wanted.filter((name) => name !== 'native')),
  ]);
  const failed = results.filter((result) => result.status === 'rejected');
  for (const { reason } of failed) console.error(reason.message);
  if (failed.length > 0) process.exit(1);
}
