import { randomUUID } from 'node:crypto';
import type { FunctionSpec } from './function-environment.ts';
import { startFunctionProcess } from './function-process.ts';
import type { FunctionAnswer, FunctionProcess, Invocation } from './function-process.ts';

/**
 * `throttled` (429), `unavailable` (500) and `too-large` (413) happen instead of the work; `killed` ends the process in
 * the middle of it; `unheard` does it and breaks the connection before the answer.
 */
export type Fault = 'throttled' | 'unavailable' | 'too-large' | 'killed' | 'unheard';

export interface FunctionReport {
  readonly pid: number;
  /** Milliseconds from the start of the process to its first request for an event; absent when it never asked. */
  readonly init_ms?: number;
  readonly invocations: readonly {
    readonly request_id: string;
    /** From the hand-over to the answer. */
    readonly duration_ms: number;
    readonly outcome: FunctionAnswer['kind'];
  }[];
}

export interface FunctionPool {
  readonly reports: readonly FunctionReport[];
  run(
    event: Uint8Array,
    options: { is_killed?: boolean; onChunk?: Invocation['onChunk'] },
  ): Promise<FunctionAnswer | 'throttled'>;
  /** As `run`, but waits for a process and tries again as the function's settings say; the answer is dropped. */
  runEvent(event: Uint8Array): Promise<void>;
  inject(faults: readonly Fault[]): void;
  clearFaults(): void;
  nextFault(): Fault | undefined;
  logs(): string;
  end(): Promise<void>;
}

interface Member {
  readonly process: FunctionProcess;
  readonly report: { pid: number; init_ms?: number; invocations: FunctionReport['invocations'][number][] };
  is_busy: boolean;
}

/** The processes of one function: an idle one is used again, a new one started up to its concurrency. */
export function openFunctionPool(name: string, spec: FunctionSpec): FunctionPool {
  const members = new Set<Member>();
  const reports: Member['report'][] = [];
  const faults: Fault[] = [];
  const waiting: (() => void)[] = [];
  let log = '';
  let held = 0;

  async function take(): Promise<Member> {
    const idle = [...members].find((member) => !member.is_busy && member.process.isAlive());
    if (idle !== undefined) {
      idle.is_busy = true;
      return idle;
    }
    const process = await startFunctionProcess({ name, spec, onLog: (text) => (log += text) });
    const member: Member = { process, report: { pid: process.pid, invocations: [] }, is_busy: true };
    members.add(member);
    reports.push(member.report);
    void process.gone.then(() => members.delete(member));
    return member;
  }

  async function work(
    event: Uint8Array,
    { is_killed = false, onChunk }: { is_killed?: boolean; onChunk?: Invocation['onChunk'] },
  ): Promise<FunctionAnswer> {
    const member = await take();
    try {
      const init = await member.process.init;
      if (typeof init !== 'number') {
        await member.process.kill();
        return init;
      }
      member.report.init_ms = init;
      const request_id = randomUUID();
      const began = performance.now();
      const answering = member.process.run({ request_id, event, ...(onChunk === undefined ? {} : { onChunk }) });
      if (is_killed) await member.process.kill();
      const answer = await answering;
      const duration_ms = performance.now() - began;
      member.report.invocations.push({ request_id, duration_ms, outcome: answer.kind });
      return answer;
    } finally {
      member.is_busy = false;
    }
  }

  async function inTurn<T>(task: () => Promise<T>): Promise<T> {
    held += 1;
    try {
      return await task();
    } finally {
      held -= 1;
      waiting.shift()?.();
    }
  }

  const is_full = () => held >= (spec.concurrency ?? 4);

  return {
    reports,
    run: async (event, options) => (is_full() ? 'throttled' : inTurn(() => work(event, options))),
    async runEvent(event) {
      for (let tried = 0; tried <= (spec.event_repeats ?? 0); tried += 1) {
        while (is_full()) await new Promise<void>((resolve) => waiting.push(resolve));
        const { kind } = await inTurn(() => work(event, {}));
        if (kind === 'reply') return;
      }
    },
    inject: (more) => void faults.push(...more),
    clearFaults: () => void faults.splice(0),
    nextFault: () => faults.shift(),
    logs: () => log,
    async end() {
      await Promise.all([...members].map((member) => member.process.kill()));
    },
  };
}
