import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The addon that was built in this checkout, for tests and benchmarks: the published one, else cargo's own. A running
 * node takes the path from its assembly.
 */
export function findAddon(): string | undefined {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  return [
    published(join(root, '.signet-build/native')),
    join(root, 'rust-lambdas/target/release/libsignet_node.so'),
  ].find((path) => path !== undefined && existsSync(path));
}

function published(folder: string): string | undefined {
  try {
    const manifest: { folder: string } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    return join(folder, manifest.folder, 'signet.node');
  } catch {
    return undefined;
  }
}
