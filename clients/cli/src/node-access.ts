import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readLock } from '@signet/functions/adapters/files/lock-home.ts';
import type { NodeStatus } from '@signet/functions/domain/node/status.ts';
import type { Run, RunEvent, RunRequest } from '@signet/functions/domain/runs/runs.ts';
import type { WitnessedLog, WitnessFacts } from '@signet/functions/domain/witness/witness.ts';
import { CommandFailure, exits } from './failure.ts';
import type { GlobalOptions } from './global-options.ts';
import { httpNode } from './http-node.ts';

/** A node that a command may ask, over HTTP or in this process. Its failures are `CommandFailure`. */
export interface NodeAccess {
  /** How it is reached, for people. */
  readonly where: string;
  startRun(request: RunRequest): Promise<Run>;
  /** Stored events after `after`, then live ones until `done`. */
  runEvents(id: string, after: number): AsyncIterable<RunEvent>;
  run(id: string): Promise<Run>;
  cancelRun(id: string): Promise<void>;
  status(): Promise<NodeStatus>;
  /** Its own witness: name and key, and what it cosigned. */
  witness(): Promise<WitnessReport>;
  close(): Promise<void>;
}

export type WitnessReport = Partial<WitnessFacts> & { readonly logs: readonly WitnessedLog[] };

/** The node that `--url` names, or the one that runs on the home; undefined when there is none. */
export async function runningNode(options: GlobalOptions): Promise<NodeAccess | undefined> {
  const address = await nodeAddress(options);
  return address === undefined ? undefined : httpNode({ url: address.url, key: address.token });
}

/** The same by its address, and the key for it. */
export async function nodeAddress(options: GlobalOptions): Promise<{ url: string; token: string } | undefined> {
  if (options.url !== undefined) {
    const token = options.key ?? (await ownerKey(options.home));
    if (token === undefined) {
      throw new CommandFailure({ exit: exits.usage, message: `expected --key for ${options.url}` });
    }
    return { url: options.url, token };
  }
  const owner = await readLock(options.home);
  if (owner === undefined) return undefined;
  if (owner.port === undefined) {
    throw new CommandFailure({
      exit: exits.failed,
      message: `process ${owner.pid} has ${options.home} open and does not listen; wait until it has ended`,
    });
  }
  const token = options.key ?? (await ownerKey(options.home));
  if (token === undefined) {
    throw new CommandFailure({
      exit: exits.failed,
      message: `expected the owner's key in ${join(options.home, 'owner.key')}; give --key`,
    });
  }
  return { url: addressOf(owner.host ?? '127.0.0.1', owner.port), token };
}

/** A node that listens on every address is asked on this machine's own. */
function addressOf(host: string, port: number): string {
  const own = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  return `http://${own.includes(':') ? `[${own}]` : own}:${port}`;
}

export async function ownerKey(home: string): Promise<string | undefined> {
  try {
    return (await readFile(join(home, 'owner.key'), 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CommandFailure({
      exit: exits.failed,
      message: `expected to read ${join(home, 'owner.key')}: ${(error as Error).message}`,
    });
  }
}
