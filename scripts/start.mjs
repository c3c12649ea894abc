#!/usr/bin/env node
// `npm start`: packages, then the server at once, then what runs natively is built beside it and taken up when ready.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { buildArtefact, freshManifest, loadRecipe } from './artefacts.mjs';
import { endAll } from './processes.mjs';
import { ensurePackages, node24, root } from './toolchain.mjs';

const say = (text) => process.stderr.write(`[build] ${text}\n`);

try {
  await ensurePackages(say);
  await serve();
} catch (error) {
  process.stderr.write(`signet: ${error.message}\n`);
  process.exit(1);
}

/** The server is its own process, so that a build can neither delay nor crash it. */
async function serve() {
  const server = spawn(
    node24(),
    [join(root, 'clients', 'cli', 'bin', 'signet.mjs'), 'serve', ...process.argv.slice(2)],
    { cwd: process.cwd(), stdio: ['inherit', 'inherit', 'inherit', 'ipc'] },
  );
  let stopping = false;
  const stop = (signal) => {
    stopping = true;
    endAll();
    if (server.exitCode === null) server.kill(signal);
  };
  process.on('SIGINT', () => stop('SIGINT'));
  process.on('SIGTERM', () => stop('SIGTERM'));
  server.on('error', (error) => {
    process.stderr.write(`signet: the server did not start: ${error.message}\n`);
    process.exit(1);
  });
  server.on('exit', (code, signal) => {
    endAll();
    process.exit(code ?? (signal === 'SIGINT' ? 130 : 143));
  });
  // Builds start when the server listens: until then the machine belongs to it.
  await new Promise((resolve) => server.once('message', resolve));
  await Promise.all([buildInTurn(['native']), buildInTurn(['models', 'script-image'])]);

  async function buildInTurn(names) {
    for (const name of names) {
      if (stopping) return;
      const recipe = await loadRecipe(name);
      if (freshManifest(recipe) !== undefined) continue;
      try {
        await buildArtefact(recipe, say);
      } catch (error) {
        // One that cannot be built leaves the others and the server alone; status and doctor name the reason.
        if (!stopping) say(`${recipe.title}: not available: ${error.message}`);
      }
    }
  }
}
