import { openNode, type OpenedNode } from '@signet/functions/assembly/open-node.ts';
import { readSettings } from '@signet/functions/assembly/read-settings.ts';
import { CommandFailure, exits, startFailed } from './failure.ts';
import type { GlobalOptions } from './global-options.ts';
import { buildFolder, repository } from './places.ts';
import type { Terminal } from './terminal.ts';

/** Work that needs the root key: the home is opened for it, so the node must not run. */
export async function inOpenedHome<T>(
  globals: GlobalOptions,
  terminal: Terminal,
  change: (node: OpenedNode) => Promise<T>,
): Promise<T> {
  if (globals.url !== undefined) {
    throw new CommandFailure({
      exit: exits.usage,
      message: "expected a home on this machine: a node's root key does not leave its owner's",
    });
  }
  const { environment } = terminal;
  const settings = await readSettings({
    environment: { SIGNET_LOG: 'error', ...environment },
    overrides: { home: globals.home },
  }).catch((error: unknown) => startFailed(error, globals.home));
  const node = await openNode({
    settings,
    environment,
    build_folder: buildFolder,
    repository,
    tell: (line) => terminal.progress(`signet: ${line}`),
  }).catch((error: unknown) => startFailed(error, globals.home));
  try {
    return await change(node).catch((error: unknown) => startFailed(error, globals.home));
  } finally {
    await node.close();
  }
}
