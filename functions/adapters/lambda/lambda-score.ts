import { z } from 'zod';
import { ComputeRefusedError } from '../../domain/ports/compute.ts';
import type { ScoreCompute } from '../../domain/ports/compute.ts';
import { countRows, nonFinite } from '../frames/score-request.ts';
import { decodeFloats, encodeFloats } from '../../domain/float-base64.ts';
import { base64Length } from './base64.ts';
import { asCapability } from './capability-error.ts';
import { payload_bytes_max } from './function-call.ts';
import type { InvokeFunction } from './function-call.ts';
import { mapInParallel } from './split-by-weight.ts';

type TopKRequest = Parameters<ScoreCompute['topK']>[0];

/**
 * `score` by the function `score-vectors`. Rows that do not fit in one payload are scored in parts at once; the best of
 * the parts, ties by lower row, are what one call over all rows gives: a row's score does not depend on the others.
 */
export function lambdaScore(parts: { invoke: InvokeFunction; function_name: string }): ScoreCompute {
  const { invoke, function_name } = parts;

  async function scorePart(request: TopKRequest, from: number, count: number): Promise<PartReply> {
    const { metric, dimension, k, query, rows } = request;
    const k_part = Math.min(k, count);
    const part = rows.subarray(from * dimension, (from + count) * dimension);
    const payload = { metric, dimension, k: k_part, query: encodeFloats(query), rows: encodeFloats(part) };
    const reply = replySchema.parse(await invoke({ function_name, payload, timeout_ms }));
    if (reply.ok === false) return { refusal: refusalOf(reply, from) };
    if (reply.rows.length !== k_part || reply.rows.some((row) => row >= count)) {
      throw new Error(`expected ${k_part} rows below ${count} of \`score-vectors\``);
    }
    return { rows: reply.rows.map((row) => row + from), scores: decodeFloats(reply.scores, k_part) };
  }

  return {
    async topK(request) {
      const count = countRows(request);
      const size = rowsOfPart(request);
      const starts = Array.from({ length: Math.ceil(count / size) }, (_, part) => part * size);
      const answers = await asCapability(
        'score',
        mapInParallel(starts, (from) => scorePart(request, from, Math.min(size, count - from))),
      );
      return best(answers, Math.min(request.k, count));
    },
  };
}

/** The function's own; see `infra/`. */
const timeout_ms = 30_000;
/** A hit is at most seven characters of a row number and 16/3 of a score: all rows of a part may come back. */
const rows_of_part_max = 400_000;

const replySchema = z.union([
  z.object({ ok: z.literal(true).optional(), rows: z.array(z.int().min(0)), scores: z.string() }),
  z.object({
    ok: z.literal(false),
    code: z.string(),
    index: z.int().min(0),
    message: z.string().optional(),
    facts: z.object({ in: z.enum(['query', 'rows']) }).optional(),
  }),
]);

type PartReply =
  | { readonly rows: readonly number[]; readonly scores: Float32Array; readonly refusal?: undefined }
  | { readonly refusal: ComputeRefusedError };

/** Rows that fit in a payload beside the query. */
function rowsOfPart({ dimension }: TopKRequest): number {
  const row_bytes = dimension * 4;
  const free = payload_bytes_max.reply - 1024 - base64Length(row_bytes);
  return Math.max(1, Math.min(rows_of_part_max, Math.floor((free * 3) / 4 / row_bytes)));
}

function refusalOf(
  reply: { code: string; index: number; message?: string | undefined; facts?: { in: 'query' | 'rows' } | undefined },
  from: number,
): ComputeRefusedError {
  const place = reply.facts?.in;
  const index = place === 'rows' ? reply.index + from : reply.index;
  if (reply.code === 'non_finite' && place !== undefined) return nonFinite({ in: place, index });
  return new ComputeRefusedError({ code: reply.code, index, message: reply.message ?? reply.code });
}

/** The `k` best of all parts. The first part's refusal is that of the whole: it has the lowest row. */
function best(parts: readonly PartReply[], k: number): { rows: Uint32Array; scores: Float32Array } {
  const hits: { row: number; score: number }[] = [];
  for (const part of parts) {
    if (part.refusal !== undefined) throw part.refusal;
    part.rows.forEach((row, at) => hits.push({ row, score: part.scores[at] ?? NaN }));
  }
  const found = parts.length === 1 ? hits : hits.toSorted((a, b) => b.score - a.score || a.row - b.row).slice(0, k);
  return { rows: Uint32Array.from(found, ({ row }) => row), scores: Float32Array.from(found, ({ score }) => score) };
}
