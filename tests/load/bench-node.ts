import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../functions/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../functions/adapters/sqlite/sqlite-table.ts';
import { openNode } from '../../functions/assembly/open-node.ts';
import { readSettings } from '../../functions/assembly/read-settings.ts';
import { apiKeyRow } from '../../functions/domain/api-keys/keys.ts';
import { repository, startNode, waitFor, type RunningNode } from '../e2e/running-node.ts';

/** A node of its own whose native parts have been taken up; ended and removed afterwards. */
export async function withNode<T>(
  environment: Readonly<Record<string, string>>,
  work: (node: BenchNode) => Promise<T>,
): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), 'signet-bench-'));
  await makeUnlimitedOwner(home);
  const node = await startNode({ home, environment });
  try {
    await waitFor('the native parts', async () => {
      const answer = await read(node, '/api/v1/status');
      const { compute } = JSON.parse(answer) as { compute: Record<string, { served_by: string }> };
      return ['sign', 'score', 'embed', 'run'].every((name) => compute[name]?.served_by === 'native') || undefined;
    });
    const { pid } = JSON.parse(await readFile(join(home, 'lock'), 'utf8')) as { pid: number };
    return await work({ ...node, pid, key: node.owner_key });
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

/** No route makes a key that the rate limit leaves alone: in this new home the owner's becomes one before the node starts. */
export async function makeUnlimitedOwner(home: string): Promise<void> {
  const environment = { SIGNET_HOME: home, SIGNET_LOG: 'silent' };
  const node = await openNode({
    settings: await readSettings({ environment }),
    environment,
    build_folder: join(home, 'nothing-built'),
    repository,
    tell: () => undefined,
  });
  await node.close();
  const token = (await readFile(node.owner_key.path, 'utf8')).trim();
  const db = await openDatabase({ path: join(home, 'signet.db') });
  try {
    const key = apiKeyRow(token.split('_')[1] ?? '');
    const conditions = [{ kind: 'exists' as const }];
    await sqliteTable(db).write({ kind: 'update', key, set: { unlimited_rate: true }, conditions }, Date.now());
  } finally {
    await db.close();
  }
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

async function read(node: RunningNode, path: string): Promise<string> {
  const answer = await fetch(`${node.url}${path}`, { headers: { authorization: `Bearer ${node.owner_key}` } });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${text}`);
  return text;
}
