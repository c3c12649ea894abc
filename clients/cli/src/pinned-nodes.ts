import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandFailure, exits } from './failure.ts';

/** The ids of the nodes that `trust/*.json` of a home pins. */
export async function pinnedNodes(home: string): Promise<readonly string[]> {
  const folder = join(home, 'trust');
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return await Promise.all(
    names.filter((name) => name.endsWith('.json')).map((name) => pinnedNode(join(folder, name))),
  );
}

async function pinnedNode(path: string): Promise<string> {
  try {
    const pin = JSON.parse(await readFile(path, 'utf8')) as { node_id?: unknown };
    if (typeof pin.node_id === 'string') return pin.node_id;
  } catch (error) {
    throw new CommandFailure({ exit: exits.usage, message: `expected JSON in ${path}: ${(error as Error).message}` });
  }
  throw new CommandFailure({ exit: exits.usage, message: `expected a \`node_id\` in ${path}` });
}
