import { join } from 'node:path';
import { SQSClient } from '@aws-sdk/client-sqs';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newCloudStage, type CloudStage } from '../../tests/fixtures/cloud-stage.ts';
import { emulatorSettings } from '../../tests/integration/emulator/emulator-clients.ts';
import { sqsQueue } from '../adapters/sqs/sqs-queue.ts';
import type { Call } from '../domain/call.ts';
import { continuations } from '../domain/chat/continuation.ts';
import { completionWithout } from '../domain/ports/script-host.ts';
import { cloudTable } from './cloud-adapters.ts';
import { openCloud, type OpenedCloud } from './open-cloud.ts';

// DynamoDB takes 400 KB an item and 4 MiB a transaction, and JSON may need six bytes for what was one: here every noun
// gets the largest that it takes, of the characters that cost most.

const escape = '\u001b';
const { signal } = new AbortController();
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
let stage: CloudStage;
let node: OpenedCloud;

beforeAll(async () => {
  stage = await newCloudStage();
  const repository = join(import.meta.dirname, '..', '..');
  node = await openCloud({ environment: stage.environment, repository, log, invoke: stage.invoke });
});
afterAll(() => stage.close());

async function newCall(): Promise<Call> {
  const principal = await node.services.apiKeys.authenticate(stage.owner_token);
  if (principal === undefined) throw new Error('the owner was not let in');
  let n = 0;
  return { principal, request_id: node.services.newId(), nextStatement: () => n++, depth: 0, signal };
}

test('a chat of a megabyte', async () => {
  const content = escape.repeat(limits.chat_text_bytes_max - 64);
  const { receipt } = await node.services.chat.complete(await newCall(), {
    model: 'edge/signet-edge-1',
    messages: [{ role: 'user', content }],
  });
  expect(await node.services.receipts.get(receipt, 'default')).toBeDefined();
});

test.each([
  ['escapes', escape],
  ['quotes', '"'],
  ['pictures', '\u{1f642}'],
])('a conversation that is continued, of %s', async (_what, unit) => {
  const table = cloudTable(stage.environment);
  const random = (length: number): Uint8Array => new Uint8Array(length).fill(unit.charCodeAt(0));
  const kept = continuations({ table, now: Date.now, random, kept_s: 60 });
  const content = unit.repeat(limits.chat_text_bytes_max / Buffer.byteLength(unit));
  const id = kept.newId();
  const tool_call = { id: `call_sg_${id}_0`, type: 'function', function: { name: 'f', arguments: '{}' } } as const;
  const messages = [{ role: 'assistant', content, tool_calls: [tool_call] }] as const;
  const call = await newCall();
  await kept.save(call, id, messages);
  expect(await kept.restore(call, messages)).toEqual(messages);
});

test('a request with the largest vectors, put, replaced and dropped', async () => {
  const { vectors } = node.services;
  const { dimension_max, metadata_bytes_max, content_bytes_max } = limits.vectors;
  await vectors.create(await newCall(), { name: 'large', dimension: dimension_max, metric: 'dot_product' });
  const metadata = { list: Array.from({ length: metadata_bytes_max / 2 - 16 }, () => 0) };
  const rows = Array.from({ length: 60 }, (_, n) => ({
    id: `row-${n}`,
    values: Array.from({ length: dimension_max }, (_value, at) => Math.sin(at + n)),
    metadata,
    content: 'é'.repeat(content_bytes_max / 2),
  }));
  const request = { collection: 'large', namespace: 'default', vectors: rows };
  for (const _round of ['put', 'replaced']) {
    const { value } = await vectors.put(await newCall(), request);
    expect(value.upserted).toBe(rows.length);
  }
  expect(await vectors.describe(await newCall(), 'large')).toMatchObject({ rows: rows.length });
  await vectors.drop(await newCall(), 'large');
});

test('a script, and a tool', async () => {
  const source = `x = 1\n${escape.repeat(limits.runs.script_bytes_max - 6)}`;
  const { value } = await node.services.scripts.put(await newCall(), { name: 'large', source });
  expect(await node.services.scripts.get(await newCall(), { name: 'large' })).toMatchObject({ source });
  const words = escape.repeat(4_000);
  await node.services.tools.put(await newCall(), {
    name: 'large',
    description: words,
    version: '1',
    parameters: { type: 'object', properties: { a: { type: 'string', description: words } } },
    side_effects: 'compute',
    timeout_ms: 1000,
    idempotent: true,
    allow_parallel: true,
    target: { kind: 'script', digest: value.digest, tool: 'f' },
  });
});

test('an answer that is repeated', async () => {
  const { principal } = await newCall();
  const request = { principal, key: 'large', digest: 'd'.repeat(64) };
  const begun = await node.services.idempotency.begin(request);
  if (begun.kind !== 'fresh') throw new Error('the key is fresh');
  const body = `"${escape.repeat(60_000)}"`;
  await begun.finish({ status: 200, headers: {}, body }, 'r'.repeat(64));
  expect(await node.services.idempotency.begin(request)).toMatchObject({ kind: 'stored', answer: { body } });
});

test('a run whose script, input, output and result are as long as they may be', async () => {
  const { runs } = node.services;
  const { output_bytes_max, result_bytes_max, input_bytes_max, script_bytes_max } = limits.runs;
  const script = `x = 1\n${escape.repeat(script_bytes_max - 6)}`;
  const input = '"'.repeat(input_bytes_max / 2 - 1);
  const { value } = await runs.create(await newCall(), {
    script,
    argv: [],
    input,
    limits: { output_bytes: output_bytes_max },
  });
  const client = new SQSClient(emulatorSettings());
  const { queue_runs: url, queue_runs_dlq: dead_letter_url } = stage.environment;
  const queue = sqsQueue({ client, url, dead_letter_url, attempts_max: 3 });
  const [message] = await queue.receive({ max: 1, visibility_ms: 30_000, wait_ms: 5_000, signal });
  const { job_id } = JSON.parse(message?.body ?? '{}') as { job_id: string };
  expect(await node.jobs.advance(job_id, signal)).toBe('rescheduled');
  client.destroy();

  const { payload } = stage.calls.find(({ function_name }) => function_name === 'run-script') ?? {};
  const { run_id, token } = payload as { run_id: string; token: string };
  const answer = (frame: Parameters<typeof runs.answerEngine>[0]['frame']) =>
    runs.answerEngine({ run_id, token, frame, output: [] });
  const started = await answer({ kind: 'start', engine: 'e'.repeat(32) });
  expect(started).toMatchObject({ kind: 'start', start: { script, input } });
  await answer({
    kind: 'completion',
    completion: {
      ...completionWithout({ state: 'succeeded', exit_code: 0 }),
      result: '"'.repeat(result_bytes_max / 2 - 1),
      stdout: escape.repeat(output_bytes_max),
      stderr: '\u{1f642}'.repeat(output_bytes_max / 4),
    },
  });
  const run = await runs.get(await newCall(), { id: value.id });
  expect(run).toMatchObject({ state: 'succeeded', stdout_truncated: false, stderr_truncated: false });
  expect(run.stdout).toHaveLength(output_bytes_max);
  expect(run.stderr).toHaveLength(output_bytes_max / 2);
  expect(run.result).toHaveLength(result_bytes_max / 2 - 1);
});
