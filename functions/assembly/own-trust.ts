import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../domain/json.ts';

/**
 * Pins this home's own node in `trust/self.json` with the chain of its documents, so that `signet verify` on this machine
 * knows whom it means and which of its keys were rotated or revoked. Written when the chain has grown, and only then; a
 * policy that its owner wrote into the file stays.
 */
export async function pinOwnNode(request: {
  home: string;
  documents: readonly JsonObject[];
  now: () => number;
}): Promise<void> {
  const { documents } = request;
  const folder = join(request.home, 'trust');
  const path = join(folder, 'self.json');
  const node_id = documents[0]?.['id'] as string;
  if (typeof node_id !== 'string') throw new TypeError('expected the chain of a node, got one without an id');
  const pinned = readPin(await readFile(path, 'utf8').catch(() => ''));
  if (pinned?.node_id === node_id && (pinned.documents?.length ?? 0) >= documents.length) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const partial = `${path}.partial`;
  const policy = pinned?.node_id === node_id && pinned.policy !== undefined ? { policy: pinned.policy } : {};
  const pin = { node_id, pinned_at: new Date(request.now()).toISOString(), documents, ...policy };
  await writeFile(partial, `${JSON.stringify(pin, null, 2)}\n`, { mode: 0o600 });
  await rename(partial, path);
}

/** Undefined for a file that is none of ours: it is written anew. */
function readPin(
  text: string,
): { readonly node_id?: unknown; readonly documents?: readonly unknown[]; readonly policy?: unknown } | undefined {
  try {
    const { node_id, documents, policy } = JSON.parse(text) as {
      node_id?: unknown;
      documents?: unknown;
      policy?: unknown;
    };
    return { node_id, policy, ...(Array.isArray(documents) ? { documents } : {}) };
  } catch {
    return undefined;
  }
}
