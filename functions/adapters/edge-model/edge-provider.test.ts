import { expect, test } from '@jest/globals';
import type { ProviderChunk, ProviderRequest } from '../../domain/ports/provider.ts';
import { edgeProvider } from './edge-provider.ts';

const asked: ProviderRequest = {
  model: 'signet-edge-1',
  messages: [{ role: 'user', content: 'Rust is fast.  Python is easy. What is fast?' }],
  tools: [],
  stream: false,
  extra: {},
};
const signal = new AbortController().signal;

async function all(request: ProviderRequest): Promise<ProviderChunk[]> {
  const chunks: ProviderChunk[] = [];
  for await (const chunk of edgeProvider().chat(request, signal)) chunks.push(chunk);
  return chunks;
}
const textOf = (chunks: ProviderChunk[]) =>
  chunks.flatMap((chunk) => chunk.choices.map(({ text }) => text ?? '')).join('');

test('comes whole, or word by word with the same text and usage', async () => {
  const whole = await all(asked);
  const streamed = await all({ ...asked, stream: true });
  expect(whole[0]).toEqual({ choices: [{ index: 0, text: 'Rust is fast.' }] });
  expect(streamed.map((chunk) => chunk.choices[0]?.text)).toEqual(['Rust ', 'is ', 'fast.', undefined, undefined]);
  expect(textOf(streamed)).toBe(textOf(whole));
  expect(streamed.at(-1)).toEqual(whole.at(-1));
});

test('says that it is rules', async () => {
  expect(await edgeProvider().models(signal)).toMatchObject([{ id: 'edge/signet-edge-1', tier: 'edge', rules: true }]);
});

test('refuses another model, a form it cannot fill, and a client that is gone', async () => {
  await expect(all({ ...asked, model: 'x' })).rejects.toMatchObject({ code: 'model_not_found' });
  const response_format = { type: 'json_schema', json_schema: { name: 's', schema: { not: {} } } };
  await expect(all({ ...asked, response_format })).rejects.toMatchObject({
    public: { code: 'unsupported_parameter', param: 'response_format' },
  });
  const gone = edgeProvider().chat(asked, AbortSignal.abort());
  await expect(gone[Symbol.asyncIterator]().next()).rejects.toThrow();
});
