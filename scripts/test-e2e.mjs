#!/usr/bin/env node
// `npm run test:e2e`: journeys of a user, driven by clients that other projects publish: at a node on this machine
// (`local`), at a stage deployed to an AWS emulator (`deployed`), and once more where the emulator enforces signatures and
// the rights of roles (`authorised`). And what a node makes, judged by tools that know nothing of it (`strangers`). Without
// arguments all of them; what is no name of a part is passed on to jest.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  installMinistack,
  makeCertificate,
  startMinistack,
  trusting,
} from '../tests/integration/emulator/ministack.mjs';
import { installTools } from '../tests/e2e/strangers/install-tools.mjs';
import { answerHelp } from './answer-help.mjs';
import { buildArtefact, deployModules, loadRecipe, recipeModules } from './artefacts.mjs';
import { jest } from './jest.mjs';
import { run } from './processes.mjs';
import { Tally } from './tally.mjs';
import { buildFolder, ensureInfraPackages, ensurePackages, node24, root } from './toolchain.mjs';

answerHelp(`Usage: npm run test:e2e [-- <part> …]

  local        the journey of a user at a node on this machine
  deployed     deployed to an AWS emulator that it starts and stops
  authorised   the same where the emulator enforces signatures and the rights of roles
  strangers    receipts, envelopes, documents and the log, judged by public tools

All of them where none is named; what is no part is passed on to jest.
`);
const parts = ['local', 'deployed', 'authorised', 'strangers'];
/** Those that start a node on this machine. */
const onMachine = ['local', 'strangers'];
const asked = process.argv.slice(2);
const chosen = parts.filter((part) => asked.includes(part));
const wanted = chosen.length > 0 ? chosen : parts;
// Real time, on a machine that may be busy; a step that hangs still ends.
const jestArguments = ['--runInBand', '--testTimeout=120000', ...asked.filter((word) => !parts.includes(word))];

const say = (text) => console.log(text);
const tally = new Tally();
const running = new Set();
const folder = mkdtempSync(join(tmpdir(), 'signet-emulator-'));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void end().finally(() => process.exit(1)));

await tally.need('packages of the lockfile', () => ensurePackages(say));
const deploys = wanted.some((part) => !onMachine.includes(part));
const starts = wanted.some((part) => onMachine.includes(part));
if (deploys) await tally.need('packages of infra/', () => ensureInfraPackages(say));
// What an emulator deploys is of this machine's architecture.
const deployed = Object.keys(deployModules).filter((name) => !name.endsWith('-arm64'));
for (const name of [...(starts ? Object.keys(recipeModules) : []), ...(deploys ? deployed : [])]) {
  const recipe = await loadRecipe(name);
  await tally.step(`build ${recipe.title}`, async () => {
    await buildArtefact(recipe, say);
  });
}
if (wanted.includes('local')) {
  await tally.step('install the stock Python client', installPythonClient);
  await tally.step('the journey at a node on this machine', () => jest(['e2e'], [...only('first'), ...jestArguments]));
}
if (wanted.includes('strangers')) await tally.step('what public tools say of it', judgeByStrangers);
if (wanted.includes('deployed')) {
  await tally.step('the journey at a deployed stage', () => onEmulator({ enforcing: false }));
}
if (wanted.includes('authorised')) {
  await tally.step('the same where signatures and rights are enforced', () => onEmulator({ enforcing: true }));
}
await end();
tally.end();

function only(journey) {
  return [`--testPathPatterns=tests/e2e/${journey}-journey`];
}

async function judgeByStrangers() {
  const tools = await installTools({ cache: join(buildFolder, 'cache', 'strangers'), run });
  process.env.SIGNET_STRANGER_TOOLS = JSON.stringify(tools);
  return await jest(['e2e'], ['--testPathPatterns=tests/e2e/strangers', ...jestArguments]);
}

async function onEmulator({ enforcing }) {
  const program = await installMinistack({ home: join(buildFolder, 'cache', 'ministack'), run });
  const certificate = enforcing ? await makeCertificate({ folder, run }) : undefined;
  const server = await startMinistack({ program, folder, node_folder: dirname(node24()), certificate });
  running.add(server);
  const set = { SIGNET_EMULATOR_URL: server.url, ...(enforcing ? trusting(certificate) : {}) };
  Object.assign(process.env, set);
  try {
    return await jest(['e2e'], [...only('deployed'), ...jestArguments]);
  } finally {
    for (const name of Object.keys(set)) delete process.env[name];
    await server.stop();
    running.delete(server);
  }
}

async function installPythonClient() {
  const home = join(buildFolder, 'cache', 'e2e-python');
  const python = join(home, 'bin', 'python');
  if (!existsSync(python)) await run('python3', ['-m', 'venv', home], { quiet: true });
  await run(python, ['-m', 'pip', 'install', '--quiet', '-r', join(root, 'tests', 'e2e', 'requirements.txt')], {
    quiet: true,
  });
}

async function end() {
  await Promise.all([...running].map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
}
