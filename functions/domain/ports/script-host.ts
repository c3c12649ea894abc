import type { Json, JsonObject } from '../json.ts';

export interface ScriptLimits {
  readonly wall_ms: number;
  readonly cpu_ms: number;
  readonly memory_mb: number;
  /** Cap of `stdout` and of `stderr` in the completion; events carry up to `events_bytes_max`. */
  readonly output_bytes: number;
  readonly host_calls: number;
  readonly script_tool_ms: number;
}

export interface ScriptStart {
  readonly run_id: string;
  readonly tenant: string;
  /** Run-scoped, expiring; goes back in every frame of the run and is checked by `answerCall`. */
  readonly token: string;
  readonly script: string;
  /** File name in tracebacks. */
  readonly file_name: string;
  readonly argv: readonly string[];
  readonly input: Json;
  /** Seeds `random`; 64 bits as a decimal string. */
  readonly seed: string;
  /** Unix milliseconds that the guest's clock starts from. */
  readonly clock_base_ms: number;
  readonly dry_run: boolean;
  readonly limits: ScriptLimits;
  /** Run this `@tool` of the script after its top level, and answer its value as the result. */
  readonly call_tool?: { readonly name: string; readonly args: JsonObject };
  /** Names that a `@tool` of the script may not take: `ValueError`. */
  readonly registry_tools?: readonly string[];
}

/** One host call of a run. `seq` counts from 1 without gaps; a repeated one gets the journaled answer. */
export interface CallFrame {
  readonly run_id: string;
  readonly token: string;
  readonly seq: number;
  /** `llm.chat`, `web.search`, `tools.call`, `tool.result` … (`shared/schemas/script-channel.json`). */
  readonly method: string;
  readonly args: JsonObject;
}

export type ReplyFrame =
  | { readonly kind: 'value'; readonly value: Json }
  | { readonly kind: 'error'; readonly error: ScriptCallError }
  /** The guest runs its own `@tool` and sends the outcome as its next call, `tool.result`. */
  | { readonly kind: 'call_tool'; readonly call_id: string; readonly name: string; readonly args: JsonObject };

export interface ScriptCallError {
  /** Class of `hyper_core`: `LLMError`, `RateLimited`, `PolicyDenied`, `ToolNotFound` … */
  readonly type: string;
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly facts: JsonObject;
}

export type ScriptEvent =
  | { readonly kind: 'stdout'; readonly text: string }
  | { readonly kind: 'stderr'; readonly text: string };

export interface ScriptCompletion {
  readonly state: 'succeeded' | 'failed' | 'timed_out' | 'cancelled';
  /** As `signet run` exits: 0; 1 raised or `sys.exit(n)`; 3 wall or CPU; 4 violation; 6 memory or other limit; 70 internal; 130 cancelled. */
  readonly exit_code: number;
  readonly error?: {
    readonly type: string;
    readonly message: string;
    readonly line?: number;
    readonly traceback?: string;
    /** Facts of an uncaught `HyperCoreError`, so that exit codes 5 and 7 can be told. */
    readonly code?: string;
  };
  readonly result: Json;
  readonly result_type: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdout_truncated: boolean;
  readonly stderr_truncated: boolean;
  readonly usage: {
    readonly wall_ms: number;
    readonly cpu_ms: number;
    readonly memory_bytes: number;
    readonly host_calls: number;
    readonly stdout_bytes: number;
    readonly stderr_bytes: number;
  };
  readonly timings: { readonly instantiate_ms: number; readonly run_ms: number };
  /** SHA-256 of the script image that ran it. */
  readonly image: string;
}

/** A completion for a run that no sandbox ended. */
export function completionWithout(
  facts: Pick<ScriptCompletion, 'state' | 'exit_code'> & { readonly error?: NonNullable<ScriptCompletion['error']> },
): ScriptCompletion {
  return {
    ...facts,
    result: null,
    result_type: 'NoneType',
    stdout: '',
    stderr: '',
    stdout_truncated: false,
    stderr_truncated: false,
    usage: { wall_ms: 0, cpu_ms: 0, memory_bytes: 0, host_calls: 0, stdout_bytes: 0, stderr_bytes: 0 },
    timings: { instantiate_ms: 0, run_ms: 0 },
    image: '',
  };
}

/** The process died under the run; retried once by the caller if nothing had side effects. */
export class InterpreterCrashError extends Error {
  override readonly name = 'InterpreterCrashError';
}

/**
 * Runs Python in a fresh, rightless interpreter. `answerCall` and `onEvent` are given once, when the host is made.
 * `start` resolves with the completion for every end of the script itself; it rejects with `CapabilityUnavailableError`
 * when the engine is not ready and with `InterpreterCrashError` when its process was lost.
 */
export interface ScriptHost {
  start(run: ScriptStart, onEvent: (event: ScriptEvent) => void): Promise<ScriptCompletion>;
  /** Idempotent; the run ends as `cancelled`. */
  cancel(run_id: string): Promise<void>;
  /** Ends all runs and processes. */
  close(): Promise<void>;
}

/**
 * Has runs executed by another machine. Its engine fetches the {@link ScriptStart}, sends each call and at last the
 * completion by itself (`functions/domain/runs/answer-engine.ts`), with `token` as its only right.
 */
export interface RemoteScriptHost {
  /**
   * Resolves when the attempt was announced, or may have been: an engine that does not come for it in time counts as
   * lost, and of two that come one is turned away. Rejects with `CapabilityUnavailableError` when it was not announced
   * and may be later.
   */
  launch(run: Pick<ScriptStart, 'run_id' | 'tenant' | 'token'>): Promise<void>;
}

export type AnswerCall = (frame: CallFrame) => Promise<ReplyFrame>;
