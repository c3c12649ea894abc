#!/usr/bin/env node
// `npm run invoke -- <function> <case>`: one event of `events/` through one function, as the platform would, without
// Docker and without an account.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildArtefact, deployModules, loadRecipe, recipeModules } from './artefacts.mjs';
import { run } from './processes.mjs';
import { ensurePackages, node24, root } from './toolchain.mjs';

const usage = `npm run invoke -- <function> <case> [--logs] [--whole]

Runs events/<function>/<case>.json through the function, built for this machine, in a process of its own: storage and
keys are an emulator's that lives as long as the call. Prints the answer as JSON; the times of the start and of the call
go to standard error, and so does --logs, what the function wrote. --whole: without response streaming.

  npm run invoke -- serve-api chat
  npm run invoke -- serve-api chat-stream --logs
  npm run invoke -- advance-run batch-with-poison
  npm run invoke -- sign-envelope public-key

Exits with 1 when the function fails the invocation, as it does for some events whose names begin with \`invalid-\`.
`;

/** What each function needs beside the TypeScript bundles: artefacts by name. */
const needs = {
  'serve-api': ['functions'],
  'advance-run': ['functions'],
  'seal-ledger': ['functions', 'lambdas-host'],
  'sweep-due': ['functions'],
  'embed-text': ['lambdas-host', 'layer-model'],
  'score-vectors': ['lambdas-host'],
  'sign-envelope': ['functions', 'lambdas-host'],
  'run-script': ['lambdas-host', 'layer-script-image-host'],
};

const say = (text) => process.stderr.write(`${text}\n`);
const { values, positionals } = readArguments();
const [name, eventName, ...more] = positionals;
if (values.help || name === undefined) {
  process.stdout.write(`${usage}\n${listed()}`);
  process.exit(values.help ? 0 : 2);
}
if (!functions().includes(name)) refuse(`expected a function among ${functions().join(', ')}, got \`${name}\``);
if (eventName === undefined || more.length > 0 || !cases(name).includes(eventName)) {
  const got = eventName === undefined ? 'none' : `\`${[eventName, ...more].join(' ')}\``;
  refuse(`expected a case of \`${name}\` among ${cases(name).join(', ')}, got ${got}`);
}

await ensurePackages(say);
for (const artefact of needs[name] ?? []) {
  if (artefact in deployModules || artefact in recipeModules) await buildArtefact(await loadRecipe(artefact), say);
}
const flags = ['logs', 'whole'].filter((flag) => values[flag]).map((flag) => `--${flag}`);
const program = join(root, 'tests', 'integration', 'lambda', 'invoke-event.mjs');
try {
  await run(node24(), ['--disable-warning=ExperimentalWarning', program, name, eventName, ...flags], { cwd: root });
} catch {
  // It has said why.
  process.exit(1);
}

function readArguments() {
  const flag = { type: 'boolean', default: false };
  try {
    return parseArgs({ options: { help: { ...flag, short: 'h' }, logs: flag, whole: flag }, allowPositionals: true });
  } catch (error) {
    return refuse(error.message.split('. ')[0].toLowerCase());
  }
}

function functions() {
  return readdirSync(join(root, 'events')).sort();
}

function cases(folder) {
  return readdirSync(join(root, 'events', folder))
    .map((file) => file.replace(/\.json$/, ''))
    .sort();
}

function listed() {
  return functions()
    .map((folder) => `  ${folder.padEnd(14)} ${cases(folder).join(' ')}\n`)
    .join('');
}

function refuse(text) {
  say(`${text}\nsee \`npm run invoke -- --help\``);
  process.exit(2);
}
