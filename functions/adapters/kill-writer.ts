import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * For crash tests: runs `child` (a file that prints a line for each thing it was told is written), kills it with SIGKILL
 * within 40 ms of its first line, and answers the lines that it got out whole.
 */
export async function killWriter(child: URL, parameters: readonly string[]): Promise<string[]> {
  const victim = spawn(process.execPath, [child.pathname, ...parameters], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(victim, 'close');
  let output = '';
  victim.stdout.setEncoding('utf8');
  victim.stdout.on('data', (text: string) => {
    if (output === '') setTimeout(() => victim.kill('SIGKILL'), Math.random() * 40);
    output += text;
  });
  await closed;
  return output.split('\n').slice(0, -1);
}
