import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { JsonObject } from '../../../functions/domain/json.ts';
import { startLambdaServer } from './lambda-server.ts';
import type { LambdaServer } from './lambda-server.ts';
import { rustFunction } from './rust-functions.ts';
import { serveScript } from './serve-script.ts';
import type { ScriptDesk } from './serve-script.ts';

// The function as it is deployed, with the real sandbox and interpreter, for this machine.

const root = join(import.meta.dirname, '../../..');
const folder = join(root, 'events/run-script');
const schema = JSON.parse(readFileSync(join(root, 'shared/schemas/run-script.json'), 'utf8')) as { $id: string };
const isFrame = new Ajv2020({ strict: false, formats: { uri: true } })
  .addSchema(schema)
  .compile({ $ref: `${schema.$id}#/$defs/frame` });
let server: LambdaServer;
let desk: ScriptDesk | undefined;

beforeAll(async () => {
  server = await startLambdaServer({ functions: { 'run-script': rustFunction('run-script') } });
});

afterEach(async () => {
  for (const frame of desk?.frames ?? []) expect([frame, isFrame(frame)]).toEqual([frame, true]);
  await desk?.stop();
  desk = undefined;
});

afterAll(() => server.stop());

const eventOf = (name: string): JsonObject =>
  JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as JsonObject;

async function invoke(name: string, script: string, answer?: (method: string) => JsonObject | string) {
  desk = await serveScript({ script, ...(answer === undefined ? {} : { answer }) });
  const { kind, body } = await server.invoke('run-script', desk.addressed(eventOf(name)));
  const of = (wanted: string) => (desk?.frames ?? []).filter((frame) => frame['kind'] === wanted);
  return { kind, body: JSON.parse(body.toString()) as JsonObject, of };
}

test('something is said of every event', () => {
  expect(readdirSync(folder).toSorted()).toEqual(['delivered-twice.json', 'hello.json', 'invalid-plain-http.json']);
});

test('a script runs, calls, prints and ends', async () => {
  const script = 'from hyper_core import llm\nprint("é")\nx = llm.complete("hi", tools=False)\n{"z": x.text, "a": 1}';
  const completed = { text: 'hello', finish_reason: 'stop', usage: {}, tool_calls: [], model: 'm', receipt: null };
  const { kind, body, of } = await invoke('hello', script, () => completed);
  expect([kind, body]).toEqual(['reply', { outcome: 'delivered' }]);
  expect(of('start')[0]?.['engine']).toMatch(/^[0-9a-f]{32}$/);
  expect(of('call')[0]).toMatchObject({ seq: 1, output: [{ kind: 'stdout', text: 'é\n', at: 0 }] });
  expect(of('completion')[0]?.['completion']).toMatchObject({ state: 'succeeded', exit_code: 0, stdout: 'é\n' });
});

test('the sandbox has its walls and nothing of the function’s environment', async () => {
  const { of } = await invoke('hello', 'import os\ndict(os.environ)');
  expect(of('completion')[0]?.['completion']).toMatchObject({ state: 'succeeded', result: {} });
  expect(server.logs('run-script')).toMatch(/environment\W+true/);
});

test('a process is kept for the next run of its tenant', async () => {
  const { of } = await invoke('hello', '1 + 1');
  expect(of('completion')[0]?.['completion']).toMatchObject({ result: 2 });
  expect(server.reports('run-script')).toHaveLength(1);
  expect(server.logs('run-script').match(/a sandbox process is ready/g)).toHaveLength(1);
});

test('an event that is delivered twice does nothing the second time', async () => {
  const { kind, body, of } = await invoke('delivered-twice', '1');
  expect([kind, body]).toEqual(['reply', { outcome: 'not_ours' }]);
  expect(of('completion')).toEqual([]);
});

test('a token does not go in the clear to another machine', async () => {
  const { kind, body, of } = await invoke('invalid-plain-http', '1');
  expect([kind, body['errorType']]).toEqual(['error', 'InvalidRequest']);
  expect(of('start')).toEqual([]);
});
