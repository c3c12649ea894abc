#!/usr/bin/env node
// `npm run bench [-- area …]`; `npm run bench:lambda` is the area `lambda` alone. Writes dated records to docs/records/.
import { join } from 'node:path';
import { answerHelp } from './answer-help.mjs';
import { buildArtefact, loadRecipe, recipeModules } from './artefacts.mjs';
import { run } from './processes.mjs';
import { ensurePackages, node24, root } from './toolchain.mjs';

const known = ['proof', 'gates', 'gateway', 'memory', 'scripts', 'embedding', 'start', 'vectors', 'lambda'];
answerHelp(`Usage: npm run bench [-- <area> … --seed <number>]

  areas   ${known.join(' ')}
  --seed  draws the data again that a run printed this for

All of them where none is named. Writes dated records to docs/records/.
`);
const say = (text) => console.log(text);
const given = process.argv.slice(2);
const at = given.indexOf('--seed');
const seed = at < 0 ? [] : given.splice(at, 2);
const areas = given;
const unknown = areas.filter((area) => !known.includes(area));
if (unknown.length > 0) {
  console.error(`expected areas among ${known.join(', ')}, got ${unknown.join(', ')}`);
  process.exit(2);
}
const hasLambda = areas.length === 0 || areas.includes('lambda');

/** Signatures need neither a model nor a script image. */
const product =
  areas.length > 0 && areas.every((area) => area === 'proof' || area === 'gates' || area === 'vectors')
    ? ['native']
    : Object.keys(recipeModules);

await ensurePackages(say);
for (const name of [...product, ...(hasLambda ? ['functions', 'lambdas-host', 'layer-model'] : [])]) {
  await buildArtefact(await loadRecipe(name), say);
}
if (hasLambda) await buildForArm64();
const program = hasLambda ? 'bench-on-emulator.mjs' : 'bench.ts';
try {
  await run(node24(), [join(root, 'tests', 'load', program), ...areas, ...seed], { cwd: root });
} catch {
  process.exit(1);
}

/** What is deployed is for arm64; without its linker the sizes are this machine's, and the record says so. */
async function buildForArm64() {
  try {
    await buildArtefact(await loadRecipe('lambdas-arm64'), say);
  } catch (error) {
    say(`no sizes for arm64: ${error.message.split('\n')[0]}`);
  }
}
