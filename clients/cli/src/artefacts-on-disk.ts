import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { artefactState, type ArtefactManifest, type ArtefactName } from '@signet/functions/assembly/artefacts.ts';

export type ArtefactCheck =
  | { readonly kind: 'good'; readonly manifest: ArtefactManifest; readonly folder: string }
  | { readonly kind: 'changed'; readonly file: string; readonly reason: string }
  | { readonly kind: 'building'; readonly step: string; readonly ready_in_s: number }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'absent' };

/** An artefact as its manifest says, with every file's bytes hashed again. */
export async function checkArtefact(build_folder: string, name: ArtefactName): Promise<ArtefactCheck> {
  const state = artefactState({ build_folder, name, now: Date.now() });
  if (state.kind !== 'ready') return state;
  for (const [file, { sha256 }] of Object.entries(state.manifest.files)) {
    const found = await fileSha256(join(state.folder, file)).catch((error: NodeJS.ErrnoException) => error);
    if (found instanceof Error) return { kind: 'changed', file, reason: found.code ?? found.message };
    if (found !== sha256) return { kind: 'changed', file, reason: `expected SHA-256 ${sha256}, got ${found}` };
  }
  return { kind: 'good', manifest: state.manifest, folder: state.folder };
}

async function fileSha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
