import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { startLambdaServer } from './lambda-server.ts';
import type { LambdaServer } from './lambda-server.ts';

let folder: string;
let server: LambdaServer;
let client: LambdaClient;

const node_function = `
let calls = 0;
export const handler = async (event, context) => {
  calls += 1;
  console.log('call', calls);
  if (event.fail) throw new RangeError('out of range');
  if (event.sleep_ms) await new Promise((resolve) => setTimeout(resolve, event.sleep_ms));
  if (event.exit) process.exit(3);
  if (event.bytes) return 'x'.repeat(event.bytes);
  return { calls, name: context.functionName, remaining: context.getRemainingTimeInMillis(), environment: process.env };
};`;
const streaming_function = `
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const body = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { a: 'b' } });
  for (const piece of event.pieces) {
    body.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if (event.fail) throw new Error('late');
  body.end();
});`;
/** What a Rust `bootstrap` does, without Rust. */
const native_function = `#!${process.execPath}
const api = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/invocation/';
for (;;) {
  const next = await fetch(api + 'next');
  const id = next.headers.get('lambda-runtime-aws-request-id');
  await fetch(api + id + '/response', { method: 'POST', body: JSON.stringify({ echo: await next.json() }) });
}`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-lambda-'));
  const write = async (name: string, file: string, text: string) => {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, file), text);
    await chmod(join(folder, name, file), 0o755);
    return join(folder, name);
  };
  const plain = await write('plain', 'index.mjs', node_function);
  const streams = await write('streams', 'index.mjs', streaming_function);
  server = await startLambdaServer({
    functions: {
      plain: { folder: plain, environment: { SIGNET_STAGE: 'test' }, memory_mb: 256, concurrency: 2 },
      hasty: { folder: plain, timeout_ms: 200 },
      streams: { folder: streams },
      unstreamed: { folder: streams, has_streaming: false },
      native: { folder: await write('native', 'bootstrap', native_function) },
      broken: { folder: await write('broken', 'index.mjs', 'throw new Error("no start")') },
    },
  });
  client = new LambdaClient({
    endpoint: server.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
});
afterAll(async () => {
  client.destroy();
  await server.stop();
  await rm(folder, { recursive: true });
});

const invoke = async (FunctionName: string, event: object, InvocationType?: 'Event') => {
  const type = InvocationType === undefined ? {} : { InvocationType };
  const command = new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(event)), ...type });
  const { StatusCode, FunctionError, Payload } = await client.send(command);
  const text = Buffer.from(Payload ?? []).toString();
  return { StatusCode, FunctionError, reply: text === '' ? undefined : JSON.parse(text) };
};

test('a warm process answers again, with a scrubbed environment and its deadline', async () => {
  const first = await invoke('plain', {});
  const second = await invoke('arn:aws:lambda:us-east-1:000000000000:function:plain', {});
  expect(first).toMatchObject({ StatusCode: 200, FunctionError: undefined, reply: { calls: 1, name: 'plain' } });
  expect(second.reply.calls).toBe(2);
  expect(first.reply.remaining).toBeLessThanOrEqual(30_000);
  expect(first.reply.environment).toMatchObject({ SIGNET_STAGE: 'test', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256' });
  expect(Object.keys(first.reply.environment)).not.toContain('HOME');
  const [report] = server.reports('plain');
  expect(report?.init_ms).toBeGreaterThan(0);
  expect(report?.invocations).toHaveLength(2);
  expect(server.logs('plain')).toContain('call 2');
});

test('an executable `bootstrap` is a function too', async () => {
  expect((await invoke('native', { a: 1 })).reply).toEqual({ echo: { a: 1 } });
});

test('an error of the function is told apart from its reply', async () => {
  const { StatusCode, FunctionError, reply } = await invoke('plain', { fail: true });
  expect({ StatusCode, FunctionError }).toEqual({ StatusCode: 200, FunctionError: 'Unhandled' });
  expect(reply).toMatchObject({ errorType: 'RangeError', errorMessage: 'out of range' });
});

test.each([
  ['exits', 'plain', { exit: true }, 'Runtime.ExitError'],
  ['takes too long', 'hasty', { sleep_ms: 5000 }, 'Sandbox.Timedout'],
  ['says too much', 'plain', { bytes: 6_291_556 }, 'Function.ResponseSizeTooLarge'],
  ['does not start', 'broken', {}, 'Error'],
])(
  'a process that %s is an error of the function, and the next call meets a fresh one',
  async (_, name, event, type) => {
    expect(await invoke(name, event)).toMatchObject({ FunctionError: 'Unhandled', reply: { errorType: type } });
    if (name !== 'broken') expect((await invoke(name, {})).FunctionError).toBeUndefined();
  },
);

test('more callers than processes are throttled, events wait', async () => {
  await server.coolDown('plain');
  const before = server.reports('plain').length;
  const calls = await Promise.allSettled(Array.from({ length: 3 }, () => invoke('plain', { sleep_ms: 300 })));
  const failed = calls.flatMap((call) => (call.status === 'rejected' ? [call.reason.name] : []));
  expect(failed).toEqual(['TooManyRequestsException']);
  expect(server.reports('plain')).toHaveLength(before + 2);
  const events = await Promise.all(Array.from({ length: 3 }, () => invoke('plain', { sleep_ms: 50 }, 'Event')));
  expect(events.map(({ StatusCode }) => StatusCode)).toEqual([202, 202, 202]);
  await server.idle();
  const done = server
    .reports('plain')
    .slice(before)
    .flatMap(({ invocations }) => invocations);
  expect(done).toHaveLength(5);
});

test('refuses what the platform refuses', async () => {
  const text = (bytes: number) => ({ text: 'x'.repeat(bytes) });
  await expect(invoke('nobody', {})).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await expect(invoke('plain', text(6_291_456))).rejects.toMatchObject({ name: 'RequestTooLargeException' });
  await expect(invoke('plain', text(1_048_576), 'Event')).rejects.toMatchObject({ name: 'RequestTooLargeException' });
});

test('injected faults happen once each, in their order', async () => {
  server.inject('plain', 'throttled', 'unavailable', 'too-large', 'unheard', 'killed');
  await expect(invoke('plain', {})).rejects.toMatchObject({ name: 'TooManyRequestsException' });
  await expect(invoke('plain', {})).rejects.toMatchObject({ name: 'ServiceException' });
  await expect(invoke('plain', {})).rejects.toMatchObject({ name: 'RequestTooLargeException' });
  await expect(invoke('plain', {})).rejects.toThrow('socket hang up');
  expect(await invoke('plain', { sleep_ms: 5000 })).toMatchObject({ reply: { errorType: 'Runtime.ExitError' } });
  expect((await invoke('plain', {})).FunctionError).toBeUndefined();
});

test('a streamed answer comes in pieces behind its prelude', async () => {
  const pieces: string[] = [];
  const answer = await server.invoke(
    'streams',
    { pieces: ['one', 'two'] },
    {
      onChunk: (chunk, content_type) => pieces.push(`${content_type} ${chunk.toString()}`),
    },
  );
  expect(answer).toMatchObject({ kind: 'reply', is_streamed: true });
  expect(answer.body.toString()).toBe(`{"statusCode":201,"headers":{"a":"b"}}${'\0'.repeat(8)}onetwo`);
  expect(pieces.length).toBeGreaterThan(1);
  expect(pieces[0]).toMatch(/^application\/vnd\.awslambda\.http-integration-response /);
  const broken = await server.invoke('streams', { pieces: ['one'], fail: true });
  expect(broken).toMatchObject({ kind: 'error', is_streamed: true });
  expect(JSON.parse(broken.body.toString())).toMatchObject({ errorMessage: 'late' });
});

test('`awslambda` can be absent, as in emulators', async () => {
  const answer = await server.invoke('unstreamed', { pieces: [] });
  expect(JSON.parse(answer.body.toString())).toMatchObject({ errorMessage: 'awslambda is not defined' });
});
