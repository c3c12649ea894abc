import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Timing } from './http-load.ts';
import type { Round, RoundResult } from './load-process.ts';
import { repository } from './record.ts';

/** Requests at once where load is meant. */
export const many = 16;

export const messages = [{ role: 'user', content: 'What is the capital of Portugal? Answer in one sentence.' }];

/** One round of the load generator (`load-process.ts`). */
export async function run(generator: ChildProcess, round: Round): Promise<readonly Timing[]> {
  const answered = once(generator, 'message');
  generator.send(round);
  const [result] = (await answered) as [RoundResult];
  if ('failure' in result) throw new Error(result.failure);
  return result.timings;
}

/** The fake upstream as a process of its own; the caller kills it. */
export async function startUpstream(): Promise<{ base_url: string; child: ChildProcess }> {
  const child = spawn(process.execPath, [join(repository, 'tests', 'upstream', 'serve.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { ...(JSON.parse(line) as { base_url: string }), child };
}
