#!/usr/bin/env node
// `npm run gen`: writes what is generated and committed anew: the shared test vectors and the WebAssembly blob.
// `npm run check` compares both with their sources.
import { join } from 'node:path';
import { answerHelp } from './answer-help.mjs';
import { run } from './processes.mjs';
import { root } from './toolchain.mjs';

answerHelp('Usage: npm run gen\n\nWrites shared/vectors/ and the WebAssembly blob anew, from the Rust crates.\n');
const steps = [
  { title: 'shared/vectors', command: 'cargo', args: ['run', '--release', '--locked', '-p', 'xtask', '--', 'vectors'] },
  { title: 'signet.wasm', command: process.execPath, args: [join(root, 'scripts', 'build-wasm.mjs')] },
];

try {
  for (const { title, command, args } of steps) {
    console.log(`— ${title}`);
    await run(command, args, { cwd: join(root, 'rust-lambdas') });
  }
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
