import limits from '@signet/shared/limits.json' with { type: 'json' };
import { SignetError } from '../errors.ts';
import { ComputeRefusedError, type EmbedCompute } from '../ports/compute.ts';
import type { EmbedRequest } from './embeddings.ts';
import { emptyText } from './empty-text.ts';
import type { CachedVector } from './vector-cache.ts';

/** Texts of one call to the engine: enough to fill its batches, few enough to stop soon after a limit or an abort. */
const part_texts_max = 256;

/**
 * Embeds `items` in parts, in order. The first text at fault refuses all; `index` of an item is its place in the
 * caller's list and names it in the error. The token limit is judged on real tokens, as each part answers.
 */
export async function embedInParts(work: {
  compute: EmbedCompute;
  model: string;
  items: readonly { readonly text: string; readonly index: number }[];
  request: Pick<EmbedRequest, 'input_type' | 'truncate'>;
  /** Tokens of the request's texts that are known already; they count towards its limit. */
  tokens_known: number;
  signal: AbortSignal;
}): Promise<CachedVector[]> {
  const { compute, model, items, request, signal } = work;
  const { input_type, truncate } = request;
  const answers: CachedVector[] = [];
  let tokens_sum = work.tokens_known;
  for (let from = 0; from < items.length; from += part_texts_max) {
    signal.throwIfAborted();
    const part = items.slice(from, from + part_texts_max);
    const texts = part.map(({ text }) => text);
    const answer = await compute
      .embed({ model, texts, input_type, truncate, signal })
      .catch((error: unknown) => Promise.reject(refusal(error, part)));
    const truncated = new Set(answer.truncated);
    for (let row = 0; row < part.length; row += 1) {
      const vector = answer.vectors.slice(row * answer.dimension, (row + 1) * answer.dimension);
      const tokens = answer.tokens[row] ?? 0;
      tokens_sum += tokens;
      answers.push({ vector, tokens, is_truncated: truncated.has(row) });
    }
    if (tokens_sum > limits.embeddings.tokens_max) throw tooManyTokens();
  }
  return answers;
}

function refusal(error: unknown, part: readonly { readonly index: number }[]): unknown {
  if (!(error instanceof ComputeRefusedError) || error.index === undefined) return error;
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
