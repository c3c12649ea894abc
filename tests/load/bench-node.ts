import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNode, waitFor, type RunningNode } from '../e2e/running-node.ts';

/** A node of its own whose native parts have been taken up; ended and removed afterwards. */
export async function withNode<T>(
  environment: Readonly<Record<string, string>>,
  work: (node: BenchNode) => Promise<T>,
): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), 'signet-bench-'));
  const node = await startNode({ home, environment });
  try {
    await waitFor('the native parts', async () => {
      const answer = await call(node, 'GET', '/api/v1/status');
      const { compute } = JSON.parse(answer) as { compute: Record<string, { served_by: string }> };
      return ['sign', 'score', 'embed', 'run'].every((name) => compute[name]?.served_by === 'native') || undefined;
    });
    const { pid } = JSON.parse(await readFile(join(home, 'lock'), 'utf8')) as { pid: number };
    const key = JSON.parse(
      await call(node, 'POST', '/api/v1/api-keys', {
        label: 'bench',
        scopes: ['chat', 'embed', 'runs:write', 'runs:read'],
        unlimited_rate: true,
      }),
    ) as { token: string };
    return await work({ ...node, pid, key: key.token });
  } finally {
    await node.stop();
    await rm(home, { recursive: true, force: true });
  }
}

export interface BenchNode extends RunningNode {
  /** Of the server process. */
  readonly pid: number;
  /** A key that the rate limit leaves alone. */
  readonly key: string;
}

/** CPU seconds (user and system) that a process has used, by the kernel's account. */
export async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  const ticks_per_s = 100;
  return (Number(fields[11]) + Number(fields[12])) / ticks_per_s;
}

/** Resident memory of a process, MiB. */
export async function residentMiB(pid: number): Promise<number> {
  const line = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'));
  return Math.round(Number(line?.[1]) / 1024);
}

async function call(node: RunningNode, method: string, path: string, body?: unknown): Promise<string> {
  const answer = await fetch(`${node.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${node.owner_key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text;
}
