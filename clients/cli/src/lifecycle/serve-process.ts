import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NodeError } from './node-error.ts';

/** A `signet serve` that was started here. */
export interface ServeProcess {
  readonly url: string;
  readonly pid: number;
  /** What it prints. */
  readonly output: string;
  /** Unix milliseconds. */
  readonly started_at: number;
  isAlive(): boolean;
  /** Calls back once, when it has ended, however that came. */
  onExit(call: () => void): void;
  /** TERM, then KILL where it has not ended in time. Twice is fine. */
  stop(): Promise<void>;
}

const binary = fileURLToPath(new URL('../../bin/signet.mjs', import.meta.url));

const poll_ms = 200;
const start_ms_max = 30_000;
/** The server itself finishes what is in flight for five seconds before it ends. */
const term_ms_max = 10_000;

/**
 * Starts `signet serve` on 127.0.0.1 and resolves when it answers, which is asked for every 200 ms, for at most 30 s.
 * What it prints goes to `<home>/serve.log`.
 * @throws {NodeError} where it ended or did not answer; nothing is left running then
 */
export async function serveProcess({ home, port }: { home: string; port: number }): Promise<ServeProcess> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const output = join(home, 'serve.log');
  const file = await open(output, 'a', 0o600);
  const args = [binary, 'serve', '--host', '127.0.0.1', '--port', String(port), '--home', home];
  const child = spawn(process.execPath, args, { stdio: ['ignore', file.fd, file.fd, 'ipc'] });
  await file.close();
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = stopOnce(child, exited);
  try {
    const url = await addressOf(child, exited, output);
    await answers(url, child, output);
    // The node ends with its parent's channel, and must not keep the parent alive by it.
    child.channel?.unref();
    child.unref();
    return {
      url,
      pid: child.pid ?? 0,
      output,
      started_at: Date.now(),
      isAlive: () => isAlive(child),
      onExit: (call) => void exited.then(call),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The command says where it listens as soon as it does: with port 0 nobody else knows. */
async function addressOf(child: ChildProcess, exited: Promise<void>, output: string): Promise<string> {
  const told = new Promise<string>((resolve) => {
    child.on('message', (message) => {
      const url = (message as { url?: unknown } | null)?.url;
      if (typeof url === 'string') resolve(url);
    });
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), start_ms_max)));
  const url = await Promise.race([told, exited.then(() => undefined), late]);
  clearTimeout(timer);
  if (url === undefined) throw notStarted(child, output);
  return url;
}

async function answers(url: string, child: ChildProcess, output: string): Promise<void> {
  const deadline = Date.now() + start_ms_max;
  while (Date.now() < deadline && isAlive(child)) {
    const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, poll_ms));
  }
  throw notStarted(child, output);
}

function notStarted(child: ChildProcess, output: string): NodeError {
  const how = isAlive(child)
    ? `did not answer in ${start_ms_max} ms`
    : `ended with ${child.exitCode ?? child.signalCode}`;
  return new NodeError({
    kind: 'unavailable',
    code: 'node_not_started',
    detail: `\`signet serve\` ${how}; see ${output}`,
  });
}

function isAlive(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

function stopOnce(child: ChildProcess, exited: Promise<void>): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    if (!isAlive(child)) return;
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), term_ms_max);
    await exited;
    clearTimeout(kill);
  };
  return () => (stopping ??= stop());
}
