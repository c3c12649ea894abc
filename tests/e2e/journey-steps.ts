// The journey of a user, step by step, the same at a node on this machine and at a deployed one.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import OpenAI from 'openai';
import { repository } from './running-node.ts';
import type { Visitor } from './visitor.ts';

/** Models, embeddings in both encodings, a chat, the same streamed, a tool of the client's. */
export async function useStockNodeClient({ url, key }: Visitor): Promise<void> {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key });
  const models: string[] = [];
  for await (const model of client.models.list()) models.push(model.id);
  expect(models).toEqual(expect.arrayContaining(['edge/signet-edge-1', 'all-MiniLM-L6-v2']));

  const [floats, base64] = await Promise.all([
    client.embeddings.create({ model: 'all-MiniLM-L6-v2', input: ['a cat'], encoding_format: 'float' }),
    client.embeddings.create({ model: 'all-MiniLM-L6-v2', input: ['a cat'] }),
  ]);
  expect(floats.data[0]?.embedding).toHaveLength(384);
  expect(base64.data[0]?.embedding).toEqual(floats.data[0]?.embedding);

  const messages = [{ role: 'user' as const, content: 'What is Rust? Rust is a language. It has no collector.' }];
  const plain = await client.chat.completions.create({ model: 'signet-edge-1', messages });
  const stream = await client.chat.completions.create({ model: 'signet-edge-1', messages, stream: true });
  let joined = '';
  for await (const chunk of stream) joined += chunk.choices[0]?.delta.content ?? '';
  expect(joined).toBe(plain.choices[0]?.message.content);

  const runner = client.chat.completions.runTools({
    model: 'signet-edge-1',
    messages: [{ role: 'user', content: 'Please call soma with a=12 and b=30' }],
    tools: [
      {
        type: 'function',
        function: {
          name: 'soma',
          description: 'Adds a and b.',
          parameters: {
            type: 'object',
            properties: { a: { type: 'number' }, b: { type: 'number' } },
            required: ['a', 'b'],
          },
          parse: JSON.parse as (text: string) => { a: number; b: number },
          function: ({ a, b }: { a: number; b: number }) => String(a + b),
        },
      },
    ],
  });
  expect(await runner.finalContent()).toContain('soma = 42');
}

const texts = [
  'The cat slept all afternoon on the warm windowsill.',
  'Quarterly revenue rose by eleven percent on strong cloud sales.',
  'Knead the dough for ten minutes and let it rise overnight.',
  'The spacecraft entered orbit around Mars after seven months.',
  'Photosynthesis turns sunlight, water and carbon dioxide into sugar.',
  'The striker scored twice in the final minutes of the match.',
  'Borrow checking prevents data races at compile time.',
  'The museum shows medieval manuscripts from Portugal.',
  'Heavy rain flooded the streets of the old town.',
  'The vaccine trains the immune system against the virus.',
];

/** Ten short texts in the collection `notes`; a paraphrase finds its own first. */
export async function findParaphrases(visitor: Visitor): Promise<void> {
  await visitor.json('POST', '/api/v1/vectors/collections', { name: 'notes', model: 'all-MiniLM-L6-v2' });
  const put = (await visitor.json('POST', '/api/v1/vectors/collections/notes/put', {
    vectors: texts.map((text, index) => ({ id: `n${index}`, text, content: text })),
  })) as { upserted: number };
  expect(put.upserted).toBe(10);
  expect(await nearestNote(visitor, 'A kitten napped in the sun')).toBe('n0');
  expect(await nearestNote(visitor, 'A probe reached the red planet')).toBe('n3');
  expect(await nearestNote(visitor, 'How bread is made at home')).toBe('n2');
  expect(await nearestNote(visitor, 'Rust stops concurrent memory bugs before the program runs')).toBe('n6');
}

/** The id of the note of `findParaphrases` that is nearest to a text. */
export async function nearestNote(visitor: Visitor, text: string): Promise<string | undefined> {
  const answer = (await visitor.json('POST', '/api/v1/vectors/collections/notes/query', { text, k: 3 })) as {
    hits: { id: string }[];
  };
  return answer.hits[0]?.id;
}

export interface RunSeen {
  readonly id: string;
  readonly state: string;
  readonly exit_code: number;
  readonly stdout: string;
  readonly receipts: readonly string[];
}

/** examples/soma.py, waited for; each receipt that it left verifies offline. */
export async function runExample(visitor: Visitor): Promise<RunSeen> {
  const script = await readFile(join(repository, 'examples', 'soma.py'), 'utf8');
  const run = (await visitor.json('POST', '/api/v1/runs', { script })) as RunSeen;
  expect(run).toMatchObject({ state: 'succeeded', exit_code: 0 });
  expect(run.stdout).toContain('42');
  expect(run.receipts.length).toBeGreaterThanOrEqual(5);
  for (const id of run.receipts) await visitor.verifyOffline(id);
  return run;
}

/** An answer and a refusal leave receipts; a bit that flips in a file is seen. */
export async function leaveReceipts(visitor: Visitor): Promise<void> {
  const chat = { model: 'signet-edge-1', messages: [{ role: 'user', content: 'hello' }] };
  const answered = await visitor.request('POST', '/v1/chat/completions', chat);
  await visitor.verifyOffline(String(answered.headers.get('signet-receipt')));

  const made = (await visitor.json('POST', '/api/v1/api-keys', { label: 'reader', scopes: ['models:read'] })) as {
    token: string;
  };
  const refused = await visitor.request('POST', '/v1/chat/completions', chat, made.token);
  expect(refused.status).toBe(403);
  const file = await visitor.verifyOffline(String(refused.headers.get('signet-receipt')));

  const bytes = await readFile(file);
  bytes[Math.floor(bytes.length / 3)] = (bytes[Math.floor(bytes.length / 3)] ?? 0) ^ 1;
  await writeFile(file, bytes);
  await expect(visitor.signet(['verify', file])).rejects.toMatchObject({ code: expect.any(Number) });
}
