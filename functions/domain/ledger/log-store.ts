import type { LedgerCompute, LogFile, TreeHead } from '../ports/ledger-compute.ts';
import type { Objects } from '../ports/objects.ts';
import { logObject } from './keys.ts';
import { LedgerHaltedError } from './ledger-halted.ts';

/** Files of the log in the object store. */
export interface LogStore {
  /** Undefined when there is none yet; a checkpoint that is not ours halts the log. */
  checkpoint(): Promise<(TreeHead & { readonly note: string; readonly etag: string }) | undefined>;
  /** The bytes of these files, one behind the other; undefined when one is missing. */
  concatenated(paths: readonly string[]): Promise<Uint8Array | undefined>;
  /** Bundle with the entries under the partial tile of level 0; empty when the tree has no such tile. */
  openBundle(edge: readonly string[]): Promise<Uint8Array | undefined>;
  /** Writes what is not there; what is there must be the same. */
  add(file: LogFile): Promise<void>;
}

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

  return {
    concatenated,

    async checkpoint() {
      const object = await objects.get(logObject('checkpoint'));
      if (object === undefined) return undefined;
      const note = new TextDecoder().decode(object.body);
      const opened = await ledger.openCheckpoint({ note, vkeys });
      if (!opened.ok) throw new LedgerHaltedError(`the published checkpoint is not ours (\`${opened.code}\`)`);
      return { origin: opened.origin, size: opened.size, root: opened.root, note, etag: object.etag };
    },

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
