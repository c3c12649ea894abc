// Child processes of the scripts: output to a log or through to the terminal, a non-zero exit is an error with its tail.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';

const running = new Set();

/**
 * Runs a command to its end.
 * @param {string} command
 * @param {string[]} args
 * @param {{cwd?: string, env?: object, log?: string, onLine?: (line: string) => void, quiet?: boolean}} [options]
 *   `log`: file that gets all output; without it output goes to the terminal unless `quiet`.
 * @returns {Promise<string>} what it wrote to standard output, at most the last megabyte
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const piped = options.log !== undefined || options.onLine !== undefined || options.quiet;
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: piped ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    });
    running.add(child);
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
      running.delete(child);
      const reason = cause.code === 'ENOENT' ? `\`${command}\` is not installed` : cause.message;
      reject(Object.assign(new Error(reason), { code: cause.code }));
    });
    child.on('close', (code, signal) => {
      running.delete(child);
      if (code === 0) return resolve(output);
      const end = tail.trim().split('\n').slice(-15).join('\n');
      const how = signal ? `was ended by ${signal}` : `ended with ${code}`;
      reject(new Error(`\`${[command, ...args].join(' ')}\` ${how}${end ? `\n${end}` : ''}`));
    });
  });
}

/** Ends every child that `run` started and that still runs. */
export function endAll(signal = 'SIGTERM') {
  for (const child of running) child.kill(signal);
}
