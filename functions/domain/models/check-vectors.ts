import { z } from 'zod';
import type { EmbedCompute } from '../ports/compute.ts';

const referenceSchema = z.object({
  model: z.string(),
  weights_sha256: z.string(),
  made_by: z.string(),
  vectors: z.array(z.object({ text: z.string(), ids: z.array(z.number()), vector_base64: z.base64() })).min(1),
  ids: z.array(z.object({ text: z.string(), ids: z.array(z.number()) })),
});

/** Token ids and vectors of a model, computed by software that shares nothing with our engine. */
export type ModelReference = z.infer<typeof referenceSchema>;

/** Reads `layers/models/reference.json`. */
export function readReference(value: unknown): ModelReference {
  return referenceSchema.parse(value);
}

export type VectorCheck =
  | { readonly kind: 'agrees'; readonly texts: number; readonly distance_max: number }
  | { readonly kind: 'differs'; readonly text: string; readonly reason: string };

/** fp32 in another order of summation differs by about 1e-7; a wrong weight, mask or token by far more. */
const distance_allowed = 1e-5;

/**
 * Embeds the texts of a reference in fp32, alone and all together, and compares components and token counts. The caller compares the digests of the files.
 */
export async function checkVectors(work: { compute: EmbedCompute; reference: ModelReference }): Promise<VectorCheck> {
  const { compute, reference } = work;
  const cases = reference.vectors;
  const counted = [...cases, ...reference.ids];
  const embed = (texts: readonly string[]) =>
    compute.embed({ model: reference.model, precision: 'fp32', texts, input_type: 'document', truncate: 'end' });
  const together = await embed(counted.map(({ text }) => text));
  for (const [index, { text, ids }] of counted.entries()) {
    const tokens = together.tokens[index];
    if (tokens !== ids.length) return { kind: 'differs', text, reason: `expected ${ids.length} tokens, got ${tokens}` };
  }
  let distance_max = 0;
  for (const [index, { text, vector_base64 }] of cases.entries()) {
    const expected = decodeFloats(vector_base64);
    const alone = await embed([text]);
    const row = together.vectors.subarray(index * together.dimension, (index + 1) * together.dimension);
    const distance = Math.max(distanceOf(row, expected), distanceOf(alone.vectors, expected));
    if (!(distance <= distance_allowed)) return { kind: 'differs', text, reason: `a component differs by ${distance}` };
    distance_max = Math.max(distance_max, distance);
  }
  return { kind: 'agrees', texts: counted.length, distance_max };
}

/** Little-endian float32. */
function decodeFloats(base64: string): Float32Array {
  const bytes = Buffer.from(base64, 'base64');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.byteLength / 4 }, (_, index) => view.getFloat32(index * 4, true));
}

/** The largest difference of two components; infinite where the lengths differ or a number is none. */
function distanceOf(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  let distance = 0;
  for (const [index, value] of a.entries()) {
    const difference = Math.abs(value - (b[index] ?? NaN));
    if (!(difference <= distance)) distance = Number.isNaN(difference) ? Infinity : difference;
  }
  return distance;
}
