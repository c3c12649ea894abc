import type { Call } from '../call.ts';
import type { Judged } from '../decisions/judge.ts';
import type { Json, JsonObject } from '../json.ts';
import type { StepResult } from '../jobs/jobs.ts';
import type { CallFrame, ReplyFrame, ScriptCompletion } from '../ports/script-host.ts';
import type { AnswerEngine } from './answer-engine.ts';

export interface RunLimits {
  readonly wall_ms?: number;
  readonly cpu_ms?: number;
  readonly memory_mb?: number;
  readonly output_bytes?: number;
  readonly host_calls?: number;
}

export interface RunRequest {
  /** Exactly one of script (source) and script_ref (name, or name@digest). */
  readonly script?: string;
  readonly script_ref?: string;
  readonly file_name?: string;
  readonly argv: readonly string[];
  readonly input: Json;
  readonly model?: string;
  readonly tier?: 'edge' | 'local' | 'pool';
  /** Registry tools that the script's chats may use. */
  readonly tools?: readonly string[] | 'auto';
  readonly limits: RunLimits;
}

export type RunState = 'queued' | 'running' | 'waiting_tool' | 'succeeded' | 'failed' | 'cancelled' | 'timed_out';

export interface Run {
  readonly id: string;
  readonly state: RunState;
  readonly exit_code?: number;
  readonly error?: ScriptCompletion['error'];
  readonly result?: Json;
  readonly result_type?: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdout_truncated: boolean;
  readonly stderr_truncated: boolean;
  readonly usage?: ScriptCompletion['usage'];
  readonly timings?: JsonObject;
  readonly limits: JsonObject;
  /** SHA-256 of script, image. */
  readonly digests: JsonObject;
  /** Every receipt of the run, in order: decision, host calls, final run statement last. */
  readonly receipts: readonly string[];
  /** Unix milliseconds. */
  readonly created_at: number;
  readonly ended_at?: number;
  readonly attempt: number;
}

export type RunEvent = { readonly id: number; readonly event: string; readonly data: Json };

export interface Runs {
  /** Decides, stores run and job in one transaction, and returns: the job machine does the rest. */
  create(call: Call, request: RunRequest): Promise<Judged<Run>>;
  /** The run, waiting up to `wait_ms` for its end. */
  get(call: Call, request: { id: string; wait_ms?: number }): Promise<Run>;
  cancel(call: Call, id: string): Promise<Judged<Run>>;
  /** Events after `after`, then live ones until `done`; gapless ids. */
  events(call: Call, request: { id: string; after: number }): Promise<AsyncIterable<RunEvent>>;
  /** The channel: a frame of the sandbox, local pipe or POST …/calls. Bad token, wrong seq, unknown method: an error frame. */
  answerCall(frame: CallFrame): Promise<ReplyFrame>;
  /** What the engine of a run that another machine executes asks and tells. */
  readonly answerEngine: AnswerEngine;
  /** One step of a run's job; called by the job machine, which is to do what it answers. */
  advance(job: { id: string; payload: JsonObject; attempt: number; signal: AbortSignal }): Promise<StepResult>;
}
