#!/usr/bin/env node
// `npm run deploy -- --stage dev`: build, State stack, genesis, App stack, doctor. Each step finds what is done and goes
// on; so after a failure or Ctrl-C the same command again.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { confirm } from './ask.mjs';
import { buildArtefact, loadRecipe } from './artefacts.mjs';
import { cdkOf, NotBootstrappedError } from './cdk.mjs';
import { endAll, run } from './processes.mjs';
import { explainFailure, readStageArguments, UsageError } from './stage-arguments.mjs';
import { ensureInfraPackages, ensurePackages, node24, root } from './toolchain.mjs';

const usage = `Usage: npm run deploy -- --stage <name> [options]

  --stage <name>      such as dev; names the stacks Signet-<name>-State and Signet-<name>-App
  --profile <name>    profile of the AWS configuration (AWS_PROFILE)
  --region <name>     region (that of the profile, AWS_REGION)
  --overrides <file>  the stage's configuration (infra/stages/<name>.json)
  --genesis <file>    the stage's public genesis (infra/genesis/<name>.json)
  --as-built          deploy the artefacts that were built last, and build none
  --yes               ask nothing

Examples:
  npm run deploy -- --stage dev
  npm run deploy -- --stage prod --profile work --region eu-west-1

Keys that must stay here go to SIGNET_HOME/stages/<name> (.signet/stages/<name>): back it up.
`;
const again = 'nothing is lost: the same command again goes on where this one ended';
const answers_within_ms = 60_000;
const say = (text) => process.stdout.write(`${text}\n`);

process.exitCode = await main(process.argv.slice(2)).catch((error) => explainFailure(error, { usage, again }));

async function main(argv) {
  const wanted = readStageArguments(argv, {
    usage,
    allowed: ['stage', 'profile', 'region', 'overrides', 'genesis', 'as-built', 'yes'],
  });
  if (wanted === undefined) return 0;
  await ensurePackages(say);
  // Configuration and names are TypeScript, which Node 24 runs as it is.
  if (Number(process.versions.node.split('.')[0]) < 24) return await underNode24();
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => endAll());
  const started_at = Date.now();
  const { stage, profile } = wanted;
  const home = resolve(process.env.SIGNET_HOME ?? join(root, '.signet'));

  const artefacts = await artefactsOf(wanted);
  await ensureInfraPackages(say);
  const paths = Object.fromEntries(
    ['overrides', 'genesis'].filter((name) => wanted[name] !== undefined).map((name) => [name, resolve(wanted[name])]),
  );
  const cdk = cdkOf({ ...wanted, ...paths, say });
  const { account, region } = await cdk.place();
  say(`stage ${stage}: account ${account}, region ${region}`);
  if (!wanted.yes) await confirm(`deploy Signet-${stage}-State and Signet-${stage}-App there?`);

  const step = stepsOf(5);
  step(wanted['as-built'] ? `${artefacts.length} artefacts as they were built` : `build ${artefacts.length} artefacts`);
  if (!wanted['as-built'])
    for (const name of artefacts) await buildArtefact(await loadRecipe(name), (line) => say(`  ${line}`));

  step('data and keys');
  const state = `Signet-${stage}-State`;
  if (!wanted.yes) await approve(cdk, state, { only: true });
  const { path: state_outputs } = await bootstrapped(cdk, () => cdk.deploy(state, { only: true }));

  step('identity');
  await signet(['init', '--stage', stage, '--outputs', state_outputs, ...genesisOf(paths)], { home, profile });
  keepOutputs(state_outputs, join(home, 'stages', stage));

  step('functions');
  const app = `Signet-${stage}-App`;
  if (!wanted.yes) await approve(cdk, app, { only: false });
  const { outputs } = await cdk.deploy(app, { only: false });
  const url = outputs.ApiUrl;
  if (typeof url !== 'string') throw new Error(`expected \`ApiUrl\` among the outputs of ${app}, see ${cdk.log}`);

  step('examination from outside');
  await untilItAnswers(url);
  const own_home = join(home, 'stages', stage);
  const healthy = await signet(['doctor', '--url', url], { home: own_home, profile }).then(
    () => true,
    () => false,
  );
  say(`\n${healthy ? 'ready' : 'deployed, with the failures above'} after ${minutes(Date.now() - started_at)}\n`);
  say(welcome({ url, key: join(own_home, 'owner.key') }));
  return healthy ? 0 : 1;
}

/** Names of what the stage deploys; its configuration is judged before anything else happens. */
async function artefactsOf({ stage, overrides }) {
  const [{ makeConfig, readOverrides }, { artefactNames }] = await Promise.all([
    import('../infra/config.ts'),
    import('../infra/artefacts.ts'),
  ]);
  const usual = join(root, 'infra', 'stages', `${stage}.json`);
  const path = overrides === undefined ? (existsSync(usual) ? usual : undefined) : resolve(overrides);
  try {
    const config = makeConfig({ stage, overrides: path === undefined ? {} : readOverrides({ stage, path }) });
    return [...new Set(Object.values(artefactNames(config)))];
  } catch (error) {
    if (error.name === 'StageConfigError') throw new UsageError(error.message);
    throw error;
  }
}

/** AWS is asked by trying: only an account that answers that it was never prepared is prepared. */
async function bootstrapped(cdk, work) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof NotBootstrappedError)) throw error;
    say('  first deploy of this account and region: cdk bootstrap');
    await cdk.bootstrap();
    return await work();
  }
}

async function approve(cdk, stack, { only }) {
  const difference = await bootstrapped(cdk, () => cdk.securityDiff(stack, { only }));
  say(difference.trim());
  await confirm(`deploy ${stack}?`);
}

/** The command of this checkout, speaking to the terminal. */
async function signet(args, { home, profile }) {
  const command = join(root, 'clients', 'cli', 'bin', 'signet.mjs');
  await run(node24(), [command, ...args, '--home', home], {
    env: { ...process.env, ...(profile === undefined ? {} : { AWS_PROFILE: profile }) },
  });
}

function genesisOf({ genesis }) {
  return genesis === undefined ? [] : ['--genesis', genesis];
}

/** Names and rights of what is new take some seconds to be known everywhere; what is wrong then, the doctor says. */
async function untilItAnswers(url) {
  const deadline = Date.now() + answers_within_ms;
  while (Date.now() < deadline) {
    const signal = AbortSignal.timeout(10_000);
    const is_there = await fetch(`${url}/healthz`, { signal }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (is_there) return;
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
}

/** So that `signet init` run by hand finds them. */
function keepOutputs(path, folder) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  copyFileSync(path, join(folder, 'state-outputs.json'));
}

function welcome({ url, key }) {
  const bearer = `-H "authorization: Bearer $(cat ${here(key)})"`;
  const body =
    '{"model": "auto", "messages": [{"role": "user", "content": "What is Signet? Signet is an agent backend that its user owns."}]}';
  const first = existsSync(key)
    ? `try:
  curl -s ${url}/v1/chat/completions ${bearer} -H 'content-type: application/json' -d '${body}'
  npx signet run examples/soma.py --url ${url} --home ${here(dirname(key))}`
    : "the owner's key is on the machine on which the stage began";
  return `Signet serves on ${url}\n\n${first}`;
}

function here(path) {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

function stepsOf(all) {
  let now = 0;
  return (text) => say(`\n[${(now += 1)}/${all}] ${text}`);
}

function minutes(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 100 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** The same command again under the Node that comes with the packages; a signal reaches it, its code is ours. */
async function underNode24() {
  const child = spawn(node24(), [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 15)));
  });
}
