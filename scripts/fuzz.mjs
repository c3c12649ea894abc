#!/usr/bin/env node
// `npm run fuzz [-- --seconds 600 --seed 1 --keep target …]`: the parsers of the crates (xtask fuzz), then the edge's JSON
// parser beside theirs. `npm test` runs both for a moment; this is for a machine with time.
import { join } from 'node:path';
import { jest } from './jest.mjs';
import { run } from './processes.mjs';
import { ensurePackages, root } from './toolchain.mjs';

const options = process.argv.slice(2);
if (options.includes('--help')) {
  console.log('npm run fuzz [-- --seconds N] [--seed N] [--keep] [target …]   (60 s, a drawn seed, every target)');
  process.exit(0);
}
await ensurePackages((text) => console.log(text));
try {
  await run('cargo', ['run', '--release', '--locked', '-p', 'xtask', '--', 'fuzz', ...options], {
    cwd: join(root, 'rust-lambdas'),
  });
  process.env.SIGNET_FUZZ_RUNS ??= '200000';
  await jest(['contract'], ['--testPathPatterns', 'json-twins']);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
