import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { repository, startNode, waitFor, type RunningNode } from './running-node.ts';

const execute = promisify(execFile);
const python = join(repository, '.signet-build', 'cache', 'e2e-python', 'bin', 'python');

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

let home: string;
let node: RunningNode;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-e2e-'));
  node = await startNode({ home });
  await waitFor('the native parts to be taken up', async () => {
    const status = (await json('GET', '/api/v1/status')) as { compute: Record<string, { served_by: string }> };
    const waiting = ['sign', 'score', 'embed', 'run'].filter((name) => status.compute[name]?.served_by !== 'native');
    return waiting.length === 0 ? true : undefined;
  });
}, 180_000);

afterAll(async () => {
  await node?.stop();
  await rm(home, { recursive: true, force: true });
});

describe('a node as a user starts it', () => {
  test('says where it is, where the key is, and what to try', () => {
    expect(node.output()).toContain(node.url);
    expect(node.output()).toContain('owner.key');
    expect(node.output()).toContain('curl');
  });

  test('serves the stock OpenAI client for Node: models, embeddings, chat, stream, tools', async () => {
    const client = new OpenAI({ baseURL: `${node.url}/v1`, apiKey: node.owner_key });
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
  });

  test('serves the stock OpenAI client for Python alike', async () => {
    const { stdout } = await execute(python, [join(repository, 'tests', 'e2e', 'stock_client.py')], {
      env: { PATH: process.env['PATH'], SIGNET_URL: node.url, SIGNET_KEY: node.owner_key },
    });
    const seen = JSON.parse(stdout) as Record<string, unknown>;
    expect(seen).toMatchObject({
      dimension: 384,
      base64_equals_float: true,
      tool: 'soma',
      arguments: { a: 12, b: 30 },
      final: expect.stringContaining('soma = 42'),
      unknown_model: 'model_not_found',
      wrong_key: 'invalid_api_key',
    });
    expect(seen['streamed']).toBe(seen['plain']);
    expect(seen['stream_total_tokens']).toBeGreaterThan(0);
  });

  test('finds a paraphrase first among ten short texts', async () => {
    await json('POST', '/api/v1/vectors/collections', { name: 'notes', model: 'all-MiniLM-L6-v2' });
    const put = (await json('POST', '/api/v1/vectors/collections/notes/put', {
      vectors: texts.map((text, index) => ({ id: `n${index}`, text, content: text })),
    })) as { upserted: number };
    expect(put.upserted).toBe(10);
    const first = async (text: string) => {
      const answer = (await json('POST', '/api/v1/vectors/collections/notes/query', { text, k: 3 })) as {
        hits: { id: string }[];
      };
      return answer.hits[0]?.id;
    };
    expect(await first('A kitten napped in the sun')).toBe('n0');
    expect(await first('A probe reached the red planet')).toBe('n3');
    expect(await first('How bread is made at home')).toBe('n2');
    expect(await first('Rust stops concurrent memory bugs before the program runs')).toBe('n6');
  });

  test.each(['soma.py', 'soma-pt.py'])('runs examples/%s through the command and prints 42', async (file) => {
    const { stdout } = await signet(['run', join('examples', file)]);
    expect(stdout).toContain('42');
  });

  test('runs the example over HTTP, and each of its receipts verifies offline', async () => {
    const script = await readFile(join(repository, 'examples', 'soma.py'), 'utf8');
    const run = (await json('POST', '/api/v1/runs', { script })) as {
      state: string;
      exit_code: number;
      stdout: string;
      receipts: string[];
    };
    expect(run).toMatchObject({ state: 'succeeded', exit_code: 0 });
    expect(run.stdout).toContain('42');
    expect(run.receipts.length).toBeGreaterThanOrEqual(5);
    for (const id of run.receipts) await verifyOffline(id);
  });

  test('leaves a receipt for an answer and for a refusal, and a flipped bit is seen', async () => {
    const answered = await request('POST', '/v1/chat/completions', {
      model: 'signet-edge-1',
      messages: [{ role: 'user', content: 'hello' }],
    });
    await verifyOffline(String(answered.headers.get('signet-receipt')));

    const made = (await json('POST', '/api/v1/api-keys', { label: 'reader', scopes: ['models:read'] })) as {
      token: string;
    };
    const refused = await request(
      'POST',
      '/v1/chat/completions',
      { model: 'signet-edge-1', messages: [{ role: 'user', content: 'hello' }] },
      made.token,
    );
    expect(refused.status).toBe(403);
    const file = await verifyOffline(String(refused.headers.get('signet-receipt')));

    const bytes = await readFile(file);
    bytes[Math.floor(bytes.length / 3)] = (bytes[Math.floor(bytes.length / 3)] ?? 0) ^ 1;
    await writeFile(file, bytes);
    await expect(signet(['verify', file])).rejects.toMatchObject({ code: expect.any(Number) });
  });

  test('loses nothing acknowledged to kill -9', async () => {
    const accepted = (await json('POST', '/api/v1/runs', {
      script: 'import time\nfor i in range(30):\n    time.sleep(0.1)\nprint("done")',
      mode: 'async',
    })) as { id: string };
    const kept = await request('POST', '/v1/chat/completions', {
      model: 'signet-edge-1',
      messages: [{ role: 'user', content: 'remember' }],
    });
    const receipt = String(kept.headers.get('signet-receipt'));
    await node.kill();
    node = await startNode({ home });
    await verifyOffline(receipt);
    const run = await waitFor('the run to be resumed', async () => {
      const now = (await json('GET', `/api/v1/runs/${accepted.id}`)) as { state: string; stdout: string };
      return now.state === 'succeeded' ? now : undefined;
    });
    expect(run.stdout).toBe('done\n');
    const found = (await json('POST', '/api/v1/vectors/collections/notes/query', {
      text: 'a goal late in the game',
      k: 1,
    })) as {
      hits: { id: string }[];
    };
    expect(found.hits[0]?.id).toBe('n5');
  }, 180_000);

  test('a second node on the same home says so, and SIGTERM ends the first with 0', async () => {
    await expect(signet(['serve', '--port', '0'])).rejects.toMatchObject({ stderr: expect.stringMatching(/in use/) });
    expect(await node.stop()).toBe(0);
  }, 60_000);
});

async function request(method: string, path: string, body?: unknown, key = node.owner_key): Promise<Response> {
  return await fetch(`${node.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function json(method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await request(method, path, body);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text) as unknown;
}

/** The receipt in a file, checked by the command in a process that dies if it opens a socket. */
async function verifyOffline(id: string): Promise<string> {
  const answer = await request('GET', `/api/v1/receipts/${id}`);
  expect(answer.status).toBe(200);
  const file = join(home, `${id}.json`);
  await writeFile(file, Buffer.from(await answer.arrayBuffer()));
  const { stdout } = await signet(['verify', file], {
    NODE_OPTIONS: `--import=${join(repository, 'tests/e2e/without-sockets.mjs')}`,
  });
  expect(stdout).toContain('valid');
  return file;
}

async function signet(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  return await execute(process.execPath, [join(repository, 'clients/cli/bin/signet.mjs'), ...args, '--home', home], {
    cwd: repository,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment },
  });
}
