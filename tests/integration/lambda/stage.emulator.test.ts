import { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { emulatorSettings } from '../emulator/emulator-clients.ts';
import { feedFromQueue } from './feed-from-queue.ts';
import { openStage } from './open-stage.ts';
import type { OpenedStage } from './open-stage.ts';

// All functions of a stage together, behind a gateway that streams: what no emulator does.

let stage: OpenedStage;
let sqs: SQSClient;
let feed: { stop(): Promise<void> };

beforeAll(async () => {
  stage = await openStage({ emulator_url: process.env['SIGNET_EMULATOR_URL'] ?? '' });
  sqs = new SQSClient(emulatorSettings());
  const { server, environment } = stage;
  feed = feedFromQueue({ client: sqs, url: environment.queue_runs, server, function_name: 'advance-run' });
}, 60_000);

afterAll(async () => {
  await feed.stop();
  sqs.destroy();
  await stage.stop();
});

function ask(method: string, path: string, body?: object): Promise<Response> {
  return fetch(`${stage.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${stage.owner_token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

describe('the stock OpenAI client', () => {
  const client = () => new OpenAI({ apiKey: stage.owner_token, baseURL: `${stage.url}/v1`, maxRetries: 0 });
  const question = 'Which city is the capital of France? Paris is the capital of France.';

  test('chats, whole and streamed', async () => {
    const messages = [{ role: 'user' as const, content: question }];
    const whole = await client().chat.completions.create({ model: 'auto', messages });
    expect(whole.choices[0]?.message.content).toContain('Paris');
    let joined = '';
    let chunks = 0;
    for await (const chunk of await client().chat.completions.create({ model: 'auto', messages, stream: true })) {
      joined += chunk.choices[0]?.delta.content ?? '';
      chunks += 1;
    }
    expect(joined).toBe(whole.choices[0]?.message.content);
    expect(chunks).toBeGreaterThan(2);
  });

  test('reads errors', async () => {
    await expect(client().models.retrieve('gpt-9')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });

  test('embeds by the Rust function', async () => {
    if (!stage.functions.includes('embed-text')) {
      console.warn('skipped: embed-text or its model is not built (npm run build -- lambdas-host models)');
      return;
    }
    const model = 'all-MiniLM-L6-v2';
    const { data } = await client().embeddings.create({ model, input: ['a', 'b'], encoding_format: 'float' });
    expect(data.map(({ embedding }) => embedding.length)).toEqual([384, 384]);
  });
});

describe('a script', () => {
  test('runs in the sandbox of another function, and its events stream while it runs', async () => {
    if (!stage.functions.includes('run-script')) {
      console.warn('skipped: run-script or its image is not built (npm run build -- lambdas-host script-image)');
      return;
    }
    const script = 'print("begun", flush=True)\nprint(6 * 7)\n';
    const answer = await ask('POST', '/api/v1/runs', { script, mode: 'sync' });
    const run = (await answer.json()) as { state: string; stdout: string; receipts: string[] };
    expect(run).toMatchObject({ state: 'succeeded', stdout: 'begun\n42\n' });

    const streamed = await ask('POST', '/api/v1/runs', { script, mode: 'stream' });
    expect(streamed.headers.get('content-type')).toContain('text/event-stream');
    const text = await streamed.text();
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual(ids.map((_, index) => index + (ids[0] ?? 0)));
    expect(text).toContain('begun');
    expect(text).toMatch(/event: done\n/);
  });
});

test('query strings, bodies and paths come through as they were sent', async () => {
  const unknown = await ask('GET', '/api/v1/receipts/%2e%2e%2fx?a=1');
  expect([400, 404]).toContain(unknown.status);
  const twice = await ask('GET', '/api/v1/runs/0190a1b2-c3d4-7000-8000-000000000001?wait_ms=1&wait_ms=2');
  expect(await twice.json()).toMatchObject({ status: 400, param: 'wait_ms' });
  const odd = await fetch(`${stage.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stage.owner_token}`, 'content-type': 'application/json' },
    body: new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]),
  });
  expect(await odd.json()).toMatchObject({ error: { code: 'invalid_json' } });
});
