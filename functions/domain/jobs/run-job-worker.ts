import type { Queue, ReceivedMessage } from '../ports/queue.ts';
import type { Jobs } from './jobs.ts';
import { readWakeUp } from './read-wake-up.ts';

export interface JobWorkerOptions {
  readonly jobs: Jobs;
  /** The queue that `jobs` sends its wake-ups to. */
  readonly queue: Queue;
  /** Stops the worker; the steps that run see it too. */
  readonly signal: AbortSignal;
  /** Jobs at a time. */
  readonly concurrency: number;
  /** Default 1,000. */
  readonly sweep_every_ms?: number;
  /** Told of a storage that failed; the worker goes on. */
  readonly onError: (error: unknown, doing: 'receive' | 'advance' | 'sweep') => void;
}

const visibility_ms = 60_000;
const wait_ms = 20_000;
const pause_after_error_ms = 1000;

/**
 * Advances jobs as they are woken and sweeps each second: the embedded host's share of what queue consumers and a
 * schedule do in the cloud. Resolves when `signal` has aborted and every step has ended.
 */
export async function runJobWorker(options: JobWorkerOptions): Promise<void> {
  const { concurrency } = options;
  await Promise.all([sweepUntilStopped(options), ...Array.from({ length: concurrency }, () => consume(options))]);
}

async function consume({ jobs, queue, signal, onError }: JobWorkerOptions): Promise<void> {
  while (!signal.aborted) {
    let messages: ReceivedMessage[] = [];
    try {
      messages = await queue.receive({ max: 1, visibility_ms, wait_ms, signal });
    } catch (error) {
      onError(error, 'receive');
      await pause(pause_after_error_ms, signal);
    }
    for (const message of messages) {
      try {
        await consumeOne(jobs, queue, message, signal);
      } catch (error) {
        // The message comes back after its timeout, and the due row is there in any case.
        onError(error, 'advance');
      }
    }
  }
}

async function consumeOne(jobs: Jobs, queue: Queue, message: ReceivedMessage, signal: AbortSignal): Promise<void> {
  const job_id = readWakeUp(message.body);
  if (job_id === undefined) {
    await queue.deadLetter(message.handle, 'malformed');
    return;
  }
  await jobs.advance(job_id, signal);
  await queue.complete(message.handle);
}

async function sweepUntilStopped({ jobs, signal, onError, sweep_every_ms = 1000 }: JobWorkerOptions): Promise<void> {
  while (!signal.aborted) {
    try {
      await jobs.sweepDue();
    } catch (error) {
      onError(error, 'sweep');
    }
    await pause(sweep_every_ms, signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      resolve();
    };
    const timer = setTimeout(stop, ms);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
  });
}
