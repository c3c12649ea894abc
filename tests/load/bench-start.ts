import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startNode } from '../e2e/running-node.ts';
import { repository, type Figure } from './record.ts';

const execute = promisify(execFile);

/** From `npm start` to the first answer: in a fresh clone (packages are installed), and later. */
export async function benchStart(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'signet-start-'));
  try {
    const later: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const started = performance.now();
      const node = await startNode({ home: join(folder, 'home') });
      if (round > 0) later.push(performance.now() - started);
      await node.stop();
    }
    const clone = join(folder, 'clone');
    await execute('git', ['clone', '--quiet', repository, clone]);
    const first = await firstAnswer(clone);
    return [
      { name: 'first start in a fresh clone, to the first answer', value: seconds(first), unit: 's', floor: 90 },
      { name: 'a later start, to the first answer', value: seconds(Math.max(...later)), unit: 's', floor: 2 },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function firstAnswer(clone: string): Promise<number> {
  const port = await freePort();
  const started = performance.now();
  const child = spawn('npm', ['start', '--silent'], {
    cwd: clone,
    env: { ...process.env, SIGNET_HOME: join(clone, '.signet'), SIGNET_PORT: String(port) },
    stdio: 'ignore',
    detached: true,
  });
  try {
    while (performance.now() - started < 300_000) {
      const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
      if (answer?.ok === true) return performance.now() - started;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('no answer within five minutes');
  } finally {
    // npm does not pass signals on to what it starts: end its whole group.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function seconds(ms: number): number {
  return Math.round(ms / 10) / 100;
}
