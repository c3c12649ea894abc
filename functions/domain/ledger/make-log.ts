import type { Now } from '../call.ts';
import type { LedgerCompute, LogClaim } from '../ports/ledger-compute.ts';
import type { Objects } from '../ports/objects.ts';
import type { Table } from '../ports/table.ts';
import { logObject } from './keys.ts';
import { waitingEntries } from './drain-pending.ts';
import { readLock, type LockRow } from './lock-row.ts';
import type { Log, LogHead } from './log.ts';
import type { LogIdentity } from './log-identity.ts';
import { logStore } from './log-store.ts';
import { tilePlace } from './tile-place.ts';

/**
 * Reads the published log. Of partial tiles only the widest is kept: a narrower one, which an older checkpoint spoke of, is
 * the beginning of it, and is cut from it.
 */
export function makeLog({
  table,
  objects,
  ledger,
  log: { origin, vkeys },
  now,
}: {
  table: Table;
  objects: Objects;
  ledger: LedgerCompute;
  log: Pick<LogIdentity, 'origin' | 'vkeys'>;
  now: Now;
}): Log {
  const store = logStore({ objects, ledger, vkeys });

  async function read(path: string): Promise<Uint8Array | undefined> {
    const exact = await objects.get(logObject(path));
    if (exact !== undefined) return exact.body;
    const tile = tileOf(path);
    if (tile?.width === undefined) return undefined;
    // Between the reading of the size and that of the tile a sealer may have widened it: once more, and once only.
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const size = (await store.checkpoint())?.size ?? 0;
      const width = Math.min(tile_width, Math.floor(size / tile_width ** tile.level) - tile.index * tile_width);
      if (width < tile.width) return undefined;
      const wider = await objects.get(logObject(width === tile_width ? tile.place : `${tile.place}.p/${width}`));
      if (wider !== undefined)
        return tile.is_bundle ? firstEntries(wider.body, tile.width) : wider.body.subarray(0, 32 * tile.width);
    }
    return undefined;
  }

  /** The bundle that holds this entry, as far as it is published. */
  async function bundleWith(index: number): Promise<Uint8Array | undefined> {
    const size = (await store.checkpoint())?.size ?? 0;
    if (index >= size) return undefined;
    const number = Math.floor(index / tile_width);
    const width = Math.min(tile_width, size - number * tile_width);
    return read(`tile/entries/${tilePlace(number)}${width === tile_width ? '' : `.p/${width}`}`);
  }

  async function prove(claim: LogClaim): Promise<Uint8Array | undefined> {
    const plan = await ledger.plan(claim);
    if (!plan.ok) return undefined;
    const tiles = await Promise.all(plan.paths.map(read));
    if (!tiles.every((tile) => tile !== undefined)) return undefined;
    const proved = await ledger.prove({ claim, tiles: Buffer.concat(tiles) });
    return proved.ok ? proved.proof : undefined;
  }

  return {
    origin,
    vkeys,

    async file(path) {
      if (path === 'checkpoint' || path === 'cosigned') {
        const object = await objects.get(logObject(path));
        return object === undefined ? undefined : { bytes: object.body, is_immutable: false };
      }
      if (tileOf(path) === undefined) return undefined;
      const bytes = await read(path);
      return bytes === undefined ? undefined : { bytes, is_immutable: true };
    },

    async entry(index) {
      const bundle = await bundleWith(index);
      return bundle === undefined ? undefined : entryIn(bundle, index % tile_width);
    },

    async entries(from) {
      const bundle = await bundleWith(from);
      return bundle === undefined ? [] : entriesFrom(bundle, from % tile_width);
    },

    async proof({ index, extra }) {
      const [published, cosigned] = await Promise.all([store.checkpoint(), store.cosigned()]);
      if (published === undefined || published.size <= index) return undefined;
      const isWitnessed = cosigned !== undefined && index < cosigned.size && cosigned.size <= published.size;
      const { size, note } = isWitnessed ? cosigned : published;
      const proof = await prove({ kind: 'inclusion', index, size });
      if (proof === undefined) return undefined;
      const head = `c2sp.org/tlog-proof@v1\nextra ${Buffer.from(extra).toString('base64')}\nindex ${index}\n`;
      return `${head}${base64Lines(proof)}\n${note}`;
    },

    published: () => store.checkpoint(),

    async consistency({ old, size }) {
      const published = await store.checkpoint();
      if (published === undefined || published.size < size || size < old) return undefined;
      return prove({ kind: 'consistency', old, size });
    },

    async head() {
      return headOf(await readLock({ table, now }));
    },

    async totals() {
      for (let attempt = 1; ; attempt += 1) {
        const before = await readLock({ table, now });
        const unsealed = await waitingEntries({ table, now });
        const after = await readLock({ table, now });
        const isQuiet = before.version === after.version && before.staged === after.staged;
        if (isQuiet || attempt === totals_attempts_max) return { ...headOf(before), unsealed };
      }
    },
  };
}

const totals_attempts_max = 5;

/** Until a commit is published its entries still wait. */
function headOf({ staged, committed_at, ...lock }: LockRow): LogHead {
  const checkpoint = committed_at === 0 ? {} : { checkpoint_at: committed_at };
  return staged === ''
    ? { size: lock.size, root: lock.root, counts: lock.counts, ...checkpoint }
    : { size: lock.from, root: lock.from_root, counts: lock.counts_before, ...checkpoint };
}

const tile_width = 256;
const tileForm = /^tile\/(entries|0|[1-9]\d?)\/((?:x\d{3}\/){0,6}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

interface TilePath {
  /** Path of the full tile. */
  readonly place: string;
  readonly level: number;
  readonly is_bundle: boolean;
  readonly index: number;
  /** Of a partial one. */
  readonly width?: number;
}

function tileOf(path: string): TilePath | undefined {
  const [, level, digits, width] = tileForm.exec(path) ?? [];
  if (level === undefined || digits === undefined) return undefined;
  const tile = {
    place: `tile/${level}/${digits}`,
    level: level === 'entries' ? 0 : Number(level),
    is_bundle: level === 'entries',
    index: Number(digits.replaceAll(/[x/]/g, '')),
  };
  if (width === undefined) return tile;
  return Number(width) < tile_width ? { ...tile, width: Number(width) } : undefined;
}

/** The first `count` entries of a bundle, which is the bundle of a narrower partial tile. */
export function firstEntries(bundle: Uint8Array, count: number): Uint8Array {
  let at = 0;
  for (let entry = 0; entry < count; entry += 1) at = endOf(bundle, at);
  return bundle.subarray(0, at);
}

function entriesFrom(bundle: Uint8Array, place: number): readonly Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let at = firstEntries(bundle, place).length; at < bundle.length; at = endOf(bundle, at)) {
    entries.push(bundle.slice(at + 2, endOf(bundle, at)));
  }
  return entries;
}

function entryIn(bundle: Uint8Array, place: number): Uint8Array {
  const start = firstEntries(bundle, place).length;
  return bundle.slice(start + 2, endOf(bundle, start));
}

function endOf(bundle: Uint8Array, at: number): number {
  return at + 2 + ((bundle[at] ?? 0) << 8) + (bundle[at + 1] ?? 0);
}

/** 32 bytes each, one a line. */
export function base64Lines(hashes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < hashes.length; at += 32) {
    lines.push(`${Buffer.from(hashes.subarray(at, at + 32)).toString('base64')}\n`);
  }
  return lines.join('');
}
