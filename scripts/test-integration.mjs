#!/usr/bin/env node
// `npm run test:integration`: the AWS adapters against an emulator that this script installs, starts and stops.
// Arguments are passed on to jest (`npm run test:integration -- dynamo`).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installEmulator, startEmulator } from '../tests/integration/emulator/start-emulator.mjs';
import { jest } from './jest.mjs';
import { run } from './processes.mjs';
import { Tally } from './tally.mjs';
import { buildFolder, ensurePackages } from './toolchain.mjs';

await ensurePackages((text) => console.log(text));
const tally = new Tally();
const folder = mkdtempSync(join(tmpdir(), 'signet-emulator-'));
let program = '';
let emulator;

await tally.step('install the AWS emulator', async () => {
  program = await installEmulator({ home: join(buildFolder, 'cache', 'ministack'), run });
});
await tally.step('start the AWS emulator', async () => {
  emulator = await startEmulator({ program, folder });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void end().finally(() => process.exit(1)));
if (emulator !== undefined) {
  process.env.SIGNET_EMULATOR_URL = emulator.url;
  // The emulator's clock is the real one: the suites of queues wait.
  await tally.step('AWS adapters', () => jest(['emulator'], ['--testTimeout=60000', ...process.argv.slice(2)]));
}
await end();
tally.end();

async function end() {
  await emulator?.stop();
  rmSync(folder, { recursive: true, force: true });
}
