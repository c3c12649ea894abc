import { join } from 'node:path';
import { openNode } from '@signet/functions/assembly/open-node.ts';
import { readSettings } from '@signet/functions/assembly/read-settings.ts';
import type { Call } from '@signet/functions/domain/call.ts';
import { isSignetError } from '@signet/functions/domain/errors.ts';
import { CommandFailure, exitForCode, exits, startFailed } from './failure.ts';
import type { GlobalOptions } from './global-options.ts';
import { ownerKey, type NodeAccess } from './node-access.ts';
import { buildFolder, repository } from './places.ts';
import type { Terminal } from './terminal.ts';

/** Opens the home in this process, without listening: what `signet run` does when no node runs. */
export async function homeNode(options: GlobalOptions, terminal: Terminal): Promise<NodeAccess> {
  const settings = await readSettings({
    // The script's output is what is wanted here; the node's own log only when asked for.
    environment: { SIGNET_LOG: 'error', ...terminal.environment },
    overrides: { home: options.home },
  }).catch((error: unknown) => startFailed(error, options.home));
  const node = await openNode({
    settings,
    environment: terminal.environment,
    build_folder: buildFolder,
    repository,
    tell: (line) => terminal.progress(`signet: ${line}`),
  }).catch((error: unknown) => startFailed(error, options.home));
  const gone = new AbortController();
  try {
    await node.artefacts.look();
    const token = options.key ?? (await ownerKey(options.home));
    const principal = token === undefined ? undefined : await node.services.apiKeys.authenticate(token);
    if (principal === undefined) {
      const place = options.key === undefined ? join(options.home, 'owner.key') : '--key';
      throw new CommandFailure({ exit: exits.failed, message: `expected a valid key in ${place}` });
    }
    node.startWork();
    const { services } = node;
    const { runs } = services;
    const call = (): Call => {
      let n = 0;
      return { principal, request_id: services.newId(), nextStatement: () => n++, depth: 0, signal: gone.signal };
    };
    return {
      where: options.home,
      startRun: async (request) => (await runs.create(call(), request).catch(failed)).value,
      runEvents: (id, after) => follow(id, after),
      run: (id) => runs.get(call(), { id }).catch(failed),
      async cancelRun(id) {
        await runs.cancel(call(), id).catch(failed);
      },
      status: () => services.status(call()).catch(failed),
      async witness() {
        const { witness } = services;
        return witness === undefined ? { logs: [] } : { ...(await witness.facts()), logs: await witness.logs() };
      },
      async close() {
        gone.abort();
        await node.close();
      },
    };

    async function* follow(id: string, after: number) {
      yield* await runs.events(call(), { id, after }).catch(failed);
    }
  } catch (error) {
    await node.close();
    throw error;
  }
}

function failed(error: unknown): never {
  if (isSignetError(error)) {
    const { code, detail, retry_after_s } = error.public;
    const advice = retry_after_s === undefined ? '' : `; try again in ${retry_after_s} s`;
    throw new CommandFailure({ exit: exitForCode(code), message: `${code}: ${detail}${advice}` }, { cause: error });
  }
  throw error;
}
