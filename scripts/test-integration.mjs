#!/usr/bin/env node
// `npm run test:integration`: the AWS adapters against emulators that this script installs, starts and stops: MiniStack
// for all of them, DynamoDB Local for the table once more (where there is a Java 17 with Maven). The adapters of the Rust
// functions run against the functions themselves, which are built first.
// Arguments are passed on to jest (`npm run test:integration -- s3`), and then only MiniStack runs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installDynamodbLocal, startDynamodbLocal } from '../tests/integration/emulator/dynamodb-local.mjs';
import { installMinistack, startMinistack } from '../tests/integration/emulator/ministack.mjs';
import { answerHelp } from './answer-help.mjs';
import { buildArtefact, loadRecipe } from './artefacts.mjs';
import { jest } from './jest.mjs';
import { run } from './processes.mjs';
import { Tally } from './tally.mjs';
import { buildFolder, ensurePackages } from './toolchain.mjs';

answerHelp(`Usage: npm run test:integration [-- <part> …]

The AWS adapters through their ports' suites, and the functions, on emulators that it installs, starts and stops. What
follows is passed on to jest; then DynamoDB Local is left out.

  npm run test:integration
  npm run test:integration -- s3
  npm run test:integration -- adapters/lambda/
`);
const say = (text) => console.log(text);
const jestArguments = process.argv.slice(2);
// The emulators' clocks are the real one: the suites of queues wait.
const patience = '--testTimeout=60000';

await ensurePackages(say);
const tally = new Tally();
const folder = mkdtempSync(join(tmpdir(), 'signet-emulator-'));
const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void end().finally(() => process.exit(1)));

// A pattern that is wider than the Rust functions' adapters takes them too.
const meetsFunctions = (pattern) => pattern.includes('lambda') || 'functions/adapters/lambda/'.includes(pattern);
if (jestArguments.length === 0 || jestArguments.some(meetsFunctions)) {
  // The addon is the twin that vectors of `embed-text` are compared with.
  for (const name of ['native', 'models', 'layer-model', 'script-image', 'lambdas-host', 'functions'])
    await buildArtefact(await loadRecipe(name), say);
}
await tally.step('AWS adapters on MiniStack', async () => {
  const program = await installMinistack({ home: join(buildFolder, 'cache', 'ministack'), run });
  return against(await startMinistack({ program, folder }), () => jest(['emulator'], [patience, ...jestArguments]));
});
if (jestArguments.length === 0 && (await hasJava())) {
  await tally.step('the table on DynamoDB Local', async () => {
    const jars = await installDynamodbLocal({ home: join(buildFolder, 'cache', 'dynamodb-local'), run });
    const only = '--testPathPatterns=adapters/dynamodb/';
    return against(await startDynamodbLocal({ jars, folder }), () => jest(['emulator'], [patience, only]));
  });
}
await end();
tally.end();

/** The counts of `tests`, run while the server is up; the tests find it by SIGNET_EMULATOR_URL. */
async function against(server, tests) {
  running.add(server);
  process.env.SIGNET_EMULATOR_URL = server.url;
  try {
    return await tests();
  } finally {
    await server.stop();
    running.delete(server);
  }
}

async function hasJava() {
  try {
    await run('java', ['-version'], { quiet: true });
    await run('mvn', ['-version'], { quiet: true });
    return true;
  } catch {
    say('\nno Java with Maven here: the table is not tested on DynamoDB Local');
    return false;
  }
}

async function end() {
  await Promise.all([...running].map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
}
