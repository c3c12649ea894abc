#!/usr/bin/env node
// `npm start`: packages, then the server at once, then what runs natively is built beside it and taken up when ready.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { buildArtefact, freshManifest, loadRecipe } from './artefacts.mjs';
import { endAll } from './processes.mjs';
import { ensurePackages, node24, root } from './toolchain.mjs';

/**
 * What lives as long as one request fits many times into 16 MiB; V8 would let it grow to 128, and with it the native memory
 * of what was not collected yet, for no request more (docs/decisions/0095).
 */
const smallYoungGeneration = ['--max-semi-space-size=8'];

const say = (text) => process.stderr.write(`[build] ${text}\n`);
let server;
let stopping;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(signal));
// npm that is killed by force tells nobody; as a service or in the background of a shell there is no npm to outlive.
const parent = process.ppid;
if (process.env.npm_lifecycle_event === 'start') {
  setInterval(() => process.ppid !== parent && stopping === undefined && stop('SIGTERM'), 500).unref();
}
try {
  await ensurePackages(say);
  if (stopping === undefined) await serve();
} catch (error) {
  if (stopping === undefined) {
    process.stderr.write(`signet: ${error.message}\n`);
    process.exit(1);
  }
}
if (server === undefined) process.exit(endedBy(stopping));

/** Builds end at once, the server in its own time; a second signal makes it hurry. */
function stop(signal) {
  stopping = signal;
  endAll();
  server?.kill(signal);
}

/**
 * The server is its own process, so that a build can neither delay nor crash it, and its own session: Ctrl-C reaches it
 * through `stop` alone, once, and not a second time from the terminal. When this process is killed it notices that the
 * channel is closed, and stops.
 */
async function serve() {
  const command = join(root, 'clients', 'cli', 'bin', 'signet.mjs');
  server = spawn(node24(), [...smallYoungGeneration, command, 'serve', ...process.argv.slice(2)], {
    cwd: process.cwd(),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: true,
  });
  server.on('error', (error) => {
    process.stderr.write(`signet: the server did not start: ${error.message}\n`);
    process.exit(1);
  });
  server.on('exit', (code, signal) => {
    endAll();
    process.exit(code ?? endedBy(signal));
  });
  // Builds start when the server listens: until then the machine belongs to it.
  await new Promise((resolve) => server.once('message', resolve));
  await Promise.all([buildInTurn(['native']), buildInTurn(['models', 'script-image'])]);
}

async function buildInTurn(names) {
  for (const name of names) {
    if (stopping !== undefined) return;
    const recipe = await loadRecipe(name);
    if (freshManifest(recipe) !== undefined) continue;
    try {
      await buildArtefact(recipe, say);
    } catch (error) {
      // One that cannot be built leaves the others and the server alone; status and doctor name the reason.
      if (stopping === undefined) say(`${recipe.title}: not available: ${error.message}`);
    }
  }
}

/** What a shell reports of a program that a signal ended. */
function endedBy(signal) {
  return 128 + (constants.signals[signal] ?? 15);
}
