import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What `scripts/build-artefacts.mjs` publishes by one atomic rename. */
export interface ArtefactManifest {
  readonly name: string;
  readonly inputs_sha256: string;
  readonly folder: string;
  readonly files: { readonly [path: string]: { readonly sha256: string; readonly bytes: number } };
  readonly built_at: string;
}

export type ArtefactName = 'native' | 'script-image' | 'models';

export type ArtefactState =
  | { readonly kind: 'ready'; readonly manifest: ArtefactManifest; readonly folder: string }
  | { readonly kind: 'building'; readonly step: string; readonly ready_in_s: number }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'absent' };

/** What is there of an artefact now. An older ready one serves while a newer one is being built. */
export function artefactState(request: { build_folder: string; name: ArtefactName; now: number }): ArtefactState {
  const home = join(request.build_folder, request.name);
  const manifest = readJson(join(home, 'manifest.json')) as ArtefactManifest | undefined;
  if (manifest !== undefined) return { kind: 'ready', manifest, folder: join(home, manifest.folder) };
  const progress = readJson(join(home, 'progress.json')) as
    | { step: string; started_at: number; estimate_s: number; pid?: number }
    | undefined;
  if (progress !== undefined && isAlive(progress.pid)) {
    const elapsed_s = (request.now - progress.started_at) / 1000;
    return {
      kind: 'building',
      step: progress.step,
      ready_in_s: Math.max(5, Math.round(progress.estimate_s - elapsed_s)),
    };
  }
  const failed = readJson(join(home, 'failed.json')) as { reason: string } | undefined;
  return failed === undefined ? { kind: 'absent' } : { kind: 'failed', reason: failed.reason };
}

/** A builder that was killed leaves its progress behind; without a process id it is believed. */
function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return true;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
