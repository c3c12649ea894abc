#!/usr/bin/env node
// Builds the native artefacts: all that the local product has, or those named; one whose files were changed or cut is built anew. `npm start` calls the same functions beside the server.
import { answerHelp } from './answer-help.mjs';
import { buildArtefact, deployModules, loadRecipe, recipeModules } from './artefacts.mjs';
import { ensurePackages } from './toolchain.mjs';

const known = Object.keys({ ...recipeModules, ...deployModules });
answerHelp(`Usage: npm run build [-- <artefact> …]

  of this machine   ${Object.keys(recipeModules).join(' ')}
  deployed to AWS   ${Object.keys(deployModules).join('\n                    ')}

Those of this machine where none is named. One that is there and whole is left as it is.
`);
const names = process.argv.slice(2);
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
