import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { encodeFloats } from '../../domain/float-base64.ts';
import { payload_bytes_max } from './function-call.ts';
import type { InvokeFunction } from './function-call.ts';
import { lambdaEmbed } from './lambda-embed.ts';

const requestSchema = z.object({ operation: z.literal('embed'), texts: z.array(z.string()) });
const model = {
  id: 'm',
  weights_sha256: '0'.repeat(64),
  precisions: ['fp32', 'int8'],
  default_precision: 'int8',
  dimension: 2,
} as const;

/** A function whose "vector" of a text is its length and its first character; a text that begins with `!` is refused. */
function openEmbed() {
  const calls: number[] = [];
  const invoke: InvokeFunction = async ({ payload }) => {
    expect(Buffer.byteLength(JSON.stringify(payload))).toBeLessThanOrEqual(payload_bytes_max.reply);
    const { texts } = requestSchema.parse(payload);
    calls.push(texts.length);
    const index = texts.findIndex((text) => text.startsWith('!'));
    if (index >= 0)
      return { ok: false, code: 'input_too_long', index, message: 'too long', facts: { tokens: 9, max: 8 } };
    const vectors = encodeFloats(Float32Array.from(texts.flatMap((text) => [text.length, text.codePointAt(0) ?? 0])));
    const truncated = texts.flatMap((text, at) => (text.startsWith('~') ? [at] : []));
    return { ok: true, dimension: 2, vectors, tokens: texts.map((text) => text.length % 256), truncated };
  };
  const adapter = lambdaEmbed({ invoke, function_name: 'embed-text' });
  return {
    calls,
    embed: (texts: readonly string[]) => adapter.embed({ model: 'm', texts, input_type: 'document', truncate: 'end' }),
  };
}

test('many texts go in several calls and come back in their order', async () => {
  const { calls, embed } = openEmbed();
  const texts = Array.from({ length: 1000 }, (_, index) => (index % 300 === 299 ? '~' : 'x').repeat(index + 1));
  const found = await embed(texts);
  expect(calls).toEqual([256, 256, 256, 232]);
  expect([...found.vectors].filter((_, at) => at % 2 === 0)).toEqual(texts.map((text) => text.length));
  expect([...found.tokens]).toEqual(texts.map((text) => text.length % 256));
  expect(found).toMatchObject({ dimension: 2, truncated: [299, 599, 899] });
});

test('long texts are split by their bytes as JSON', async () => {
  const { calls, embed } = openEmbed();
  const found = await embed(Array.from({ length: 8 }, () => '\u0001'.repeat(150_000)));
  expect(calls).toEqual([2, 2, 2, 2]);
  expect(found.tokens).toHaveLength(8);
});

test('the first text at fault is named by its place among all', async () => {
  const { embed } = openEmbed();
  const texts = Array.from({ length: 600 }, (_, index) => (index === 300 || index === 590 ? '!' : 'x'));
  await expect(embed(texts)).rejects.toMatchObject({
    name: 'ComputeRefusedError',
    code: 'input_too_long',
    index: 300,
    facts: { tokens: 9, max: 8 },
  });
});

test('no texts need no call', async () => {
  const { calls, embed } = openEmbed();
  expect(await embed([])).toEqual({
    vectors: new Float32Array(0),
    dimension: 0,
    tokens: new Uint32Array(0),
    truncated: [],
  });
  expect(calls).toEqual([]);
});

test('the models are asked for once, and again where that failed', async () => {
  let asked = 0;
  const invoke: InvokeFunction = async () => {
    asked += 1;
    if (asked === 1) throw new Error('no answer');
    return { models: [model] };
  };
  const embed = lambdaEmbed({ invoke, function_name: 'embed-text' });
  await expect(embed.describe()).rejects.toThrow('no answer');
  expect(await Promise.all([embed.describe(), embed.describe()])).toEqual([[model], [model]]);
  expect(asked).toBe(2);
});
