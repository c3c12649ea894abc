// Tools from Python's registry, in an environment of their own. Wheels only, each by its hash: nothing that a package
// brings is run while it is installed.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';

/**
 * The folder of programs of an environment with exactly the packages of a file, made where it is missing.
 * @param {{requirements: string, cache: string, run: Function}} request `requirements`: a file with a hash for each
 *   package; the environment stays in `cache` until that file changes
 */
export async function pythonPrograms({ requirements, cache, run }) {
  const pins = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 16);
  const folder = join(cache, `tools-${pins}`);
  const programs = join(folder, 'bin');
  const done = join(folder, 'installed');
  if (existsSync(done)) return programs;
  await rm(folder, { recursive: true, force: true });
  await run(findPython(), ['-m', 'venv', folder], {});
  const install = ['install', '--require-hashes', '--only-binary', ':all:', '--no-deps', '--disable-pip-version-check'];
  const from = ['--quiet', '--no-cache-dir', '--requirement', requirements];
  await run(join(programs, 'python'), ['-m', 'pip', ...install, ...from], {});
  await writeFile(done, '');
  return programs;
}

/** A Python of 3.11 or newer that can make virtual environments. */
export function findPython() {
  const reasons = [];
  for (const command of ['python3', 'python3.13', 'python3.12', 'python3.11']) {
    const probe = 'import sys, venv, ensurepip; print(sys.version_info >= (3, 11))';
    const { stdout, stderr, error } = spawnSync(command, ['-c', probe], { encoding: 'utf8' });
    if (error === undefined && stdout.trim() === 'True') return command;
    reasons.push(`${command}: ${error?.code ?? (stdout.trim() === 'False' ? 'older than 3.11' : lastLine(stderr))}`);
  }
  throw new Error(
    `this build needs Python 3.11 or newer with the modules venv and ensurepip ` +
      `(Debian: apt-get install python3 python3-venv); tried ${reasons.join('; ')}`,
  );
}

function lastLine(text) {
  return text.trim().split('\n').at(-1);
}
