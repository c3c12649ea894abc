import { z } from 'zod';

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
});

const modelFile = engineFacts.extend({ weights_sha256: sha256, tokenizer_sha256: sha256 });

/** One built model: `precision` is the one that serves. */
export type ModelFacts = Omit<z.infer<typeof modelFile>, 'precisions'> & {
  readonly precision: z.infer<typeof precision>;
};

/** Reads `model.json` of a built folder. Throws where it is not one. */
export function readModelFacts(text: string): ModelFacts {
  const { precisions, ...facts } = modelFile.parse(JSON.parse(text));
  const [first] = precisions;
  if (first === undefined) throw new Error(`\`${facts.id}\` names no precision`);
  return { ...facts, precision: first };
}
