import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { client_settings } from '../../../functions/adapters/aws/client-settings.ts';
import { functionInvoker } from '../../../functions/adapters/lambda/invoke-function.ts';
import type { FunctionCall, InvokeFunction } from '../../../functions/adapters/lambda/function-call.ts';
import { failBy } from '../emulator/failing-client.ts';
import type { Fault } from '../emulator/failing-client.ts';
import { startLambdaServer } from './lambda-server.ts';
import type { LambdaServer } from './lambda-server.ts';

let folder: string;
let server: LambdaServer;
let client: LambdaClient;
let invoke: InvokeFunction;

const echo = `export const handler = async (event) => {
  if (event.fail) throw new RangeError('secret of the function');
  if (event.exit) process.exit(1);
  if (event.sleep_ms) await new Promise((resolve) => setTimeout(resolve, event.sleep_ms));
  return event;
};`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-invoke-'));
  await mkdir(join(folder, 'echo'));
  await writeFile(join(folder, 'echo', 'index.mjs'), echo);
  const spec = { folder: join(folder, 'echo') };
  server = await startLambdaServer({ functions: { echo: spec, hasty: { ...spec, timeout_ms: 200 } } });
  client = newClient();
  invoke = functionInvoker({ client, rules: { wait_ms_base: 1 } });
});
afterAll(async () => {
  client.destroy();
  await server.stop();
  await rm(folder, { recursive: true });
});

function newClient(): LambdaClient {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  return new LambdaClient({ ...client_settings, endpoint: server.url, region: 'us-east-1', credentials });
}

const call = (payload: FunctionCall['payload'], more: Partial<FunctionCall> = {}): FunctionCall => ({
  function_name: 'echo',
  payload,
  timeout_ms: 5000,
  ...more,
});
const invocations = (name: string) => server.reports(name).flatMap((report) => report.invocations);

test('gives what the function returns', async () => {
  expect(await invoke(call({ a: [1, 'é', null] }))).toEqual({ a: [1, 'é', null] });
});

test('an event is taken and not waited for', async () => {
  const before = invocations('echo').length;
  expect(await invoke(call({ sleep_ms: 50 }, { kind: 'event' }))).toBeNull();
  await server.idle();
  expect(invocations('echo')).toHaveLength(before + 1);
});

test('throttling, an unavailable service and a process that was killed are survived', async () => {
  server.inject('echo', 'throttled', 'unavailable', 'killed', 'throttled');
  expect(await invoke(call({ a: 1 }))).toEqual({ a: 1 });
});

test('a lost answer and a connection that was never made are survived', async () => {
  const failing = newClient();
  const faults: Fault[] = ['unheard', 'unsent', 'broken'];
  failBy(failing, () => faults.shift());
  expect(await functionInvoker({ client: failing, rules: { wait_ms_base: 1 } })(call({ a: 1 }))).toEqual({ a: 1 });
  expect(faults).toEqual([]);
  failing.destroy();
});

test('is given up as busy when throttling goes on', async () => {
  server.inject('echo', ...Array.from({ length: 500 }, () => 'throttled' as const));
  let time = 0;
  const rules = {
    deadline_ms: 100,
    sleep: async (ms: number) => void (time += ms),
    clock: () => time,
    random: () => 1,
  };
  const failed = functionInvoker({ client, rules })(call({}));
  await expect(failed).rejects.toMatchObject({
    name: 'FunctionUnavailableError',
    failure: 'busy',
    function_name: 'echo',
  });
  server.clearFaults('echo');
});

test('a function that is not there is told at once', async () => {
  const failed = invoke(call({}, { function_name: 'nobody' }));
  await expect(failed).rejects.toMatchObject({ name: 'FunctionUnavailableError', failure: 'permanent' });
});

test('an error of the function is not repeated, and its text stays inside', async () => {
  const before = invocations('echo').length;
  const error = await invoke(call({ fail: true })).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'FunctionFailedError', error_type: 'RangeError', function_name: 'echo' });
  expect(String(error)).not.toContain('secret');
  expect((error as Error).cause).toMatchObject({ message: 'secret of the function' });
  expect(invocations('echo')).toHaveLength(before + 1);
});

test('an input that ends the process is tried twice and no more', async () => {
  const before = invocations('echo').length;
  const failed = invoke(call({ exit: true }));
  await expect(failed).rejects.toMatchObject({ name: 'FunctionFailedError', error_type: 'Runtime.ExitError' });
  expect(invocations('echo')).toHaveLength(before + 2);
});

test('work past the time of the function is not begun again', async () => {
  const failed = invoke(call({ sleep_ms: 60_000 }, { function_name: 'hasty' }));
  await expect(failed).rejects.toMatchObject({ name: 'FunctionFailedError', error_type: 'Sandbox.Timedout' });
  expect(invocations('hasty')).toHaveLength(1);
});

test('a payload over the quota is not sent', async () => {
  const before = invocations('echo').length;
  const text = 'x'.repeat(6_000_000);
  const refusal = { name: 'PayloadTooLargeError', bytes: 6_000_011, bytes_max: 6_000_000 };
  await expect(invoke(call({ text }))).rejects.toMatchObject(refusal);
  const event = call({ text: 'x'.repeat(1_000_000) }, { kind: 'event' });
  await expect(invoke(event)).rejects.toMatchObject({ bytes_max: 1_000_000 });
  expect(await invoke(call({ text: text.slice(11) }))).toHaveProperty('text');
  expect(invocations('echo')).toHaveLength(before + 1);
});

test('an abort ends the call with its reason: before it, in it, and between attempts', async () => {
  const gone = new Error('client gone');
  await expect(invoke(call({}, { signal: AbortSignal.abort(gone) }))).rejects.toBe(gone);
  const during = new AbortController();
  const running = invoke(call({ sleep_ms: 2000 }, { signal: during.signal }));
  setTimeout(() => during.abort(gone), 100);
  await expect(running).rejects.toBe(gone);
  server.inject('echo', 'throttled');
  const waiting = new AbortController();
  const slow = functionInvoker({ client, rules: { wait_ms_base: 1000, random: () => 1 } });
  const repeated = slow(call({}, { signal: waiting.signal }));
  setTimeout(() => waiting.abort(gone), 100);
  await expect(repeated).rejects.toBe(gone);
});
