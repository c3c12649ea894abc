import type { NewId, Now } from '../call.ts';
import { allRows } from '../ports/all-rows.ts';
import type { DigestCompute } from '../ports/compute.ts';
import { deleteRows, type KeyedBytes } from '../ports/delete-rows.ts';
import { digestOne } from '../ports/digest-one.ts';
import type { Objects } from '../ports/objects.ts';
import type { AppendedRow, BuiltSegment } from '../ports/segment-compute.ts';
import type { Item, Operation, Table } from '../ports/table.ts';
import type { CompactionRules } from './compaction-rules.ts';
import { readDelta } from './delta-row.ts';
import { deltaRange, garbageKey, headKey, manifestKey, segmentObject } from './keys.ts';
import { manifestItem, objectsOf, type Manifest, type ManifestSegment } from './manifest.ts';
import type { Followed, Namespace } from './namespaces.ts';
import { planCompaction, type CompactionPlan } from './plan-compaction.ts';

export interface CompactionParts {
  readonly table: Table;
  readonly objects: Objects;
  readonly digest: DigestCompute;
  readonly now: Now;
  readonly newId: NewId;
  readonly rules: CompactionRules;
}

/**
 * One step towards few segments without dead rows: builds a segment, swaps the manifest, removes what it replaced. The swap
 * is one transaction on the head's generation and is all the safety there is: of two at once one wins, and whoever dies
 * leaves objects that are deleted a day later, or rows that the next one deletes.
 *
 * @param takesDelta whether rows that are not in a segment yet become one
 * @returns `overtaken` where the namespace changed its manifest, or is gone, meanwhile
 */
export async function compactNamespace(
  parts: CompactionParts,
  namespace: Namespace,
  { takesDelta }: { takesDelta: boolean },
): Promise<'compacted' | 'nothing' | 'overtaken'> {
  const followed = await namespace.follow();
  if (followed === undefined) return 'nothing';
  try {
    const delta = takesDelta ? await readDeltas(parts, namespace, followed) : { rows: [], bytes: 0 };
    const plan = planCompaction(followed.manifest, delta.rows.length, {
      ...parts.rules,
      keepsRows: namespace.collection.rows !== 'none',
    });
    if (plan === undefined) return 'nothing';
    const made = await makeManifest(parts, namespace, { followed, plan, rows: delta.rows });
    const swapped = await publish(parts, namespace, { followed, ...made, delta_bytes: delta.bytes });
    if (!swapped) return 'overtaken';
    await removeDeltas(parts, namespace.pk, made.manifest.compacted_seq);
    return 'compacted';
  } finally {
    followed.release();
  }
}

async function readDeltas(
  { table, now }: CompactionParts,
  { pk, collection }: Namespace,
  { head, manifest }: Followed,
): Promise<{ rows: readonly AppendedRow[]; bytes: number }> {
  const rows: AppendedRow[] = [];
  let bytes = 0;
  const range = deltaRange(pk, manifest.compacted_seq + 1, head.seq);
  for await (const { item } of allRows(table, { ...range, limit: 1000 }, now)) {
    rows.push(readDelta(item, collection.dimension));
    bytes += bytesOf(item);
  }
  return { rows, bytes };
}

interface NewObject {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The manifest after the plan, and the objects that it needs beside those that are there. */
async function makeManifest(
  parts: CompactionParts,
  namespace: Namespace,
  { followed, plan, rows }: { followed: Followed; plan: CompactionPlan; rows: readonly AppendedRow[] },
): Promise<{ manifest: Manifest; made: readonly NewObject[] }> {
  const { manifest, head } = followed;
  const built = await buildSegment(parts, namespace, { followed, plan, rows });
  const made: NewObject[] = built === undefined ? [] : [built];
  const segments: ManifestSegment[] = [];
  const dead = plan.takesDelta ? await followed.compute.tombstones(followed.view) : [];
  for (const [place, segment] of manifest.segments.entries()) {
    if (plan.merged.includes(place)) {
      if (place === plan.merged.at(-1) && built !== undefined) segments.push(segmentOf(built));
      continue;
    }
    const tombstones = dead[place];
    if (tombstones === undefined) segments.push(segment);
    else if (tombstones.length === 0) segments.push(withoutDead(segment));
    else {
      const rows = tombstones.length / 4;
      // The dead only become more.
      if (rows === segment.dead?.rows) {
        segments.push(segment);
        continue;
      }
      const name = await tombstonesName(parts.digest, { segment, generation: manifest.generation, tombstones });
      made.push({ name, bytes: tombstones });
      segments.push({ ...segment, dead: { name, rows } });
    }
  }
  if (plan.merged.length === 0 && built !== undefined) segments.push(segmentOf(built));
  return {
    manifest: {
      generation: manifest.generation + 1,
      compacted_seq: plan.takesDelta ? head.seq : manifest.compacted_seq,
      segments,
    },
    made,
  };

  function segmentOf({ name, open_len, bytes, rows: count, min_seq, max_seq }: NewSegment): ManifestSegment {
    return { name, open_len, bytes: bytes.length, rows: count, level: plan.level, min_seq, max_seq };
  }
}

type NewSegment = BuiltSegment & { readonly min_seq: number; readonly max_seq: number };

/** Undefined where no row of the plan is alive. */
async function buildSegment(
  { objects }: CompactionParts,
  namespace: Namespace,
  { followed, plan, rows }: { followed: Followed; plan: CompactionPlan; rows: readonly AppendedRow[] },
): Promise<NewSegment | undefined> {
  const { compute, manifest, head } = followed;
  const merged = plan.merged.map((place) => manifest.segments[place]).filter((segment) => segment !== undefined);
  const listed = await Promise.all(
    plan.merged.map(async (place) => {
      const segment = followed.segments[place];
      const dead = manifest.segments[place]?.dead;
      if (segment === undefined) throw new Error(`segment ${place} of the plan is not open`);
      if (dead === undefined) return { segment };
      const object = await objects.get(segmentObject(namespace, dead.name));
      if (object === undefined) throw new Error(`the tombstones ${dead.name} are not there`);
      return { segment, tombstones: object.body };
    }),
  );
  const { metric, dimension, rows: stored, text, rotation_key } = namespace.collection;
  const view = await compute.openView({ metric, dimension, rows: stored, text, segments: listed });
  try {
    await compute.appendRows(view, rows);
    if ((await compute.countRows(view)) === 0) return undefined;
    const min_seq = merged[0]?.min_seq ?? manifest.compacted_seq + 1;
    const max_seq = plan.takesDelta ? head.seq : (merged.at(-1)?.max_seq ?? head.seq);
    return { ...(await compute.buildSegment({ view, rotation_key, min_seq, max_seq })), min_seq, max_seq };
  } finally {
    await compute.closeView(view);
  }
}

/** False where somebody was faster; then nothing has changed. */
async function publish(
  { table, objects, now, newId, rules }: CompactionParts,
  namespace: Namespace,
  {
    followed,
    manifest,
    made,
    delta_bytes,
  }: { followed: Followed; manifest: Manifest; made: readonly NewObject[]; delta_bytes: number },
): Promise<boolean> {
  const { pk } = namespace;
  const before = followed.manifest;
  const names = made.map(({ name }) => name);
  // Named before they are there: whoever dies now leaves a note of what nobody will want.
  const orphans = garbageKey(pk, now() + rules.orphan_ms, newId());
  await table.write({ kind: 'put', key: orphans, item: { objects: names } }, now());
  for (const { name, bytes } of made) {
    await objects.put(segmentObject(namespace, name), bytes, { ifAbsent: true });
  }
  const kept = new Set(objectsOf(manifest));
  const replaced = objectsOf(before).filter((name) => !kept.has(name));
  const operations: Operation[] = [
    {
      kind: 'update',
      key: headKey(pk),
      set: { generation: manifest.generation, compacted_seq: manifest.compacted_seq },
      add: { delta_bytes: -delta_bytes },
      conditions: [{ kind: 'equals', field: 'generation', value: before.generation }],
    },
    {
      kind: 'put',
      key: manifestKey(pk, manifest.generation),
      item: manifestItem(manifest),
      conditions: [{ kind: 'absent' }],
    },
    { kind: 'delete', key: orphans },
    // Readers that looked at the head before the swap still read these.
    {
      kind: 'put',
      key: garbageKey(pk, now() + rules.kept_ms, newId()),
      item: { objects: replaced, generation: before.generation },
    },
  ];
  const written = await table.transact(operations, now());
  if (written.kind === 'written') return true;
  if (written.operation === 0 && written.current === undefined) {
    // The namespace was dropped, and its objects with it: these came too late for that.
    for (const name of names) await objects.delete(segmentObject(namespace, name));
    await table.write({ kind: 'delete', key: orphans }, now());
  }
  return false;
}

/** Also what an earlier one left that died before its end. */
async function removeDeltas({ table, now }: CompactionParts, pk: string, compacted_seq: number): Promise<void> {
  const rows: KeyedBytes[] = [];
  for await (const { sk, item } of allRows(table, { ...deltaRange(pk, 0, compacted_seq), limit: 1000 }, now)) {
    rows.push({ key: { pk, sk }, bytes: bytesOf(item) });
  }
  await deleteRows(table, rows, now);
}

/** Of one segment in one generation: a name that comes twice might be deleted by whoever cleans up after the first. */
async function tombstonesName(
  digest: DigestCompute,
  { segment, generation, tombstones }: { segment: ManifestSegment; generation: number; tombstones: Uint8Array },
): Promise<string> {
  const bytes = Buffer.concat([Buffer.from(`${segment.name} ${generation} `), tombstones]);
  return (await digestOne(digest, bytes)).blake3;
}

function withoutDead({ dead: _dead, ...segment }: ManifestSegment): ManifestSegment {
  return segment;
}

function bytesOf(item: Item): number {
  return Buffer.byteLength(JSON.stringify(item));
}
