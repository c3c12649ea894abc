// Runs jest projects on Node 24 and gives back the counts.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './processes.mjs';
import { buildFolder, packageProgram, root } from './toolchain.mjs';

/**
 * @param {string[]} projects names of jest.config.mjs
 * @param {string[]} [args] further arguments of jest
 */
export async function jest(projects, args = []) {
  mkdirSync(buildFolder, { recursive: true });
  const report = join(buildFolder, `jest-${projects.join('-')}.json`);
  rmSync(report, { force: true });
  const [node, program] = packageProgram('jest/bin/jest.js');
  const options = ['--selectProjects', ...projects, '--json', `--outputFile=${report}`, ...args];
  let failure;
  try {
    await run(node, ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', program, ...options], {
      cwd: root,
      quiet: true,
      onLine: (line) => {
        // A file that skips says why by a line of its own, which jest indents.
        if (line.startsWith('FAIL') || /^\s*skipped: /.test(line)) process.stdout.write(`${line.trim()}\n`);
      },
    });
  } catch (error) {
    failure = error;
  }
  let result;
  try {
    result = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    throw failure ?? new Error(`jest wrote no report for ${projects.join(', ')}`);
  }
  explain(result);
  // A file that does not load has no tests that could fail: count the file.
  const failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
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
