import type { LedgerCompute, LogFile, TreeHead } from '../ports/ledger-compute.ts';
import type { Objects } from '../ports/objects.ts';
import { logObject } from './keys.ts';
import { LedgerHaltedError } from './ledger-halted.ts';

/** Files of the log in the object store. */
export interface LogStore {
  /** Undefined when there is none yet; a checkpoint that is not ours halts the log. */
  checkpoint(): Promise<StoredCheckpoint | undefined>;
  /** The newest that carries cosignatures; it is no larger than the published one, and may be smaller. */
  cosigned(): Promise<StoredCheckpoint | undefined>;
  /** The bytes of these files, one behind the other; undefined when one is missing. */
  concatenated(paths: readonly string[]): Promise<Uint8Array | undefined>;
  /** Bundle with the entries under the partial tile of level 0; empty when the tree has no such tile. */
  openBundle(edge: readonly string[]): Promise<Uint8Array | undefined>;
  /** Writes what is not there; what is there must be the same. */
  add(file: LogFile): Promise<void>;
}

export type StoredCheckpoint = TreeHead & { readonly note: string; readonly etag: string };

export function logStore({
  objects,
  ledger,
  vkeys,
}: {
  objects: Objects;
  ledger: LedgerCompute;
  vkeys: readonly string[];
}): LogStore {
  async function concatenated(paths: readonly string[]): Promise<Uint8Array | undefined> {
    const found = await Promise.all(paths.map((path) => objects.get(logObject(path))));
    const bodies = found.map((object) => object?.body);
    return bodies.every((body) => body !== undefined) ? Buffer.concat(bodies) : undefined;
  }

  async function opened(path: string): Promise<StoredCheckpoint | undefined> {
    const object = await objects.get(logObject(path));
    if (object === undefined) return undefined;
    const note = new TextDecoder().decode(object.body);
    const checkpoint = await ledger.openCheckpoint({ note, vkeys });
    if (!checkpoint.ok) throw new LedgerHaltedError(`the published ${path} is not ours (\`${checkpoint.code}\`)`);
    return { origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root, note, etag: object.etag };
  }

  return {
    concatenated,

    checkpoint: () => opened('checkpoint'),
    cosigned: () => opened('cosigned'),

    async openBundle(edge) {
      const lowest = edge[0];
      return lowest?.startsWith('tile/0/') === true ? concatenated([bundlePath(lowest)]) : new Uint8Array();
    },

    async add({ path, bytes }) {
      const put = await objects.put(logObject(path), bytes, { ifAbsent: true });
      if (put.kind === 'written') return;
      const there = await objects.get(logObject(path));
      if (there === undefined || Buffer.compare(there.body, bytes) === 0) return;
      throw new LedgerHaltedError(`\`${path}\` has other bytes than the committed entries give`);
    },
  };
}

/** The bundle of a tile of level 0. */
export function bundlePath(tile: string): string {
  return tile.replace('tile/0/', 'tile/entries/');
}
