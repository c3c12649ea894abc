import type { Json, JsonObject } from '../json.ts';
import type { Condition, Item } from '../ports/table.ts';
import type { ScriptLimits } from '../ports/script-host.ts';
import type { Scope } from '../scopes.ts';
import type { RunState } from './runs.ts';

/** The `state` row of a run: what every part of it needs and what is small. Texts stand beside it (`long-text.ts`). */
export type RunRow = {
  readonly id: string;
  readonly tenant: string;
  readonly state: RunState;
  /** Who started it; its host calls act with these scopes. */
  readonly principal: { readonly kind: 'key' | 'run'; readonly id: string };
  readonly scopes: readonly Scope[];
  /** `req` of every statement of the run. */
  readonly request_id: string;
  readonly depth: number;
  readonly script_digest: string;
  readonly file_name: string;
  readonly argv: readonly string[];
  readonly model?: string;
  readonly tier?: 'edge' | 'local' | 'pool';
  readonly tools?: readonly string[] | 'auto';
  readonly call_tool?: { readonly name: string; readonly args: JsonObject };
  readonly limits: { readonly [name in keyof ScriptLimits]: number };
  /** The job that carries it forward; absent on rows of releases that ran scripts on one machine only. */
  readonly job_id?: string;
  /** Counted among the runs of its key until it ends. */
  readonly takes_slot: boolean;
  readonly created_at: number;
  /** Unix milliseconds; a run that could not be started or resumed until then is given up. */
  readonly give_up_at: number;
  /** Unix seconds. */
  readonly expires_at: number;

  /** Raised by every start; frames and completions of an earlier one are refused. */
  readonly attempt: number;
  /** Attempts whose process vanished. */
  readonly lost: number;
  /** Frozen at the first attempt, so that a resumed run takes the same road. */
  readonly started_at?: number;
  readonly seed?: string;
  readonly clock_base_ms?: number;
  readonly token_sha256?: string;
  readonly token_methods?: readonly string[];
  readonly token_expires_at?: number;
  /**
   * Unix milliseconds; only while another machine executes the attempt. Until then it is that machine's, whoever looks;
   * afterwards it is lost.
   */
  readonly handed_over_until?: number;
  /** Which engine came for the attempt that was handed over; null until one did. */
  readonly engine?: string | null;

  readonly cancel_requested?: boolean;
  /** Why the orchestrator ended it, whatever the sandbox says of its end. */
  readonly verdict?: Verdict;

  readonly decision_receipt?: string;
  readonly final_receipt?: string;
  readonly ended_at?: number;
  readonly exit_code?: number;
  readonly error?: JsonObject;
  readonly result_type?: string;
  readonly usage?: JsonObject;
  readonly timings?: JsonObject;
  readonly image?: string;
  readonly stdout_truncated?: boolean;
  readonly stderr_truncated?: boolean;
};

export type Verdict = {
  readonly exit_code: number;
  readonly type: string;
  readonly code: string;
  readonly message: string;
};

/** Rows of this partition are written by this folder alone; their form is a type, not a question. */
export function runRow(item: Item): RunRow {
  return item as unknown as RunRow;
}

export function runItem(row: RunRow): Item {
  return row;
}

/** Holds while nobody took the run over or ended it since the row was read. */
export function asRead({ state, attempt }: Pick<RunRow, 'state' | 'attempt'>): readonly Condition[] {
  return [
    { kind: 'equals', field: 'state', value: state },
    { kind: 'equals', field: 'attempt', value: attempt },
  ];
}

/** Whether the attempt under way was given to another machine. */
export function isElsewhere(row: RunRow): row is RunRow & { readonly handed_over_until: number } {
  return row.state === 'running' && row.handed_over_until !== undefined;
}

/** Whether its script is to stop: somebody cancelled it, or it broke a rule. */
export function mustStop(row: RunRow): boolean {
  return row.cancel_requested === true || row.verdict !== undefined;
}

export function hasEnded(row: RunRow): boolean {
  return row.state !== 'queued' && row.state !== 'running' && row.state !== 'waiting_tool';
}

export function isJsonObject(value: unknown): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
