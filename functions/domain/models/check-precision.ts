import { z } from 'zod';
import type { EmbedCompute, Precision } from '../ports/compute.ts';

const textsSchema = z.object({ queries: z.array(z.string()).min(1), passages: z.array(z.string()).min(11) });

export type CheckTexts = z.infer<typeof textsSchema>;

/** Reads `layers/models/check-texts.json`. */
export function readCheckTexts(value: unknown): CheckTexts {
  return textsSchema.parse(value);
}

/** What a precision must reach against fp32 before it may be a model's default. */
export const gates = { cosine_mean: 0.99, cosine_lowest: 0.97, overlap_mean: 0.97, neighbours_lowest: 0.9995 } as const;

/** Texts of one call; each size makes other batches of the same texts. */
const compositions = [1, 2, 16, 64] as const;
const nearest = 10;

export interface PrecisionQuality {
  readonly texts: number;
  readonly queries: number;
  /** Of the vectors of a text in both precisions. */
  readonly cosine_mean: number;
  readonly cosine_lowest: number;
  /** Share of the ten nearest passages of a query that both precisions name, over the queries. */
  readonly overlap_mean: number;
  /** Least cosine between a text's vectors in any two compositions: alone, in calls of 2, 16 and 64, and all at once. */
  readonly neighbours_lowest: number;
  /** Whether batches of equal shape gave equal bits, whatever the other texts were. */
  readonly is_equal_for_equal_shape: boolean;
  readonly passed: boolean;
}

/**
 * Compares `precision` of a model with its fp32 on `texts`: `signet models check`. Takes some thousand embeddings; the
 * compositions are tried on every third text.
 */
export async function checkPrecision(work: {
  compute: EmbedCompute;
  model: string;
  precision: Precision;
  texts: CheckTexts;
}): Promise<PrecisionQuality> {
  const { texts } = work;
  const all = [...texts.queries, ...texts.passages];
  const exact = await rowsOf(work, 'fp32', all);
  const coarse = await rowsOf(work, work.precision, all);
  const cosines = exact.map((row, at) => cosine(row, coarse[at]));
  const measured = {
    cosine_mean: mean(cosines),
    cosine_lowest: Math.min(...cosines),
    overlap_mean: mean(overlaps(exact, coarse, texts.queries.length)),
    neighbours_lowest: await lowestOfNeighbours(work, all, coarse),
  };
  const is_equal_for_equal_shape = await isEqualForEqualShape(work, all);
  const passed = Object.entries(gates).every(([name, least]) => measured[name as keyof typeof gates] >= least);
  return {
    texts: all.length,
    queries: texts.queries.length,
    ...measured,
    is_equal_for_equal_shape,
    passed: passed && is_equal_for_equal_shape,
  };
}

type Work = Parameters<typeof checkPrecision>[0];

async function rowsOf({ compute, model }: Work, precision: Precision, texts: readonly string[]) {
  const request = { model, precision, texts, input_type: 'document', truncate: 'end' } as const;
  const { vectors, dimension } = await compute.embed(request);
  return texts.map((_, row) => vectors.subarray(row * dimension, (row + 1) * dimension));
}

async function lowestOfNeighbours(work: Work, all: readonly string[], together: readonly Float32Array[]) {
  const tried = all.flatMap((text, at) => (at % 3 === 0 ? [{ text, seen: [together[at]] }] : []));
  for (const size of compositions) {
    for (let from = 0; from < tried.length; from += size) {
      const part = tried.slice(from, from + size);
      const rows = await rowsOf(
        work,
        work.precision,
        part.map(({ text }) => text),
      );
      part.forEach(({ seen }, at) => seen.push(rows[at]));
    }
  }
  const pairs = tried.flatMap(({ seen }) => seen.flatMap((a, at) => seen.slice(at + 1).map((b) => cosine(a, b))));
  return Math.min(...pairs);
}

/** Each text of a sample beside two others of one length: its bits must not tell which of them was there. */
async function isEqualForEqualShape(work: Work, all: readonly string[]): Promise<boolean> {
  const others = ['the harbour is quiet', 'a bright green apple'];
  for (const text of all.filter((_, at) => at % 50 === 0)) {
    const pairs = await Promise.all(others.map((other) => rowsOf(work, work.precision, [text, other])));
    const [one, two] = pairs.map(([row]) => Buffer.from(row?.slice().buffer ?? new ArrayBuffer(0)));
    if (one === undefined || two === undefined || !one.equals(two)) return false;
  }
  return true;
}

function overlaps(exact: readonly Float32Array[], coarse: readonly Float32Array[], queries: number): number[] {
  return Array.from({ length: queries }, (_, query) => {
    const expected = new Set(nearestOf(exact, query, queries));
    return nearestOf(coarse, query, queries).filter((row) => expected.has(row)).length / nearest;
  });
}

function nearestOf(rows: readonly Float32Array[], query: number, queries: number): number[] {
  const scored = rows.slice(queries).map((row, at) => ({ at, score: cosine(rows[query], row) }));
  return scored
    .sort((a, b) => b.score - a.score || a.at - b.at)
    .slice(0, nearest)
    .map(({ at }) => at);
}

/** NaN where one of them is missing or has no direction, which passes no gate. */
function cosine(a: Float32Array | undefined, b: Float32Array | undefined): number {
  if (a === undefined || b === undefined) return NaN;
  let [product, left, right] = [0, 0, 0];
  for (let at = 0; at < a.length; at += 1) {
    const [x, y] = [a[at] ?? NaN, b[at] ?? NaN];
    product += x * y;
    left += x * x;
    right += y * y;
  }
  return product / Math.sqrt(left * right);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
