import { z } from 'zod';
import type { JsonObject } from '../../domain/json.ts';
import { ComputeRefusedError } from '../../domain/ports/compute.ts';
import type { EmbedCompute, Precision } from '../../domain/ports/compute.ts';
import { decodeFloats } from '../../domain/float-base64.ts';
import { asCapability } from './capability-error.ts';
import type { InvokeFunction } from './function-call.ts';
import { mapInParallel, splitByWeight } from './split-by-weight.ts';

export interface DescribedModel {
  readonly id: string;
  /** SHA-256 of the weights file. */
  readonly weights_sha256: string;
  readonly precisions: readonly Precision[];
  readonly default_precision: Precision;
  readonly dimension: number;
}

export interface LambdaEmbed extends EmbedCompute {
  /** The models in the function's layers. Asked once for the life of this process, unless that failed. */
  describe(): Promise<readonly DescribedModel[]>;
}

/** `embed` by the function `embed-text`. Texts that do not fit in one payload go in several, at once. */
export function lambdaEmbed(parts: { invoke: InvokeFunction; function_name: string }): LambdaEmbed {
  const { invoke, function_name } = parts;
  let described: Promise<readonly DescribedModel[]> | undefined;

  async function describe(): Promise<readonly DescribedModel[]> {
    const reply = await asCapability(
      'embed',
      invoke({ function_name, payload: { operation: 'describe' }, timeout_ms }),
    );
    return describedSchema.parse(reply).models;
  }

  return {
    describe() {
      described ??= describe().catch((error: unknown) => {
        described = undefined;
        throw error;
      });
      return described;
    },

    async embed({ model, precision, texts, input_type, truncate, signal }) {
      const groups = splitByWeight(texts, { weight: jsonBytes, weight_max, count_max: texts_max });
      const send = async (group: readonly string[]) => {
        const asked = precision === undefined ? {} : { precision };
        const payload = { operation: 'embed', model, ...asked, texts: group, input_type, truncate };
        const call = { function_name, payload, timeout_ms, ...(signal === undefined ? {} : { signal }) };
        return { reply: embeddedSchema.parse(await invoke(call)), count: group.length };
      };
      return joined(await asCapability('embed', mapInParallel(groups, send)));
    },
  };
}

/** The function's own; see `infra/`. */
const timeout_ms = 60_000;
/** The function takes 2 MiB of text at once; as JSON it is never shorter. */
const weight_max = 2_000_000;
/** A vector of 4,096 dimensions is 21.9 KB of base64: 256 of them fit in an answer. */
const texts_max = 256;

const precisionName = z.enum(['fp32', 'int8']);

const describedSchema = z.object({
  models: z.array(
    z.object({
      id: z.string(),
      weights_sha256: z.string(),
      precisions: z.array(precisionName).min(1),
      default_precision: precisionName,
      dimension: z.int().positive(),
    }),
  ),
});

const embeddedSchema = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    dimension: z.int().positive(),
    vectors: z.string(),
    tokens: z.array(z.int().min(0)),
    truncated: z.array(z.int().min(0)),
  }),
  z.object({
    ok: z.literal(false),
    code: z.string(),
    index: z.int().min(0).optional(),
    message: z.string(),
    facts: z.record(z.string(), z.json()).optional(),
  }),
]);

interface Answer {
  readonly reply: z.infer<typeof embeddedSchema>;
  /** Texts that it is of. */
  readonly count: number;
}

/** The answers as one, in order; the first refusal is that of the whole. */
function joined(answers: readonly Answer[]): Awaited<ReturnType<EmbedCompute['embed']>> {
  const count = answers.reduce((sum, answer) => sum + answer.count, 0);
  const tokens = new Uint32Array(count);
  const truncated: number[] = [];
  const vectors: Float32Array[] = [];
  let dimension = 0;
  let from = 0;
  for (const { reply, count: texts } of answers) {
    if (!reply.ok) throw refusalOf(reply, from);
    if (reply.tokens.length !== texts) throw new Error(`expected token counts of ${texts} texts of \`embed-text\``);
    dimension = reply.dimension;
    vectors.push(decodeFloats(reply.vectors, texts * dimension));
    tokens.set(reply.tokens, from);
    for (const index of reply.truncated) truncated.push(index + from);
    from += texts;
  }
  return { vectors: concatenated(vectors), dimension, tokens, truncated };
}

function refusalOf(reply: Extract<Answer['reply'], { ok: false }>, from: number): ComputeRefusedError {
  const { code, message, index } = reply;
  const facts = (reply.facts ?? {}) as JsonObject;
  return new ComputeRefusedError({ code, message, facts, ...(index === undefined ? {} : { index: index + from }) });
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** With its comma. */
function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) + 1;
}
