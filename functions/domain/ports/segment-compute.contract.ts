import { afterAll, describe, expect, test } from '@jest/globals';
import cases from '@signet/shared/vectors/segments/cases.json' with { type: 'json' };
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Metric } from './compute.ts';
import type {
  AppendedRow,
  BuiltSegment,
  RowSettings,
  SegmentCompute,
  StoredRows,
  ViewHandle,
} from './segment-compute.ts';

/** The suite of `SegmentCompute`: the same answers, and the same bytes, on each build of the crates. */
export function describeSegments(name: string, open: () => Promise<SegmentCompute>): void {
  describe(name, () => {
    const opened = open();
    const folder = mkdtemp(join(tmpdir(), 'signet-segments-'));
    afterAll(async () => rm(await folder, { recursive: true }));

    test('finds what was appended, and what a segment of it holds, alike', async () => {
      const segments = await opened;
      const view = await segments.openView({ ...settings, segments: [] });
      await segments.appendRows(view, rows());
      const built = await segments.buildSegment({ view, rotation_key: key, min_seq: 1, max_seq: 40 });
      expect(built.rows).toBe(38);
      const path = join(await folder, built.name);
      await writeFile(path, built.bytes);
      for (const source of [{ path }, { bytes: built.bytes }]) {
        const found = await segments.openSegment({ name: built.name, open_len: built.open_len, source });
        expect(found).toMatchObject({ ...settings, rotation_key: key, row_count: 38, min_seq: 1, max_seq: 40 });
        expect(found.file_bytes).toBe(built.bytes.length);
        await segments.verifySegment(found.segment);
        const compacted = await segments.openView({ ...settings, segments: [{ segment: found.segment }] });
        for (const query of queries) {
          const [before, after] = [await segments.search(view, query), await segments.search(compacted, query)];
          expect(after.hits).toEqual(before.hits);
          expect(after).toMatchObject({ score_kind: before.score_kind, rows_allowed: before.rows_allowed, seq: 40 });
        }
        await segments.closeView(compacted);
        await segments.closeSegment(found.segment);
      }
      await segments.closeView(view);
    });

    test.each(golden)('builds, byte for byte, and opens $file', async (one) => {
      const segments = await opened;
      const { metric, dimension, rows, text } = settingsOf(one);
      const view = await segments.openView({ metric, dimension, rows, text, segments: [] });
      await segments.appendRows(view, goldenRows(one));
      const { rotation_key, row_count, open_len, name } = one;
      const built = await segments.buildSegment({ view, rotation_key, min_seq: 1, max_seq: row_count });
      const file = await readFile(fileOf(one));
      expect({ name: built.name, open_len: built.open_len, rows: built.rows }).toEqual({
        name,
        open_len,
        rows: row_count,
      });
      expect(Buffer.compare(built.bytes, file)).toBe(0);
      const { segment, ...found } = await segments.openSegment({ name, open_len, source: { path: fileOf(one) } });
      expect(found).toMatchObject({ metric, dimension, rows, text, rotation_key, row_count });
      await segments.verifySegment(segment);
      await segments.closeSegment(segment);
      await segments.closeView(view);
    });

    test.each(damaged)('refuses $file with $code', async (one) => {
      const segments = await opened;
      const checked = async () => {
        const { name, open_len } = one;
        const { segment } = await segments.openSegment({ name, open_len, source: { path: fileOf(one) } });
        await segments.verifySegment(segment);
      };
      await expect(checked()).rejects.toMatchObject({ name: 'ComputeRefusedError', code: one.code });
    });

    test('a later write hides an earlier one, in a segment too, and tombstones say so', async () => {
      const segments = await opened;
      const { view } = await openBuilt(segments);
      await segments.appendRows(view, [
        { kind: 'vector', seq: 41, id: 'id-1', values: Float32Array.of(1, 2, 3), metadata: { n: 100 } },
        { kind: 'gone', seq: 42, id: 'id-2' },
        { kind: 'gone_where', seq: 43, filter: { n: { $gte: 30, $lt: 99 } } },
      ]);
      expect(await segments.countRows(view)).toBe(29);
      expect(await segments.countRows(view, { n: 100 })).toBe(1);
      const ids = ['id-2', 'id-1', 'id-35'];
      expect(await segments.lookUp(view, { ids, include: { metadata: true, values: true } })).toEqual([
        undefined,
        { id: 'id-1', metadata: { n: 100 }, values: expect.any(Float32Array) },
        undefined,
      ]);
      const [tombstones = new Uint8Array()] = await segments.tombstones(view);
      expect(tombstones.length).toBe(10 * 4);
      const { segment } = await openBuilt(segments);
      const again = await segments.openView({ ...settings, segments: [{ segment, tombstones }] });
      expect(await segments.countRows(again)).toBe(28);
      expect(await segments.lookUp(again, { ids, include: {} })).toEqual([undefined, undefined, undefined]);
    });

    test('values come back as they are stored', async () => {
      const segments = await opened;
      const { view } = await openBuilt(segments);
      const [row] = await segments.lookUp(view, { ids: ['id-5'], include: { values: true, content: true } });
      expect(row?.content).toBe('word5 common');
      valuesOf(5).forEach((x, at) => expect(Math.abs((row?.values?.[at] ?? NaN) - x)).toBeLessThan(0.01));
    });

    test('lists ids in byte order, page by page', async () => {
      const segments = await opened;
      const { view } = await openBuilt(segments);
      await segments.appendRows(view, [{ kind: 'vector', seq: 50, id: 'id-10a', values: Float32Array.of(1, 0, 0) }]);
      const first = await segments.listIds(view, { prefix: 'id-1', limit: 3 });
      expect(first).toEqual(['id-1', 'id-10', 'id-10a']);
      expect(await segments.listIds(view, { prefix: 'id-1', after: 'id-10a', limit: 2 })).toEqual(['id-11', 'id-12']);
    });

    test('hybrid fuses both lists by rank', async () => {
      const segments = await opened;
      const { view } = await openBuilt(segments);
      const query = { mode: 'hybrid', values: valuesOf(5), text: 'word5', k: 3 } as const;
      const { hits, score_kind } = await segments.search(view, query);
      expect(score_kind).toBe('rrf');
      expect(hits[0]).toMatchObject({ id: 'id-5', score: 2 / 61, distance: 0 });
    });

    test('a report says how sure an answer is', async () => {
      const segments = await opened;
      const { view } = await openBuilt(segments);
      const { report } = await segments.search(view, { mode: 'dense', values: valuesOf(3), k: 5, report: true });
      expect(report).toMatchObject({ certainty: 'exact', expected_recall: 1, rows_scanned: 38 });
    });

    test.each([
      ['a query of another length', { values: new Float32Array(4) }, 'dimension_mismatch', undefined],
      ['a query that is not finite', { values: Float32Array.of(1, NaN, 0) }, 'non_finite', 1],
      ['a zero query', { values: new Float32Array(3) }, 'zero_vector', 0],
      ['a filter that is none', { values: valuesOf(1), filter: { $and: [] } }, 'invalid_filter', undefined],
    ])('refuses %s', async (_, change, code, index) => {
      const segments = await opened;
      const { view } = await openBuilt(segments);
      const refused = segments.search(view, { mode: 'dense', k: 1, ...change });
      await expect(refused).rejects.toMatchObject({
        name: 'ComputeRefusedError',
        code,
        ...(index === undefined ? {} : { index }),
      });
    });

    test('a filter that is none says where', async () => {
      const segments = await opened;
      const { view } = await openBuilt(segments);
      const filter = { $or: [{ n: 1 }, { n: { $near: 2 } }] };
      await expect(segments.countRows(view, filter)).rejects.toMatchObject({
        code: 'invalid_filter',
        facts: { path: 'filter.$or[1].n.$near' },
      });
    });

    test('refuses rows all together and says which is at fault', async () => {
      const segments = await opened;
      const { view } = await openBuilt(segments);
      const good: AppendedRow = { kind: 'vector', seq: 60, id: 'new', values: Float32Array.of(1, 1, 1) };
      for (const [bad, code] of [
        [{ ...good, values: Float32Array.of(1, Infinity, 0) }, 'non_finite'],
        [{ ...good, values: new Float32Array(3) }, 'zero_vector'],
        [{ ...good, values: new Float32Array(2) }, 'dimension_mismatch'],
        [{ ...good, id: '' }, 'id_length'],
        [{ ...good, id: 'x'.repeat(513) }, 'id_length'],
      ] as const) {
        await expect(segments.appendRows(view, [good, bad])).rejects.toMatchObject({ code, index: 1 });
      }
      expect(await segments.countRows(view)).toBe(38);
    });

    test('refuses what a segment does not hold', async () => {
      const segments = await opened;
      const dotted = { ...settings, metric: 'dot_product', rows: 'f16' } as const;
      const view = await segments.openView({ ...dotted, segments: [] });
      const large: AppendedRow = { kind: 'vector', seq: 1, id: 'a', values: Float32Array.of(1e5, 0, 0) };
      await expect(segments.appendRows(view, [large])).rejects.toMatchObject({ code: 'out_of_range', index: 0 });
      const none = { view, rotation_key: key, min_seq: 0, max_seq: 1 };
      await expect(segments.buildSegment(none)).rejects.toMatchObject({ code: 'empty_segment' });
      const { segment } = await openBuilt(segments);
      const other = segments.openView({ ...dotted, segments: [{ segment }] });
      await expect(other).rejects.toMatchObject({ code: 'segment_mismatch' });
    });

    test('refuses a damaged file before it answers from it', async () => {
      const segments = await opened;
      const built = await build(segments);
      const { name, open_len } = built;
      const opening = async (bytes: Uint8Array) => segments.openSegment({ name, open_len, source: { bytes } });
      const changed = (at: number) => built.bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
      await expect(opening(changed(0))).rejects.toMatchObject({ code: 'segment.magic' });
      await expect(opening(changed(20))).rejects.toMatchObject({ code: 'segment.name' });
      await expect(opening(built.bytes.slice(0, 100))).rejects.toMatchObject({ code: 'segment.truncated' });
      await expect(opening(built.bytes.slice(0, -1))).rejects.toMatchObject({ code: 'segment.file_length' });
      const { segment } = await opening(changed(built.bytes.length - 1));
      await expect(segments.verifySegment(segment)).rejects.toMatchObject({ code: 'segment.chunk' });
      const view = await segments.openView({ ...settings, segments: [{ segment }] });
      const search = segments.search(view, { mode: 'dense', values: valuesOf(1), k: 1 });
      await expect(search).rejects.toMatchObject({ code: 'segment.chunk' });
      const missing = { name, open_len, source: { path: join(await folder, 'missing') } };
      await expect(segments.openSegment(missing)).rejects.toMatchObject({ code: 'segment.source' });
    });

    test('a closed handle is refused, closing it again is not', async () => {
      const segments = await opened;
      const { view, segment } = await openBuilt(segments);
      await segments.closeSegment(segment);
      expect(await segments.countRows(view)).toBe(38);
      await segments.closeView(view);
      await segments.closeView(view);
      await expect(segments.countRows(view)).rejects.toMatchObject({ code: 'handle_closed' });
      await expect(segments.verifySegment(segment)).rejects.toMatchObject({ code: 'handle_closed' });
    });

    test('memory is counted and given back', async () => {
      const segments = await opened;
      const before = await segments.residentBytes();
      const { view, segment } = await openBuilt(segments);
      await segments.search(view, { mode: 'dense', values: valuesOf(1), k: 1 });
      expect(await segments.residentBytes()).toBeGreaterThan(before);
      await segments.closeView(view);
      await segments.closeSegment(segment);
      expect(await segments.residentBytes()).toBe(before);
    });
  });
}

const key = '0123456789abcdef';
const settings: RowSettings = { metric: 'cosine', dimension: 3, rows: 'f16', text: true };

interface Golden {
  readonly file: string;
  readonly name: string;
  readonly open_len: number;
  readonly metric: string;
  readonly dimension: number;
  readonly rows: string;
  readonly text: boolean;
  readonly row_count: number;
  readonly rotation_key: string;
}

const golden = cases.cases.filter(({ kind }) => kind === 'golden') as readonly Golden[];
const damaged = cases.cases.filter(({ kind }) => kind === 'damaged') as readonly {
  readonly file: string;
  readonly name: string;
  readonly open_len: number;
  readonly code: string;
}[];

function fileOf({ file }: { file: string }): string {
  return fileURLToPath(new URL(`../../../shared/vectors/segments/${file}`, import.meta.url));
}

function settingsOf({ metric, dimension, rows, text }: Golden): RowSettings {
  return { metric: metric as Metric, dimension, rows: rows as StoredRows, text };
}

/** The rows that the cases describe. */
function goldenRows({ dimension, row_count, text }: Golden): readonly AppendedRow[] {
  return Array.from({ length: row_count }, (_, at): AppendedRow => {
    const component = (_value: unknown, j: number) => ((at * 31 + j * 17 + at * j * 7) % 41) / 8 - 2.5;
    const metadata = { n: at, tags: [at % 2 === 0 ? 'even' : 'odd'], deep: { a: at / 4 } };
    return {
      kind: 'vector',
      seq: at + 1,
      id: `id-${at}`,
      values: Float32Array.from({ length: dimension }, component),
      ...(at % 3 === 2 ? {} : { metadata }),
      ...(text ? { content: `Word${at} common` } : {}),
    };
  });
}

const queries = [
  { mode: 'dense', values: valuesOf(7), k: 10, include: { metadata: true, values: true, content: true } },
  { mode: 'dense', values: valuesOf(7), k: 40, filter: { $or: [{ n: { $lt: 10 } }, { tags: 'even' }] } },
  { mode: 'lexical', text: 'Common WORD9', k: 12 },
  { mode: 'hybrid', text: 'common', values: valuesOf(2), k: 5, weights: { dense: 1, lexical: 0.5 } },
  { mode: 'dense', values: valuesOf(20), k: 10, exact: true, min_dense_score: 0.5 },
] as const;

/** 40 writes of 38 ids: two are replaced. */
function rows(): readonly AppendedRow[] {
  return Array.from({ length: 40 }, (_, at): AppendedRow => {
    const n = at < 38 ? at : at - 38;
    return {
      kind: 'vector',
      seq: at + 1,
      id: `id-${n}`,
      values: valuesOf(n),
      metadata: { n, tags: [n % 2 === 0 ? 'even' : 'odd'] },
      content: `word${n} common`,
    };
  });
}

function valuesOf(n: number): Float32Array {
  return Float32Array.of(1 + (n % 7), (n % 5) - 2, 3 - (n % 11));
}

async function build(segments: SegmentCompute): Promise<BuiltSegment> {
  const view = await segments.openView({ ...settings, segments: [] });
  await segments.appendRows(view, rows());
  const built = await segments.buildSegment({ view, rotation_key: key, min_seq: 1, max_seq: 40 });
  await segments.closeView(view);
  return built;
}

async function openBuilt(segments: SegmentCompute): Promise<{ view: ViewHandle; segment: number }> {
  const { name, open_len, bytes } = await build(segments);
  const { segment } = await segments.openSegment({ name, open_len, source: { bytes } });
  return { segment, view: await segments.openView({ ...settings, segments: [{ segment }] }) };
}
