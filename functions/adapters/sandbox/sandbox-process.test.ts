import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { InterpreterCrashError, type CallFrame, type ScriptStart } from '../../domain/ports/script-host.ts';
import { sandboxScriptHost } from './sandbox-script-host.ts';

/** Stand-ins for a sandbox process that a script has taken over: what they write is what the adapter must not believe. */
const folder = mkdtempSync(join(tmpdir(), 'signet-sandbox-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const prelude = `
const send = (header, binary = '') => {
  const text = Buffer.from(JSON.stringify(header)), bytes = Buffer.from(binary), lengths = Buffer.alloc(8);
  lengths.writeUInt32LE(text.length, 0); lengths.writeUInt32LE(bytes.length, 4);
  process.stdout.write(Buffer.concat([lengths, text, bytes]));
};
const started = (work) => process.stdin.once('data', work);
process.stdin.resume();
process.stdin.on('end', () => process.exit());
send({ kind: 'hello', protocol: 1 });
`;

test.each([
  ['noise', `process.stdout.write(Buffer.alloc(64, 255));`],
  ['a frame of another run', `started(() => send({ kind: 'stdout', run_id: 'another' }, 'x'));`],
  [
    'a call with another token',
    `started(() => send({ kind: 'call', run_id: 'run', token: 'guess', seq: 1, method: 'embed' }, '{}'));`,
  ],
  [
    'a call out of sequence',
    `started(() => send({ kind: 'call', run_id: 'run', token: 'token', seq: 2, method: 'embed' }, '{}'));`,
  ],
  ['a call without a method', `started(() => send({ kind: 'call', run_id: 'run', token: 'token', seq: 1 }, '{}'));`],
  [
    'arguments that are no object',
    `started(() => send({ kind: 'call', run_id: 'run', token: 'token', seq: 1, method: 'embed' }, '[]'));`,
  ],
  [
    'arguments that are no JSON',
    `started(() => send({ kind: 'call', run_id: 'run', token: 'token', seq: 1, method: 'embed' }, '{'));`,
  ],
  ['an unknown kind', `started(() => send({ kind: 'exec', run_id: 'run' }));`],
  ['a second greeting', `started(() => send({ kind: 'hello', protocol: 1 }));`],
  ['a completion that is none', `started(() => send({ kind: 'completion', run_id: 'run' }));`],
  ['output that is not UTF-8', `started(() => send({ kind: 'stdout', run_id: 'run' }, Buffer.from([255])));`],
  ['its end', `started(() => process.exit(0));`],
])('%s costs the process its life and reaches no one', async (_name, behaviour) => {
  const { host, frames } = open(behaviour);
  await expect(host.start(start, () => undefined)).rejects.toThrow(InterpreterCrashError);
  expect(frames).toEqual([]);
  await host.close();
});

test('a process that is silent past the deadline is killed, and its run timed out', async () => {
  const { host } = open('process.on("SIGTERM", () => undefined);');
  const completion = await host.start({ ...start, limits: { ...start.limits, wall_ms: 50 } }, () => undefined);
  expect(completion).toMatchObject({ state: 'timed_out', exit_code: 3, error: { type: 'TimeLimit' } });
  expect(host.status()).toMatchObject({ processes: 0, runs: 0 });
  await host.close();
});

test('neither token nor script are logged when a process is lost', async () => {
  const said: unknown[] = [];
  const note = (...words: unknown[]): void => void said.push(words);
  const { host } = open(`started((bytes) => process.stdout.write(Buffer.alloc(64, 255)));`, {
    info: note,
    warn: note,
    error: note,
  });
  await expect(host.start(start, () => undefined)).rejects.toThrow(InterpreterCrashError);
  await host.close();
  expect(said.length).toBeGreaterThan(0);
  expect(JSON.stringify(said)).not.toMatch(/"token|print\(/);
});

test('an executable that is not there is a crash, not a hang', async () => {
  const host = sandboxScriptHost({
    executable_path: join(folder, 'absent'),
    image_path: 'i',
    image_sha256: '0',
    answerCall: () => Promise.reject(new Error('never asked')),
  });
  await expect(host.start(start, () => undefined)).rejects.toThrow('cannot be started');
  await host.close();
});

const start: ScriptStart = {
  run_id: 'run',
  tenant: 'acme',
  token: 'token',
  script: 'print(1)',
  file_name: 'script.py',
  argv: [],
  input: null,
  seed: '1',
  clock_base_ms: 0,
  dry_run: false,
  limits: { wall_ms: 20_000, cpu_ms: 1_000, memory_mb: 64, output_bytes: 1_024, host_calls: 10, script_tool_ms: 1_000 },
};

let files = 0;

function open(behaviour: string, log?: Parameters<typeof sandboxScriptHost>[0]['log']) {
  files += 1;
  const path = join(folder, `stand-in-${files}.cjs`);
  writeFileSync(path, `#!${process.execPath}\n${prelude}${behaviour}\n`);
  chmodSync(path, 0o755);
  const frames: CallFrame[] = [];
  const host = sandboxScriptHost({
    executable_path: path,
    image_path: 'image',
    image_sha256: '0',
    answerCall: async (frame) => {
      frames.push(frame);
      return { kind: 'value', value: null };
    },
    ...(log === undefined ? {} : { log }),
  });
  return { host, frames };
}
