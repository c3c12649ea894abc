// Runs jest projects on Node 24 and gives back the counts.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { endAll, run } from './processes.mjs';
import { buildFolder, packageProgram, root } from './toolchain.mjs';

/** A pooled connection may close itself after the last test; what is still open then keeps jest from ever ending. */
const leak_grace_ms = 20_000;

/** Jest's own five seconds would make a test of a machine's load; one that hangs still ends. */
const test_ms_max = 60_000;

/**
 * @param {string[]} projects names of jest.config.mjs
 * @param {string[]} [args] further arguments of jest
 */
export async function jest(projects, args = []) {
  mkdirSync(buildFolder, { recursive: true });
  const report = join(buildFolder, `jest-${projects.join('-')}.json`);
  rmSync(report, { force: true });
  const [node, program] = packageProgram('jest/bin/jest.js');
  const patience = args.some((arg) => arg.startsWith('--testTimeout')) ? [] : [`--testTimeout=${test_ms_max}`];
  const options = ['--selectProjects', ...projects, '--json', `--outputFile=${report}`, ...patience, ...args];
  let failure;
  let leak;
  let leaked = false;
  try {
    await run(node, ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', program, ...options], {
      cwd: root,
      quiet: true,
      onLine: (line) => {
        // A file that skips says why by a line of its own, which jest indents.
        if (line.startsWith('FAIL') || /^\s*skipped: /.test(line)) process.stdout.write(`${line.trim()}\n`);
        if (line.startsWith('Jest did not exit')) {
          leak = setTimeout(() => {
            leaked = true;
            endAll('SIGKILL');
          }, leak_grace_ms);
        }
      },
    });
  } catch (error) {
    failure = error;
  } finally {
    clearTimeout(leak);
  }
  let result;
  try {
    result = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    throw failure ?? new Error(`jest wrote no report for ${projects.join(', ')}`);
  }
  explain(result);
  if (leaked) process.stdout.write('a test file left a handle open: find it with --detectOpenHandles\n');
  // A file that does not load has no tests that could fail: count the file.
  const failed = result.numFailedTests + result.numRuntimeErrorTestSuites + (leaked ? 1 : 0);
  if (failure !== undefined && failed === 0) throw failure;
  return { passed: result.numPassedTests, failed, skipped: result.numPendingTests + result.numTodoTests };
}

function explain(result) {
  for (const file of result.testResults) {
    if (file.status === 'failed') process.stdout.write(`${file.message.slice(0, 6_000)}\n`);
    for (const test of file.assertionResults) {
      if (test.status === 'pending' || test.status === 'todo') process.stdout.write(`skipped: ${test.fullName}\n`);
    }
  }
}
