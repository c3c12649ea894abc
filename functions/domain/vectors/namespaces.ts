import type { Now } from '../call.ts';
import { allPages } from '../ports/all-rows.ts';
import type { Objects } from '../ports/objects.ts';
import type { AppendedRow, SegmentCompute, SegmentHandle, ViewHandle } from '../ports/segment-compute.ts';
import type { Table } from '../ports/table.ts';
import type { StoredCollection } from './collections.ts';
import { readDelta } from './delta-row.ts';
import type { FindSegment } from './find-segment.ts';
import { readHead, type Head } from './head.ts';
import { inTurn, shared } from './in-turn.ts';
import { deltaRange, headKey, manifestKey, partition, segmentObject } from './keys.ts';
import { noManifest, readManifest, type Manifest } from './manifest.ts';
import { damaged } from './refused-input.ts';

/** One namespace of one collection, and what of it is in memory. */
export interface Namespace {
  readonly pk: string;
  readonly tenant: string;
  readonly name: string;
  readonly collection: StoredCollection;
  /** Brings the view up to the head, read strongly; undefined, and nothing is kept, where nothing was ever written. */
  follow(): Promise<Followed | undefined>;
  /** Takes in rows that were just written, unless a look at the table did so already. */
  absorb(rows: readonly AppendedRow[], head: Head): Promise<void>;
  /** The view cannot be trusted or is not wanted any more: the next look opens a new one. */
  forget(): Promise<void>;
}

/** The namespace as of a head. Its view stays open until `release`; later writes may come in meanwhile. */
export interface Followed {
  readonly head: Head;
  readonly manifest: Manifest;
  readonly compute: SegmentCompute;
  readonly view: ViewHandle;
  /** In the order of the manifest. */
  readonly segments: readonly SegmentHandle[];
  release(): void;
}

export interface Namespaces {
  open(tenant: string, collection: StoredCollection, name: string): Namespace;
  forget(pk: string): Promise<void>;
}

/**
 * Namespaces in memory as views, the least recently used closed when all together take over `bytes_max` (one alone may
 * be larger). Each follows its head, so a query reads the head and what was written since, never all rows again.
 */
export function makeNamespaces({
  table,
  objects,
  compute,
  findSegment,
  now,
  bytes_max,
}: {
  table: Table;
  objects: Objects;
  /** What serves now; a view belongs to the adapter that opened it. */
  compute: () => SegmentCompute;
  findSegment: FindSegment;
  now: Now;
  bytes_max: number;
}): Namespaces {
  /** In the order of use, the newest last. */
  const held = new Map<string, Namespace>();

  /** Closes what was used least, until the rest fits. */
  async function makeRoom(newest: Namespace): Promise<void> {
    held.delete(newest.pk);
    held.set(newest.pk, newest);
    const serving = compute();
    for (const oldest of held.values()) {
      if (oldest === newest || (await serving.residentBytes()) <= bytes_max) return;
      await drop(oldest);
    }
  }

  async function drop(namespace: Namespace): Promise<void> {
    if (held.get(namespace.pk) === namespace) held.delete(namespace.pk);
    await namespace.forget();
  }

  return {
    open(tenant, collection, name) {
      const pk = partition(tenant, collection.id, name);
      const known = held.get(pk);
      if (known !== undefined) return known;
      const namespace = holdNamespace({
        table,
        objects,
        compute,
        findSegment,
        now,
        place: { pk, tenant, name, collection },
        // Only what exists is held: names that were merely asked for are anybody's to invent.
        onOpened: () => makeRoom(namespace),
        onGone: () => void held.delete(pk),
      });
      return namespace;
    },
    async forget(pk) {
      const namespace = held.get(pk);
      if (namespace !== undefined) await drop(namespace);
    },
  };
}

interface OpenView {
  readonly compute: SegmentCompute;
  readonly manifest: Manifest;
  readonly segments: readonly SegmentHandle[];
  readonly view: ViewHandle;
  head: Head;
  /** Who searches it now; what is retired is closed by the last of them. */
  users: number;
  retired: boolean;
  isClosed: boolean;
}

function holdNamespace({
  table,
  objects,
  compute,
  findSegment,
  now,
  place,
  onOpened,
  onGone,
}: {
  table: Table;
  objects: Objects;
  compute: () => SegmentCompute;
  findSegment: FindSegment;
  now: Now;
  place: Pick<Namespace, 'pk' | 'tenant' | 'name' | 'collection'>;
  onOpened: () => Promise<void>;
  onGone: () => void;
}): Namespace {
  const { pk, collection } = place;
  const turn = inTurn();
  let open: OpenView | undefined;

  async function look(): Promise<OpenView | undefined> {
    for (;;) {
      const item = await table.get(headKey(pk), now());
      if (item === undefined) {
        await retire();
        onGone();
        return undefined;
      }
      const head = readHead(item);
      const serving = compute();
      const isCurrent = open?.compute === serving && open.manifest.generation === head.generation;
      if (!isCurrent && !(await openAnew(serving, head))) continue;
      if (open !== undefined && (await catchUp(open, head))) {
        if (!isCurrent) await onOpened();
        return open;
      }
    }
  }

  /** False where the head has moved on meanwhile, so that what it named may be gone. */
  async function openAnew(serving: SegmentCompute, head: Head): Promise<boolean> {
    const item = head.generation === 0 ? {} : await table.get(manifestKey(pk, head.generation), now());
    const manifest = head.generation === 0 ? noManifest : item === undefined ? undefined : readManifest(item);
    const opened = manifest === undefined ? undefined : await openView(serving, manifest);
    if (manifest === undefined || opened === undefined) {
      if (await isStill(head)) throw damaged(`generation ${head.generation} names an object that is not there`);
      return false;
    }
    await retire();
    open = {
      compute: serving,
      manifest,
      ...opened,
      head: { ...head, seq: manifest.compacted_seq },
      users: 0,
      retired: false,
      isClosed: false,
    };
    return true;
  }

  async function openView(
    serving: SegmentCompute,
    manifest: Manifest,
  ): Promise<{ segments: readonly SegmentHandle[]; view: ViewHandle } | undefined> {
    const segments: SegmentHandle[] = [];
    const listed: { segment: SegmentHandle; tombstones?: Uint8Array }[] = [];
    let view: ViewHandle | undefined;
    try {
      for (const { name, open_len, dead } of manifest.segments) {
        const source = await findSegment(segmentObject(place, name));
        const tombstones = dead === undefined ? undefined : await objects.get(segmentObject(place, dead.name));
        if (source === undefined || (dead !== undefined && tombstones === undefined)) return undefined;
        const { segment } = await serving.openSegment({ name, open_len, source });
        segments.push(segment);
        listed.push({ segment, ...(tombstones === undefined ? {} : { tombstones: tombstones.body }) });
      }
      const { metric, dimension, rows, text } = collection;
      view = await serving.openView({ metric, dimension, rows, text, segments: listed });
      return { segments, view };
    } finally {
      if (view === undefined) await Promise.all(segments.map((segment) => serving.closeSegment(segment)));
    }
  }

  /** False where rows are missing because a compaction took them away meanwhile. */
  async function catchUp(state: OpenView, head: Head): Promise<boolean> {
    let seq = state.head.seq;
    if (head.seq > seq) {
      let found = 0;
      for await (const page of allPages(table, { ...deltaRange(pk, seq + 1, head.seq), limit: 1000 }, now)) {
        await append(
          state,
          page.map(({ item }) => readDelta(item, collection.dimension)),
        );
        found += page.length;
      }
      // Each write has one row; namespaces of the time before segments have gaps where rows were replaced.
      if (found < head.seq - seq && !(await isStill(head))) return false;
      seq = head.seq;
    }
    // A head that was read before a write of our own came in says less than we know.
    if (seq >= state.head.seq) state.head = head;
    return true;
  }

  async function append(state: OpenView, rows: readonly AppendedRow[]): Promise<void> {
    const last = rows.at(-1);
    if (last === undefined) return;
    try {
      await state.compute.appendRows(state.view, rows);
      state.head = { ...state.head, seq: last.seq };
    } catch (error) {
      // Nobody knows what of it is in.
      await retire();
      throw error;
    }
  }

  async function isStill({ generation }: Head): Promise<boolean> {
    const item = await table.get(headKey(pk), now());
    return item !== undefined && readHead(item).generation === generation;
  }

  async function retire(): Promise<void> {
    const state = open;
    open = undefined;
    if (state === undefined) return;
    state.retired = true;
    // Whoever was just given this view begins to use it in this turn of the event loop, not later.
    await new Promise(setImmediate);
    await closeUnused(state);
  }

  function use(state: OpenView): Followed {
    const { head, manifest, compute: serving, view, segments } = state;
    state.users += 1;
    let isReleased = false;
    return {
      head,
      manifest,
      compute: serving,
      view,
      segments,
      release() {
        if (isReleased) return;
        isReleased = true;
        state.users -= 1;
        void closeUnused(state).catch(() => undefined);
      },
    };
  }

  const lookOnce = shared(() => turn(look));

  return {
    ...place,
    async follow() {
      const state = await lookOnce();
      return state === undefined ? undefined : use(state);
    },
    absorb: (rows, head) =>
      turn(async () => {
        if (open === undefined || open.manifest.generation !== head.generation) return;
        const { seq } = open.head;
        const fresh = rows.filter((row) => row.seq > seq);
        if (fresh[0] !== undefined && fresh[0].seq !== seq + 1) return;
        await append(open, fresh);
        if (open !== undefined && head.seq >= open.head.seq) open.head = head;
      }),
    forget: () => turn(retire),
  };
}

async function closeUnused(state: OpenView): Promise<void> {
  if (!state.retired || state.users > 0 || state.isClosed) return;
  state.isClosed = true;
  await state.compute.closeView(state.view);
  await Promise.all(state.segments.map((segment) => state.compute.closeSegment(segment)));
}
