import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { repository, waitFor } from '../e2e/running-node.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-processes-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A script that runs a shell which starts a sleeper, as cargo starts compilers, and tells the sleeper's process id. */
async function scriptWithGrandchild(): Promise<{ script: ReturnType<typeof spawn>; sleeper: number }> {
  const pid_file = join(folder, 'pid');
  const path = join(folder, 'script.mjs');
  await writeFile(
    path,
    `import { endAll, run } from ${JSON.stringify(join(repository, 'scripts', 'processes.mjs'))};
process.on('SIGTERM', () => endAll());
try {
  await run('/bin/sh', ['-c', 'sleep 600 & echo $! > ' + ${JSON.stringify(pid_file)} + '; wait'], { quiet: true });
} catch (error) {
  process.exit(error.interrupted ? 7 : 1);
}
`,
  );
  const script = spawn(process.execPath, [path], { stdio: 'ignore' });
  const sleeper = await waitFor('the sleeper', async () => Number(await readFile(pid_file, 'utf8')) || undefined);
  return { script, sleeper };
}

const isGone = async (pid: number): Promise<true | undefined> => {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z') ? true : undefined;
  } catch {
    return true;
  }
};

describe('what a script started', () => {
  test('ends with all its own children, and the error says that it was interrupted', async () => {
    const { script, sleeper } = await scriptWithGrandchild();
    const code = new Promise((resolve) => script.once('exit', resolve));
    script.kill('SIGTERM');
    expect(await code).toBe(7);
    expect(await waitFor('the sleeper to end', () => isGone(sleeper))).toBe(true);
  });

  test('does not outlive a script that was killed', async () => {
    const { script, sleeper } = await scriptWithGrandchild();
    script.kill('SIGKILL');
    expect(await waitFor('the sleeper to end', () => isGone(sleeper))).toBe(true);
  });
});
