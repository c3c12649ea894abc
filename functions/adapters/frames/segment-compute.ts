import { z } from 'zod';
import { ComputeRefusedError } from '../../domain/ports/compute.ts';
import type { Metric } from '../../domain/ports/compute.ts';
import type { JsonObject } from '../../domain/json.ts';
import type {
  AppendedRow,
  Included,
  RecallReport,
  SegmentCompute,
  StoredRow,
  StoredRows,
  ViewAnswer,
  ViewHit,
  ViewQuery,
} from '../../domain/ports/segment-compute.ts';
import type { AnswerReader, Field } from './frames.ts';
import type { CallFrames } from './proof-compute.ts';
import { metricNumbers } from './score-request.ts';

/** Numbers of the operations over segments and views in the crate `compute`; never reused. */
export const segmentOperations = {
  buildSegment: 12,
  openSegment: 13,
  openView: 14,
  search: 15,
  closeSegment: 60,
  closeView: 61,
  appendRows: 62,
  lookUp: 63,
  listIds: 64,
  countRows: 65,
  tombstones: 66,
  verifySegment: 67,
  residentBytes: 68,
} as const;

/** Segments and views over the frames of the crate `compute`. */
export function segmentCompute(call: CallFrames): SegmentCompute {
  function ask<Answer>(
    operation: number,
    item: readonly Field[],
    read: (answer: AnswerReader) => Answer,
  ): Answer | Promise<Answer> {
    return call(operation, [item], (answer) => {
      const refusal = answer.refusal();
      if (refusal !== undefined) throw refused(refusal);
      return read(answer);
    });
  }
  const nothing = (): void => undefined;

  return {
    buildSegment: async ({ view, rotation_key, min_seq, max_seq }) => {
      const key = BigInt(`0x${rotation_key}`);
      const item = [view, Number(key & 0xffff_ffffn), Number(key >> 32n), ...long(min_seq), ...long(max_seq)];
      return ask(segmentOperations.buildSegment, item, (answer) => ({
        bytes: answer.bytes(),
        name: answer.text(),
        open_len: answer.number(),
        rows: answer.number(),
      }));
    },
    openSegment: async ({ name, open_len, source }) => {
      const from = 'path' in source ? [0, source.path] : [1, source.bytes];
      return ask(segmentOperations.openSegment, [name, open_len, ...from], (answer) => ({
        segment: answer.number(),
        metric: metricOf(answer.number()),
        dimension: answer.number(),
        rows: rowTypes[answer.number()] ?? 'none',
        text: answer.number() === 1,
        rotation_key: answer.text(),
        row_count: answer.number(),
        min_seq: readLong(answer),
        max_seq: readLong(answer),
        file_bytes: readLong(answer),
      }));
    },
    verifySegment: async (segment) => ask(segmentOperations.verifySegment, [segment], nothing),
    closeSegment: async (segment) => ask(segmentOperations.closeSegment, [segment], nothing),
    openView: async ({ metric, dimension, rows, text, segments }) => {
      const settings = [metricNumbers[metric], dimension, rowTypes.indexOf(rows), text ? 1 : 0];
      const listed = segments.flatMap(({ segment, tombstones }) => [segment, tombstones ?? new Uint8Array()]);
      const item = [...settings, segments.length, ...listed];
      return ask(segmentOperations.openView, item, (answer) => answer.number());
    },
    closeView: async (view) => ask(segmentOperations.closeView, [view], nothing),
    appendRows: async (view, rows) => {
      const item = [view, rows.length, ...rows.flatMap(appended)];
      return ask(segmentOperations.appendRows, item, nothing);
    },
    search: async (view, query) => {
      const include = includedNumber(query.include);
      return ask(segmentOperations.search, searchItem(view, query, include), (answer) => readAnswer(answer, include));
    },
    lookUp: async (view, { ids, include }) =>
      ask(segmentOperations.lookUp, [view, includedNumber(include), ids.length, ...ids], (answer) =>
        ids.map(() => (answer.number() === 1 ? { id: answer.text(), ...readStored(answer) } : undefined)),
      ),
    listIds: async (view, { prefix, after, limit }) => {
      const item = [view, prefix, after === undefined ? 0 : 1, after ?? '', limit];
      return ask(segmentOperations.listIds, item, (answer) => listOf(answer, () => answer.text()));
    },
    countRows: async (view, filter) => ask(segmentOperations.countRows, [view, filterText(filter)], readLong),
    tombstones: async (view) =>
      ask(segmentOperations.tombstones, [view], (answer) => listOf(answer, () => answer.bytes())),
    residentBytes: async () => ask(segmentOperations.residentBytes, [0], readLong),
  };
}

const rowTypes: readonly StoredRows[] = ['none', 'f16', 'f32'];
const modes: Record<ViewQuery['mode'], number> = { dense: 0, lexical: 1, hybrid: 2 };
const scoreKinds: readonly ViewAnswer['score_kind'][] = ['cosine', 'dot', 'l2', 'bm25', 'rrf'];
const certainties: readonly RecallReport['certainty'][] = ['exact', 'bounded', 'estimated'];

const includes = { metadata: 1, content: 2, values: 4 } as const;

const refusalSchema = z.object({
  code: z.string(),
  index: z.int().min(0).nullable(),
  path: z.string(),
  message: z.string(),
});

function refused(text: string): ComputeRefusedError {
  const { code, index, path, message } = refusalSchema.parse(JSON.parse(text));
  return new ComputeRefusedError({
    code,
    message,
    ...(index === null ? {} : { index }),
    ...(path === '' ? {} : { facts: { path } }),
  });
}

function appended(row: AppendedRow): Field[] {
  switch (row.kind) {
    case 'vector': {
      const { metadata, content } = row;
      const flags = (metadata === undefined ? 0 : includes.metadata) + (content === undefined ? 0 : includes.content);
      const texts = [metadata === undefined ? '' : JSON.stringify(metadata), content ?? ''];
      return [0, ...long(row.seq), row.id, bytesOf(row.values), flags, ...texts];
    }
    case 'gone':
      return [1, ...long(row.seq), row.id];
    case 'gone_where':
      return [2, ...long(row.seq), JSON.stringify(row.filter)];
    default:
      return row satisfies never;
  }
}

function searchItem(view: number, query: ViewQuery, include: number): Field[] {
  const { mode, k, exact, report, weights, min_dense_score, min_lexical_score } = query;
  if (!Number.isInteger(k) || k < 1) throw new TypeError('expected a `k` of 1 or more');
  const flags = (exact === true ? 1 : 0) + (report === true ? 2 : 0);
  const numbers = [weights?.dense ?? 1, weights?.lexical ?? 1, min_dense_score ?? NaN, min_lexical_score ?? NaN];
  return [
    view,
    modes[mode],
    k,
    flags,
    query.candidates_min ?? 0,
    include,
    bytesOf(Float64Array.from(numbers)),
    bytesOf(query.values ?? new Float32Array()),
    query.text ?? '',
    filterText(query.filter),
  ];
}

function readAnswer(answer: AnswerReader, include: number): ViewAnswer {
  const score_kind = scoreKinds[answer.number()];
  if (score_kind === undefined) throw new Error('an answer has scores of an unknown kind');
  const rows_allowed = readLong(answer);
  const seq = readLong(answer);
  const report = answer.number() === 1 ? readReport(answer) : undefined;
  const count = answer.number();
  const [scores, distances] = [readDoubles(answer), readDoubles(answer)];
  const hits = Array.from({ length: count }, (_, rank): ViewHit => {
    const id = answer.text();
    const stored = include === 0 ? {} : readStored(answer);
    return { id, score: scores[rank] ?? 0, distance: distances[rank] ?? 0, ...stored };
  });
  return { hits, score_kind, rows_allowed, seq, ...(report === undefined ? {} : { report }) };
}

function readReport(answer: AnswerReader): RecallReport {
  return {
    certainty: certainties[answer.number()] ?? 'estimated',
    expected_recall: readDoubles(answer)[0] ?? 0,
    candidates: readLong(answer),
    rows_scanned: readLong(answer),
    bytes_read: readLong(answer),
  };
}

function readStored(answer: AnswerReader): Omit<StoredRow, 'id'> {
  const flags = answer.number();
  return {
    ...((flags & includes.metadata) === 0 ? {} : { metadata: JSON.parse(answer.text()) as JsonObject }),
    ...((flags & includes.content) === 0 ? {} : { content: answer.text() }),
    ...((flags & includes.values) === 0 ? {} : { values: readFloats(answer) }),
  };
}

function includedNumber(include: Included | undefined): number {
  const names = ['metadata', 'content', 'values'] as const;
  return names.reduce((sum, name) => sum + (include?.[name] === true ? includes[name] : 0), 0);
}

function metricOf(number: number): Metric {
  const found = (Object.keys(metricNumbers) as Metric[]).find((name) => metricNumbers[name] === number);
  if (found === undefined) throw new Error(`no metric has the number ${number}`);
  return found;
}

function filterText(filter: JsonObject | undefined): string {
  return filter === undefined ? '' : JSON.stringify(filter);
}

function listOf<T>(answer: AnswerReader, read: () => T): readonly T[] {
  return Array.from({ length: answer.number() }, read);
}

/** A number of up to 53 bits as two fields: the low 32 bits, the high ones. */
function long(number: number): [number, number] {
  return [number % 2 ** 32, Math.floor(number / 2 ** 32)];
}

function readLong(answer: AnswerReader): number {
  const low = answer.number();
  return low + answer.number() * 2 ** 32;
}

/** Typed arrays cross as they lie in memory: every machine that Signet runs on is little-endian, as the frames are. */
function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function readDoubles(answer: AnswerReader): Float64Array {
  return new Float64Array(answer.bytes().buffer);
}

function readFloats(answer: AnswerReader): Float32Array {
  return new Float32Array(answer.bytes().buffer);
}
