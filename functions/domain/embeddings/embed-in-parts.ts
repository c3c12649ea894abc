import limits from '@signet/shared/limits.json' with { type: 'json' };
import { SignetError } from '../errors.ts';
import {
  CapabilityUnavailableError,
  ComputeRefusedError,
  type EmbedCompute,
  type Precision,
} from '../ports/compute.ts';
import type { EmbedRequest } from './embeddings.ts';
import { emptyText } from './empty-text.ts';
import type { CachedVector } from './vector-cache.ts';

/** Up to so many texts are one call: enough to fill the engine's batches, few enough to stop soon after an abort. */
const alone_texts_max = 128;
const part_texts_max = 256;
/** Parts under way at once; an engine of one process takes turns itself. */
const parallel_max = 4;

/**
 * Embeds `items`, in parts where they are many. The first text at fault refuses all; `index` of an item is its place in
 * the caller's list and names it in the error. The token limit is judged on real tokens, as the parts answer; after a
 * failure no part is begun.
 */
export async function embedInParts(work: {
  engine: { readonly compute: EmbedCompute; readonly model: string; readonly precision: Precision };
  items: readonly Item[];
  request: Pick<EmbedRequest, 'input_type' | 'truncate'>;
  /** Tokens of the request's texts that are known already; they count towards its limit. */
  tokens_known: number;
  signal: AbortSignal;
}): Promise<CachedVector[]> {
  const { items, signal } = work;
  const parts = partsOf(items);
  const answers: CachedVector[][] = [];
  let tokens_sum = work.tokens_known;
  let has_failed = false;
  const waiting = parts.entries();
  const embedNext = async (): Promise<void> => {
    for (const [at, part] of waiting) {
      if (has_failed) return;
      signal.throwIfAborted();
      const rows = await embedPart(work, part);
      answers[at] = rows;
      tokens_sum += rows.reduce((sum, { tokens }) => sum + tokens, 0);
      if (tokens_sum > limits.embeddings.tokens_max) throw tooManyTokens();
    }
  };
  const workers = Array.from({ length: Math.min(parallel_max, parts.length) }, () =>
    embedNext().catch((error: unknown) => {
      has_failed = true;
      throw error;
    }),
  );
  await Promise.all(workers);
  return answers.flat();
}

interface Item {
  readonly text: string;
  readonly index: number;
}

function partsOf(items: readonly Item[]): readonly (readonly Item[])[] {
  if (items.length <= alone_texts_max) return items.length === 0 ? [] : [items];
  const count = Math.ceil(items.length / part_texts_max);
  return Array.from({ length: count }, (_, part) => items.slice(part * part_texts_max, (part + 1) * part_texts_max));
}

async function embedPart(
  { engine, request, signal }: Pick<Parameters<typeof embedInParts>[0], 'engine' | 'request' | 'signal'>,
  part: readonly Item[],
): Promise<CachedVector[]> {
  const { compute, model, precision } = engine;
  const { input_type, truncate } = request;
  const texts = part.map(({ text }) => text);
  const answer = await compute
    .embed({ model, precision, texts, input_type, truncate, signal })
    .catch((error: unknown) => Promise.reject(refusal(error, part)));
  const truncated = new Set(answer.truncated);
  return part.map((_, row) => ({
    vector: answer.vectors.slice(row * answer.dimension, (row + 1) * answer.dimension),
    tokens: answer.tokens[row] ?? 0,
    is_truncated: truncated.has(row),
  }));
}

/** A text at fault is named by its place; a part that failed as a whole says which texts it had. */
function refusal(error: unknown, part: readonly Item[]): unknown {
  if (error instanceof CapabilityUnavailableError || (error instanceof Error && error.name === 'AbortError'))
    return error;
  if (!(error instanceof ComputeRefusedError)) {
    const range = `input[${part[0]?.index ?? 0}] to input[${part.at(-1)?.index ?? 0}]`;
    return part.length <= alone_texts_max ? error : new Error(`the part ${range} failed`, { cause: error });
  }
  if (error.index === undefined) return error;
  const index = part[error.index]?.index ?? error.index;
  if (error.code === 'empty_text') return emptyText(index);
  if (error.code !== 'input_too_long') return error;
  return new SignetError({
    code: 'context_length_exceeded',
    reason: 'input_too_long',
    detail: `expected at most ${Number(error.facts['max'])} tokens in \`input[${index}]\`, got ${Number(error.facts['tokens'])}`,
    param: `input[${index}]`,
  });
}

function tooManyTokens(): SignetError {
  return new SignetError({
    code: 'invalid_request',
    reason: 'too_many_tokens',
    detail: `expected at most ${limits.embeddings.tokens_max} tokens in all texts together, got more; send fewer at once`,
    param: 'input',
  });
}
