// Child processes of the scripts: output to a log or through to the terminal, a non-zero exit is an error with its tail.
// Those whose output is taken (builds) are groups of their own, so that ending one ends its compilers too.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';

const running = new Set();
const grace_ms = 2_000;

/**
 * Runs a command to its end.
 * @param {string} command
 * @param {string[]} args
 * @param {{cwd?: string, env?: object, log?: string, onLine?: (line: string) => void, quiet?: boolean}} [options]
 *   `log`: file that gets all output; without it output goes to the terminal unless `quiet`.
 * @returns {Promise<string>} what it wrote to standard output, at most the last megabyte; an error that came because of
 *   `endAll` has `interrupted: true`
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const piped = options.log !== undefined || options.onLine !== undefined || options.quiet;
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: piped ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
      detached: piped,
    });
    const entry = { child, group: piped, ended: false };
    running.add(entry);
    const unwatch = piped && child.pid !== undefined ? watchOver(child.pid) : () => undefined;
    let output = '';
    let tail = '';
    const take = (stream, keep) => {
      let rest = '';
      stream?.setEncoding('utf8').on('data', (text) => {
        if (options.log !== undefined) appendFileSync(options.log, text);
        if (keep) output = (output + text).slice(-1_048_576);
        tail = (tail + text).slice(-4_000);
        rest += text;
        const lines = rest.split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) options.onLine?.(line);
      });
    };
    take(child.stdout, true);
    take(child.stderr, false);
    child.on('error', (cause) => {
      running.delete(entry);
      unwatch();
      const reason = cause.code === 'ENOENT' ? `\`${command}\` is not installed` : cause.message;
      reject(Object.assign(new Error(reason), { code: cause.code }));
    });
    child.on('close', (code, signal) => {
      running.delete(entry);
      unwatch();
      if (code === 0) return resolve(output);
      const end = tail.trim().split('\n').slice(-15).join('\n');
      const how = signal ? `was ended by ${signal}` : `ended with ${code}`;
      const message = `\`${[command, ...args].join(' ')}\` ${how}${end ? `\n${end}` : ''}`;
      reject(Object.assign(new Error(message), { interrupted: entry.ended }));
    });
  });
}

/** Ends every child that `run` started and that still runs, with all that it started; by force after two seconds. */
export function endAll(signal = 'SIGTERM') {
  for (const entry of running) {
    const { child, group } = entry;
    entry.ended = true;
    sendTo(child, group, signal);
    const force = setTimeout(() => sendTo(child, group, 'SIGKILL'), grace_ms);
    child.once('close', () => clearTimeout(force));
  }
}

function sendTo(child, group, signal) {
  try {
    if (group && child.pid !== undefined) process.kill(-child.pid, signal);
    else child.kill(signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/**
 * Ends the group of `pid` when this process is gone, `kill -9` included: then the pipe to a waiting shell closes. The
 * shell is in a session of its own, or the Ctrl-C that ends this process would end it as well.
 */
function watchOver(pid) {
  const script = 'read -r ended || kill -KILL "-$0"';
  const guard = spawn('/bin/sh', ['-c', script, String(pid)], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  // Without a shell there is no guard; the build itself goes on.
  guard.on('error', () => undefined);
  guard.stdin?.on('error', () => undefined);
  guard.stdin?.unref?.();
  guard.unref();
  return () => guard.stdin?.end('ended\n');
}
