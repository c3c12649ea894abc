import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { repository } from '../running-node.ts';
import type { Page, Step } from './page.ts';

const execute = promisify(execFile);

/** What `install-tools.mjs` found. */
export interface Tools {
  readonly python: string;
  readonly programs: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly has: readonly string[];
  readonly missing: readonly string[];
  readonly pins: readonly string[];
}

/** As `npm run test:e2e -- strangers` hands them over. */
export function givenTools(): Tools {
  const given = process.env['SIGNET_STRANGER_TOOLS'];
  if (given === undefined) throw new Error('run this by `npm run test:e2e -- strangers`, which installs the tools');
  return JSON.parse(given) as Tools;
}

/** Somebody in a folder of their own with the page's programs, the tools, and nothing of this checkout. */
export interface Stranger {
  readonly folder: string;
  /** A block of the page; rejects when a command of it fails. */
  follow(step: Step, about: Readonly<Record<string, string>>): Promise<string>;
  /** One program of the page or of the tools; never rejects. */
  ask(command: readonly [string, ...string[]]): Promise<{ readonly code: number; readonly text: string }>;
}

/** `about`: addresses and keys, as the page names them. */
export async function makeStranger({
  folder,
  page,
  tools,
  about,
}: {
  folder: string;
  page: Page;
  tools: Tools;
  about: Readonly<Record<string, string>>;
}): Promise<Stranger> {
  await mkdir(folder, { recursive: true });
  await symlink(tools.python, join(folder, 'tools'));
  for (const [name, text] of page.programs) await writeFile(join(folder, name), text);
  for (const name of ['go.mod', 'go.sum']) {
    await copyFile(join(repository, 'tests/e2e/strangers', name), join(folder, name));
  }
  const path = [...tools.programs, process.env['PATH'] ?? ''].join(delimiter);
  const env = { HOME: process.env['HOME'], ...registries(), ...tools.environment, ...about, PATH: path };
  const options = { cwd: folder, maxBuffer: 64 * 1024 * 1024 };

  return {
    folder,
    async follow({ script }, more) {
      const strict = `set -euo pipefail\n${script}`;
      const { stdout } = await execute('bash', ['-c', strict], { ...options, env: { ...env, ...more } });
      return stdout;
    },
    async ask([command, ...args]) {
      try {
        const { stdout, stderr } = await execute(command, args, { ...options, env });
        return { code: 0, text: stdout + stderr };
      } catch (error) {
        const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
        if (typeof code !== 'number') throw error;
        return { code, text: stdout + stderr };
      }
    },
  };
}

/** Where this machine fetches from, if it was told so. */
function registries(): Record<string, string> {
  const names = ['GOPROXY', 'GOSUMDB', 'GONOSUMDB', 'SSL_CERT_FILE', 'HTTPS_PROXY', 'https_proxy', 'GOROOT'];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

/** What the tools were installed as: `name==version` and `module@version`. */
export async function installedPins(tools: Tools): Promise<readonly string[]> {
  const here = join(repository, 'tests/e2e/strangers');
  const requirements = await readFile(join(here, 'requirements.txt'), 'utf8');
  const modules = await readFile(join(here, 'go.mod'), 'utf8');
  return [
    ...tools.pins,
    ...[...requirements.matchAll(/^([\w-]+)==([\w.]+)/gm)].map(([, name, version]) => `${name}==${version}`),
    ...[...modules.matchAll(/^\t(\S+) (v\S+)/gm)].map(([, name, version]) => `${name}@${version}`),
  ];
}
