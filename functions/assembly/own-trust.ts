import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Pins this home's own node in `trust/self.json`, so that `signet verify` on this machine knows whom it means. */
export async function pinOwnNode(request: { home: string; node_id: string; now: () => number }): Promise<void> {
  const folder = join(request.home, 'trust');
  const path = join(folder, 'self.json');
  const pinned = await readFile(path, 'utf8').catch(() => '');
  if (pinned.includes(request.node_id)) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const partial = `${path}.partial`;
  const pin = { node_id: request.node_id, pinned_at: new Date(request.now()).toISOString() };
  await writeFile(partial, `${JSON.stringify(pin, null, 2)}\n`, { mode: 0o600 });
  await rename(partial, path);
}
