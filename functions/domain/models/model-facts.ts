import { z } from 'zod';
import type { Precision } from '../ports/compute.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const precision = z.object({
  name: z.enum(['fp32', 'int8']),
  file: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/),
  sha256,
  bytes: z.number().int().positive(),
});

/** What an engine needs to know of a model; the same words in the registry and in a built folder's `model.json`. */
export const engineFacts = z.object({
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
  license: z.string().min(1),
  dimension: z.number().int().min(1).max(4096),
  max_tokens: z.number().int().min(8).max(8192),
  pooling: z.enum(['mean', 'cls', 'max', 'last']),
  normalize: z.boolean(),
  prefixes: z.object({
    query: z.string().optional(),
    document: z.string().optional(),
    clustering: z.string().optional(),
    classification: z.string().optional(),
  }),
  output: z.string().min(1),
  precisions: z.array(precision),
  /** The one that answers who names none; the first when absent, as in folders that were built before there were two. */
  default_precision: precision.shape.name.optional(),
});

const modelFile = engineFacts.extend({ weights_sha256: sha256, tokenizer_sha256: sha256 });

export type PrecisionFacts = z.infer<typeof precision>;

/** One built model; at least one precision, the default among them. */
export type ModelFacts = z.infer<typeof modelFile> & { readonly default_precision: Precision };

/** Reads `model.json` of a built folder. Throws where it is not one. */
export function readModelFacts(text: string): ModelFacts {
  const facts = modelFile.parse(JSON.parse(text));
  const default_precision = facts.default_precision ?? facts.precisions[0]?.name;
  if (default_precision === undefined) throw new Error(`\`${facts.id}\` names no precision`);
  precisionOf(facts, default_precision);
  return { ...facts, default_precision };
}

/** The facts of one precision. Throws, naming those that there are, where the model has none of that name. */
export function precisionOf(
  model: { id: string; precisions: readonly PrecisionFacts[] },
  name: string,
): PrecisionFacts {
  const found = model.precisions.find((one) => one.name === name);
  if (found !== undefined) return found;
  const known = model.precisions.map((one) => one.name).join(', ');
  throw new Error(`expected a precision of \`${model.id}\` (${known}), got \`${name}\``);
}
