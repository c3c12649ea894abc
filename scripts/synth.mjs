#!/usr/bin/env node
// `npm run synth -- --stage dev`: the templates of both stacks of a stage, made from what is really deployed. `--check`
// lets cfn-lint and sam judge them, too. Needs no account. Plain Node 20.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { buildArtefact, deployModules, loadRecipe } from './artefacts.mjs';
import { lintTemplates } from './lint-templates.mjs';
import { run } from './processes.mjs';
import { explainFailure, readStageArguments, UsageError } from './stage-arguments.mjs';
import { buildFolder, ensureInfraPackages, ensurePackages, node24, root } from './toolchain.mjs';

const usage = `Usage: npm run synth -- [options]

  --stage <name>      the stage (dev)
  --overrides <file>  its configuration (infra/stages/<name>.json)
  --genesis <file>    its genesis (infra/genesis/<name>.json; before the first deploy a placeholder)
  --out <folder>      where the templates go (.signet-build/synth/<name>)
  --check             lint them with cfn-lint and sam validate
`;
const say = (text) => process.stdout.write(`${text}\n`);

process.exitCode = await main(process.argv.slice(2)).catch((error) => explainFailure(error, { usage }));

async function main(argv) {
  const allowed = ['stage', 'overrides', 'genesis', 'out', 'check'];
  const wanted = readStageArguments(argv, { usage, allowed, stage: 'dev' });
  if (wanted === undefined) return 0;
  const { folder, templates } = await synthesise(wanted);
  if (wanted.check) await lintTemplates({ templates, say });
  say(`\ntemplates of stage \`${wanted.stage}\` in ${short(folder)}:`);
  for (const path of templates) say(`  ${describe(path, folder)}`);
  return 0;
}

/**
 * Installs and builds what is missing, and writes the cloud assembly of a stage.
 * @param {{stage: string, overrides?: string, genesis?: string, out?: string}} request
 * @returns {Promise<{folder: string, templates: string[]}>} State before App
 */
async function synthesise({ stage, overrides, genesis, out }) {
  const names = deployed(overrides);
  await ensurePackages(say);
  await ensureInfraPackages(say);
  for (const name of names) await buildArtefact(await loadRecipe(name), say);
  const folder = out === undefined ? join(buildFolder, 'synth', stage) : resolve(out);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const context = {
    stage,
    build: buildFolder,
    genesis: genesis === undefined ? usualGenesis(stage) : resolve(genesis),
    ...(overrides === undefined ? {} : { overrides: resolve(overrides) }),
    // `sam local invoke` finds a function's code by it; deploys have it from the CDK's command line.
    'aws:cdk:enable-asset-metadata': true,
  };
  await run(node24(), [join(root, 'infra', 'bin', 'signet.ts')], {
    cwd: root,
    env: { ...process.env, CDK_OUTDIR: folder, CDK_CONTEXT_JSON: JSON.stringify(context) },
  }).catch((cause) => {
    if (cause.interrupted) throw cause;
    throw new Error('no templates were made; why, stands above', { cause });
  });
  return { folder, templates: ['State', 'App'].map((name) => join(folder, `Signet-${stage}-${name}.template.json`)) };
}

/** What goes to AWS, or, for a stage in an emulator, to this machine. */
function deployed(overrides) {
  const is_emulated = overrides !== undefined && read(overrides).emulator !== undefined;
  const other = is_emulated ? '-arm64' : '-host';
  return Object.keys(deployModules).filter((name) => !name.endsWith(other));
}

function read(path) {
  try {
    return Object(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new UsageError(`expected JSON in ${path}: ${error.message}`);
  }
}

function usualGenesis(stage) {
  const path = join(root, 'infra', 'genesis', `${stage}.json`);
  if (existsSync(path)) return path;
  say(`stage \`${stage}\` has no genesis yet: a placeholder stands in, which no deploy takes`);
  return 'placeholder';
}

/** A path as one would type it here. */
function short(folder) {
  const path = relative(process.cwd(), folder);
  return path.startsWith('..') ? folder : path || '.';
}

function describe(path, folder) {
  const { Resources } = JSON.parse(readFileSync(path, 'utf8'));
  const counts = new Map();
  for (const { Type } of Object.values(Resources)) counts.set(Type, (counts.get(Type) ?? 0) + 1);
  const most = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([type, count]) => `${count} ${type.replace('AWS::', '')}`);
  const all = Object.keys(Resources).length;
  return `${relative(folder, path)}: ${all} resources (${most.join(', ')})`;
}
