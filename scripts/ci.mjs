#!/usr/bin/env node
// The parts of CI, each a process of its own, with their closing lines added up. See .ci/run.
import { join } from 'node:path';
import { run } from './processes.mjs';
import { Tally } from './tally.mjs';
import { root } from './toolchain.mjs';

const parts = [
  { title: 'checks', script: 'check.mjs' },
  { title: 'tests', script: 'test.mjs' },
  // The adapters' suites alone: whole stages on the emulator take minutes more, and the journey below walks one.
  { title: 'AWS adapters on an emulator', script: 'test-integration.mjs', args: ['adapters/'] },
  { title: 'templates of what is deployed', script: 'synth.mjs', args: ['--check'] },
  // The part that enforces signatures and rights walks the same journey again: it is for a machine with time.
  { title: 'end to end with stock clients', script: 'test-e2e.mjs', args: ['local', 'deployed', 'strangers'] },
];

const total = new Tally();
for (const { title, script, args = [] } of parts) {
  console.log(`\n=== ${title}`);
  let closing;
  let failure;
  try {
    await run(process.execPath, [join(root, 'scripts', script), ...args], {
      cwd: root,
      quiet: true,
      onLine: (line) => {
        const counts = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(line);
        if (counts === null) console.log(line);
        else closing = { passed: Number(counts[1]), failed: Number(counts[2]), skipped: Number(counts[3]) };
      },
    });
  } catch (error) {
    failure = error;
  }
  if (closing !== undefined) total.add(closing);
  // One that counts nothing either holds or does not.
  else if (failure === undefined) total.passed += 1;
  if (failure !== undefined && (closing === undefined || closing.failed === 0)) {
    console.log(failure.message);
    total.failed += 1;
  }
}
total.end();
