import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { startNode, type RunningNode } from '../e2e/running-node.ts';
import { fakeUpstream, type Fault, type FakeUpstream } from '../upstream/fake-upstream.ts';

/** A node with two providers, one by the environment and one by `signet.json`, driven by the stock client. */

const secret = 'sk-upstream-0123456789abcdef';
const messages = [{ role: 'user' as const, content: 'hello' }];

let home: string;
let first: FakeUpstream;
let second: FakeUpstream;
let node: RunningNode;
let client: OpenAI;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-upstream-'));
  first = await fakeUpstream({ models: ['big-1', 'text-embedding-x'], retry_after: '1', piece_ms: 20 });
  second = await fakeUpstream();
  const small = {
    name: 'small',
    base_url: second.base_url,
    models: ['m-2', 'm-1'],
    tools: false,
    json_schema: false,
    stream_usage: false,
    choices: false,
  };
  await writeFile(join(home, 'signet.json'), JSON.stringify({ providers: [small] }));
  node = await startNode({
    home,
    environment: { OPENAI_BASE_URL: first.base_url, OPENAI_API_KEY: secret, SIGNET_LOG: 'debug' },
  });
  client = new OpenAI({ apiKey: node.owner_key, baseURL: `${node.url}/v1`, maxRetries: 0 });
}, 120_000);

afterAll(async () => {
  await node?.stop();
  await first?.close();
  await second?.close();
  await rm(home, { recursive: true, force: true });
}, 30_000);

/** What reached the first provider, its list of models apart. */
const chats = () => first.requests.filter(({ path }) => path === '/v1/chat/completions');
const chat = (model: string) => client.chat.completions.create({ model, messages });

describe('a configured provider', () => {
  test('offers its models, as configured or as it lists them, and takes its own key alone', async () => {
    const listed: string[] = [];
    for await (const model of client.models.list()) listed.push(model.id);
    expect(listed).toEqual(expect.arrayContaining(['small/m-2', 'small/m-1', 'openai/big-1', 'edge/signet-edge-1']));
    expect(await client.models.retrieve('m-2')).toMatchObject({
      id: 'small/m-2',
      signet: { capabilities: ['chat', 'stream'], permitted: true },
    });
    await chat('big-1');
    await chat('m-1');
    expect(first.requests.at(-1)?.headers.authorization).toBe(`Bearer ${secret}`);
    expect(second.requests.at(-1)?.headers.authorization).toBeUndefined();
  });

  test('is asked in the way it understands', async () => {
    const before = second.requests.length;
    const three = await client.chat.completions.create({ model: 'm-2', messages, n: 3 });
    expect(three.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(second.requests.slice(before).map(({ body }) => body['n'])).toEqual([undefined, undefined, undefined]);
    const stream = await client.chat.completions.create({
      model: 'm-2',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    let usage: unknown;
    for await (const chunk of stream) usage = chunk.usage ?? usage;
    expect(usage).toMatchObject({ completion_tokens: expect.any(Number) });
    expect(second.requests.at(-1)?.body).not.toHaveProperty('stream_options');
  });

  test.each([
    ['500', 502, 'provider_error', 3],
    ['401', 502, 'provider_auth', 1],
    ['400', 400, 'provider_rejected', 1],
    ['malformed', 502, 'provider_malformed', 3],
    ['disconnect', 502, 'provider_error', 3],
    ['429', 429, 'provider_rate_limited', 3],
  ] as const)('that answers with %s fails as %i %s after %i attempts', async (fault: Fault, status, code, attempts) => {
    const before = chats().length;
    first.plan(...Array.from({ length: attempts }, () => fault));
    const failure: unknown = await chat('big-1').catch((error: unknown) => error);
    expect(failure).toMatchObject({ status, code });
    const { headers } = failure as { headers: Headers };
    expect(headers.get('signet-receipt')).toMatch(/^[0-9a-f]{64}$/);
    if (fault === '429') expect(headers.get('retry-after')).toBe('1');
    expect(chats().length - before).toBe(attempts);
  });

  test('that breaks off after the first piece ends the stream with an error, and is not asked again', async () => {
    const before = chats().length;
    first.plan('truncate');
    const stream = await client.chat.completions.create({ model: 'big-1', messages, stream: true });
    let text = '';
    const read = async (): Promise<void> => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    };
    await expect(read()).rejects.toMatchObject({ code: 'provider_malformed' });
    expect([text, chats().length - before]).toEqual(['Hel', 1]);
  });

  test.each([true, false])('is let go when the client leaves (stream: %p)', async (stream) => {
    first.plan(stream ? { text: 'word '.repeat(500) } : 'timeout');
    const leave = new AbortController();
    const before = chats().length;
    const asked = client.chat.completions.create({ model: 'big-1', messages, stream }, { signal: leave.signal });
    const read = async (): Promise<void> => {
      for await (const _chunk of (await asked) as AsyncIterable<unknown>) leave.abort();
    };
    const left = read().catch(() => undefined);
    while (chats().length === before) await new Promise((resolve) => setTimeout(resolve, 10));
    if (!stream) leave.abort();
    expect(await chats().at(-1)?.closed).toEqual({ ended: false });
    await left;
  });
});

test('the key stands in no log, no answer and no file', async () => {
  expect(node.output()).not.toContain(secret);
  const files = await readdir(home, { recursive: true, withFileTypes: true });
  for (const file of files.filter((one) => one.isFile())) {
    expect((await readFile(join(file.parentPath, file.name))).includes(secret)).toBe(false);
  }
});
