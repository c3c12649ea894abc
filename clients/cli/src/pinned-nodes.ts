import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '@signet/functions/domain/json.ts';
import type { Pin, SeenCheckpoint } from '@signet/functions/domain/verify/pin.ts';
import { CommandFailure, exits } from './failure.ts';

/** The ids of the nodes that `trust/*.json` of a home pins. */
export async function pinnedNodes(home: string): Promise<readonly string[]> {
  return (await readPins(home)).map(({ node_id }) => node_id);
}

/** Whom a home trusts, with the newest checkpoint of each that was accepted here. */
export async function readPins(home: string): Promise<readonly Pin[]> {
  const folder = join(home, 'trust');
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const files = names.filter((name) => name.endsWith('.json')).toSorted();
  return await Promise.all(
    files.map(async (name) => {
      const pin = readPin(await readFile(join(folder, name), 'utf8'), join(folder, name));
      const newest = await readSeen(home, pin.node_id);
      return newest === undefined ? pin : { ...pin, newest };
    }),
  );
}

/** A pin as text; `where` names it in the refusal. */
export function readPin(text: string, where: string): Pin {
  const refuse = (message: string): CommandFailure => new CommandFailure({ exit: exits.usage, message });
  let value: JsonObject;
  try {
    value = JSON.parse(text) as JsonObject;
  } catch (error) {
    throw refuse(`expected JSON in ${where}: ${(error as Error).message}`);
  }
  const { node_id, documents = [], policy } = value;
  if (typeof node_id !== 'string') throw refuse(`expected a \`node_id\` in ${where}`);
  if (!Array.isArray(documents) || !documents.every(isObject)) {
    throw refuse(`expected a list of node documents in ${where}`);
  }
  if (policy !== undefined && typeof policy !== 'string') throw refuse(`expected a text as \`policy\` in ${where}`);
  return policy === undefined ? { node_id, documents } : { node_id, documents, policy };
}

/** Keeps a pin in a file named after its node; one that was there is replaced in one step. */
export async function writePin(home: string, { node_id, documents, policy }: Pin, now: number): Promise<string> {
  const path = join(home, 'trust', `${nameOf(node_id)}.json`);
  const pin = { node_id, pinned_at: new Date(now).toISOString(), documents };
  await replace(path, policy === undefined ? pin : { ...pin, policy });
  return path;
}

/** Remembers a checkpoint that was accepted, unless a larger one is remembered. */
export async function rememberCheckpoint(home: string, node_id: string, seen: SeenCheckpoint): Promise<void> {
  const before = await readSeen(home, node_id);
  if (before !== undefined && before.size >= seen.size) return;
  await replace(seenPath(home, node_id), { size: seen.size, root: seen.root });
}

async function readSeen(home: string, node_id: string): Promise<SeenCheckpoint | undefined> {
  const path = seenPath(home, node_id);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const seen = seenOf(text);
  // Said, not passed over: to forget is what a log that was rolled back would want.
  if (seen === undefined)
    throw new CommandFailure({ exit: exits.usage, message: `expected {"size", "root"} in ${path}` });
  return seen;
}

function seenOf(text: string): SeenCheckpoint | undefined {
  try {
    const { size, root } = JSON.parse(text) as { size?: unknown; root?: unknown };
    return typeof size === 'number' && typeof root === 'string' ? { size, root } : undefined;
  } catch {
    return undefined;
  }
}

function seenPath(home: string, node_id: string): string {
  return join(home, 'trust', 'seen', `${nameOf(node_id)}.json`);
}

function nameOf(node_id: string): string {
  return createHash('sha256').update(node_id).digest('hex').slice(0, 16);
}

async function replace(path: string, value: object): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
  await writeFile(`${path}.partial`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.partial`, path);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
