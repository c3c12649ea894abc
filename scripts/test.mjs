#!/usr/bin/env node
// `npm test`: builds what the tests run against, then unit, property, contract and integration tests of both languages.
// Arguments are passed on to jest (`npm test -- chat`), and then only jest runs.
import { join } from 'node:path';
import { answerHelp } from './answer-help.mjs';
import { buildArtefact, loadRecipe, recipeModules } from './artefacts.mjs';
import { jest } from './jest.mjs';
import { run } from './processes.mjs';
import { Tally } from './tally.mjs';
import { ensureInfraPackages, ensurePackages, packageProgram, root } from './toolchain.mjs';

answerHelp(`Usage: npm test [-- <words for jest> …]

All tests of both languages; with words only what jest finds by them (npm test -- chat).
`);
const say = (text) => console.log(text);
const rust = join(root, 'rust-lambdas');
const jestArguments = process.argv.slice(2);

const tally = new Tally();
await tally.need('packages of the lockfiles', async () => {
  await ensurePackages(say);
  await ensureInfraPackages(say);
});

if (jestArguments.length > 0) {
  await tally.step('jest', () => jest(['unit', 'property', 'contract', 'infra', 'integration'], jestArguments));
  tally.end();
}

await tally.step('types (tsc)', async () => {
  const [node, file] = packageProgram('typescript/bin/tsc');
  await run(node, [file, '-p', '.'], { cwd: root });
});
for (const name of Object.keys(recipeModules)) {
  const recipe = await loadRecipe(name);
  await tally.step(`build ${recipe.title}`, async () => {
    await buildArtefact(recipe, say);
  });
}
await tally.step('unit tests', () => jest(['unit']));
await tally.step('property tests', () => jest(['property']));
await tally.step('contract tests', () => jest(['contract'], ['--passWithNoTests']));
await tally.step('infra tests', () => jest(['infra']));
await tally.step('integration tests', () => jest(['integration'], ['--passWithNoTests', '--runInBand']));
await tally.step('Rust tests', cargoTest);
tally.end();

async function cargoTest() {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  let failure;
  try {
    await run('cargo', ['test', '--workspace', '--release', '--locked', '--no-fail-fast'], {
      cwd: rust,
      env: { ...process.env, SIGNET_BUILD: join(root, '.signet-build') },
      quiet: true,
      onLine: (line) => {
        const result = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/.exec(line);
        if (result !== null) {
          counts.passed += Number(result[1]);
          counts.failed += Number(result[2]);
          counts.skipped += Number(result[3]);
        }
        if (/^(test .* FAILED|error|skipped:|failures:|----)|panicked at/.test(line)) console.log(line);
      },
    });
  } catch (error) {
    failure = error;
  }
  if (failure !== undefined && counts.failed === 0) throw failure;
  return counts;
}
