import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findParaphrases, leaveReceipts, nearestNote, runExample, useStockNodeClient } from './journey-steps.ts';
import { repository, startNode, waitFor, type RunningNode } from './running-node.ts';
import { makeVisitor, type Visitor } from './visitor.ts';

const execute = promisify(execFile);
const python = join(repository, '.signet-build', 'cache', 'e2e-python', 'bin', 'python');

let home: string;
let node: RunningNode;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-e2e-'));
  node = await startNode({ home });
  await waitFor('the native parts to be taken up', async () => {
    const status = (await visitor().json('GET', '/api/v1/status')) as {
      compute: Record<string, { served_by: string }>;
    };
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

  test('serves the stock OpenAI client for Node: models, embeddings, chat, stream, tools', () =>
    useStockNodeClient(visitor()));

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

  test("counts what it did in metrics that Prometheus's own parsers read", async () => {
    const { stdout } = await execute(python, [join(repository, 'tests', 'e2e', 'metrics_client.py')], {
      env: { PATH: process.env['PATH'], SIGNET_URL: node.url, SIGNET_KEY: node.owner_key },
    });
    const { openmetrics, plain } = JSON.parse(stdout) as Record<'openmetrics' | 'plain', ReadMetrics>;
    expect(openmetrics.content_type).toMatch(/^application\/openmetrics-text; version=1\.0\.0/);
    expect(plain.content_type).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(openmetrics.types).toMatchObject({ signet_requests: 'counter', signet_uptime_seconds: 'gauge' });
    expect(openmetrics.types).toMatchObject({ signet_request_duration_seconds: 'histogram' });
    for (const { values } of [openmetrics, plain]) {
      expect(values['signet_requests_total{"action": "chat", "code": "ok"}']).toBeGreaterThan(0);
      expect(values['signet_snr_threshold_ratio{}']).toBe(0.85);
      expect(values['signet_request_duration_seconds_count{"action": "chat"}']).toBeGreaterThan(0);
    }
  });

  test('finds a paraphrase first among ten short texts', () => findParaphrases(visitor()));

  test.each(['soma.py', 'soma-pt.py'])('runs examples/%s through the command and prints 42', async (file) => {
    const { stdout } = await visitor().signet(['run', join('examples', file)]);
    expect(stdout).toContain('42');
  });

  test('runs the example over HTTP, and each of its receipts verifies offline', async () => {
    await runExample(visitor());
  });

  test('leaves a receipt for an answer and for a refusal, and a flipped bit is seen', () => leaveReceipts(visitor()));

  test('loses nothing acknowledged to kill -9', async () => {
    const accepted = (await visitor().json('POST', '/api/v1/runs', {
      script: 'import time\nfor i in range(30):\n    time.sleep(0.1)\nprint("done")',
      mode: 'async',
    })) as { id: string };
    const kept = await visitor().request('POST', '/v1/chat/completions', {
      model: 'signet-edge-1',
      messages: [{ role: 'user', content: 'remember' }],
    });
    const receipt = String(kept.headers.get('signet-receipt'));
    await node.kill();
    node = await startNode({ home });
    await visitor().verifyOffline(receipt);
    const run = await waitFor('the run to be resumed', async () => {
      const now = (await visitor().json('GET', `/api/v1/runs/${accepted.id}`)) as { state: string; stdout: string };
      return now.state === 'succeeded' ? now : undefined;
    });
    expect(run.stdout).toBe('done\n');
    expect(await nearestNote(visitor(), 'a goal late in the game')).toBe('n5');
  }, 180_000);

  test('a second node on the same home says so, and SIGTERM ends the first with 0', async () => {
    await expect(visitor().signet(['serve', '--port', '0'])).rejects.toMatchObject({
      stderr: expect.stringMatching(/in use/),
    });
    expect(await node.stop()).toBe(0);
  }, 60_000);
});

/** What `metrics_client.py` prints of one format. */
interface ReadMetrics {
  readonly content_type: string;
  readonly types: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, number>>;
}

/** Of the node as it runs now: another start listens on another port. */
function visitor(): Visitor {
  return makeVisitor({ url: node.url, key: node.owner_key, home });
}
