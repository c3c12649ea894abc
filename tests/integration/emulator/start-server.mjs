// A server for tests: on a free port of the loopback interface, with an environment of its own, stopped with all that it
// started. Plain JavaScript for Node 20.
import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/**
 * Starts a server and waits until it is ready, 30 s at most.
 * @param {object} request
 * @param {string} request.title
 * @param {string} request.folder its working directory and home, and the place of its log; the caller's to remove
 * @param {(port: number) => [command: string, args: string[]]} request.command
 * @param {(port: number) => Record<string, string>} request.environment added to the little that every program needs
 * @param {(url: string) => Promise<boolean>} request.isReady
 * @param {'http' | 'https'} [request.scheme]
 * @returns {Promise<{url: string, stop: () => Promise<void>}>}
 */
export async function startServer({ title, folder, command, environment, isReady, scheme = 'http' }) {
  const port = await freePort();
  const url = `${scheme}://127.0.0.1:${port}`;
  const log = join(folder, `server-${port}.log`);
  const output = openSync(log, 'a');
  const [program, args] = command(port);
  const child = spawn(program, args, {
    cwd: folder,
    // Nothing of the caller's account, proxy or libraries.
    env: {
      PATH: process.env.PATH ?? '/usr/bin:/bin',
      HOME: folder,
      TMPDIR: folder,
      LANG: 'C.UTF-8',
      ...environment(port),
    },
    stdio: ['ignore', output, output],
    // Its own process group: what it starts goes with it.
    detached: true,
  });
  const state = { is_running: true };
  const exited = new Promise((resolve) => {
    for (const event of ['exit', 'error']) child.once(event, resolve);
  }).finally(() => {
    state.is_running = false;
  });
  const stop = async () => {
    endGroup(child.pid, 'SIGTERM');
    const timer = setTimeout(() => endGroup(child.pid, 'SIGKILL'), 5000);
    await exited;
    clearTimeout(timer);
    endGroup(child.pid, 'SIGKILL');
  };
  for (let tries = 0; tries < 300 && state.is_running; tries += 1) {
    if (await isReady(url).catch(() => false)) return { url, stop };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await stop();
  throw new Error(`${title} does not answer:\n${readFileSync(log, 'utf8').slice(-2000)}`);
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function endGroup(pid, signal) {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
