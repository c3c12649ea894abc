import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A path in a built artefact (`lambdas-host`, `functions`, …); undefined where it is not built. */
export function builtPath(artefact: string, path: string): string | undefined {
  const home = join(import.meta.dirname, '../../../.signet-build', artefact);
  try {
    const { folder } = JSON.parse(readFileSync(join(home, 'manifest.json'), 'utf8')) as { folder: string };
    return join(home, folder, path);
  } catch {
    return undefined;
  }
}
