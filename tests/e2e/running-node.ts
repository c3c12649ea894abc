import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A node started as a user starts it, in a home of its own. */
export interface RunningNode {
  readonly url: string;
  readonly home: string;
  readonly owner_key: string;
  readonly process: ChildProcess;
  /** All that it printed so far. */
  readonly output: () => string;
  /** SIGTERM, and its exit code. */
  readonly stop: () => Promise<number | null>;
  /** kill -9 of the server and its parent. */
  kill(): Promise<void>;
}

/** `npm start` with SIGNET_HOME and a free port; resolves when `GET /healthz` answers. */
export async function startNode(request: {
  home: string;
  environment?: Readonly<Record<string, string>>;
}): Promise<RunningNode> {
  const child = spawn(process.execPath, [join(repository, 'scripts', 'start.mjs')], {
    cwd: repository,
    env: { ...cleanEnvironment(), SIGNET_HOME: request.home, SIGNET_PORT: '0', ...request.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const lock = await waitFor(`the node in ${request.home} to listen`, async () => {
    if (child.exitCode !== null) throw new Error(`the node ended with ${child.exitCode}:\n${text}`);
    const facts = JSON.parse(await readFile(join(request.home, 'lock'), 'utf8')) as { pid: number; port?: number };
    if (typeof facts.port !== 'number' || facts.port === 0) return undefined;
    const answer = await fetch(`http://127.0.0.1:${facts.port}/healthz`);
    return answer.ok ? { pid: facts.pid, port: facts.port } : undefined;
  });
  return {
    url: `http://127.0.0.1:${lock.port}`,
    home: request.home,
    owner_key: (await readFile(join(request.home, 'owner.key'), 'utf8')).trim(),
    process: child,
    output: () => text,
    async stop() {
      child.kill('SIGTERM');
      return await exited;
    },
    async kill() {
      process.kill(lock.pid, 'SIGKILL');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Polls `probe` until it gives a value; its errors count as not yet. */
export async function waitFor<T>(what: string, probe: () => Promise<T | undefined>, timeout_ms = 120_000): Promise<T> {
  const deadline = Date.now() + timeout_ms;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const value = await probe();
      if (value !== undefined) return value;
    } catch (error) {
      last = error;
      if (error instanceof Error && error.message.startsWith('the node ended')) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited ${timeout_ms} ms for ${what}`, { cause: last });
}

/** The caller's environment without what would configure a provider. */
function cleanEnvironment(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value === undefined || /^(OPENAI_|GROQ_|OLLAMA_|SIGNET_|NODE_OPTIONS|JEST_)/.test(name)) continue;
    kept[name] = value;
  }
  return kept;
}
