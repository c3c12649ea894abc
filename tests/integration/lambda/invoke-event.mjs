// Invokes one function with one event, in a process of its own under the test's Lambda service; `scripts/invoke.mjs`
// runs it on Node 24. The answer is JSON on standard output, everything else goes to standard error.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../../scripts/processes.mjs';
import { buildFolder, root } from '../../../scripts/toolchain.mjs';
import { installMinistack, startMinistack } from '../emulator/ministack.mjs';
import { startLambdaServer } from './lambda-server.ts';
import { openStage, typescriptFunctions } from './open-stage.ts';
import { rustFunction } from './rust-functions.ts';
import { serveScript } from './serve-script.ts';

const [name, eventName, ...flags] = process.argv.slice(2);
const event = JSON.parse(readFileSync(join(root, 'events', name, `${eventName}.json`), 'utf8'));
const say = (text) => process.stderr.write(`${text}\n`);
const closers = [];
const close = async () => {
  for (const end of closers.splice(0).reverse()) await end();
};
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void close().finally(() => process.exit(1)));

try {
  const server = name in typescriptFunctions || name === 'sign-envelope' ? await openOnStage() : await openAlone();
  const answer = await server.invoke(name, name === 'run-script' ? await addressed(event) : event);
  const { init_ms, invocations } = server.reports(name).at(-1);
  if (flags.includes('--logs')) {
    // What it wrote is whole when its process has ended.
    await server.coolDown(name);
    say(server.logs(name).trimEnd());
  }
  process.stdout.write(`${JSON.stringify(readAnswer(answer), null, 2)}\n`);
  say(`init ${Math.round(init_ms)} ms, invoke ${Math.round(invocations.at(-1)?.duration_ms ?? 0)} ms`);
  process.exitCode = answer.kind === 'error' ? 1 : 0;
} catch (error) {
  say(`signet: ${error.message}`);
  process.exitCode = 2;
} finally {
  await close();
}

/** Functions that need storage or keys: on an emulator that lives as long as this process. */
async function openOnStage() {
  const folder = mkdtempSync(join(tmpdir(), 'signet-invoke-'));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  const program = await installMinistack({ home: join(buildFolder, 'cache', 'ministack'), run });
  const emulator = await startMinistack({ program, folder });
  closers.push(() => emulator.stop());
  const stage = await openStage({ emulator_url: emulator.url, has_streaming: !flags.includes('--whole') });
  closers.push(() => stage.stop());
  return stage.server;
}

async function openAlone() {
  const server = await startLambdaServer({ functions: { [name]: rustFunction(name) } });
  closers.push(() => server.stop());
  return server;
}

/** The engine of scripts fetches its script and brings back what becomes of it: this process is whom it asks. */
async function addressed(event) {
  const desk = await serveScript({ script: 'print("hello from the sandbox")\n6 * 7' });
  closers.push(async () => {
    for (const { output: _output, ...frame } of desk.frames) say(JSON.stringify(frame));
    await desk.stop();
  });
  return desk.addressed(event);
}

/** A streamed answer is told as the gateway would: what its prelude says, and the body. */
function readAnswer({ body, is_streamed }) {
  const end = is_streamed ? body.indexOf(Buffer.alloc(8)) : -1;
  if (end < 0) return JSON.parse(body.toString());
  return { ...JSON.parse(body.subarray(0, end).toString()), body: body.subarray(end + 8).toString() };
}
