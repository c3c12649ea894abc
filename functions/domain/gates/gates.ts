import type { Call } from '../call.ts';
import type { Enforcement } from '../constitution/rules.ts';
import type { JsonObject } from '../json.ts';

export type ContentType = 'text/plain' | 'text/markdown' | 'application/json';

export interface GateRequest {
  /** What is judged; at most `limits.messages.content_bytes_max` bytes of UTF-8. */
  readonly content: string;
  readonly content_type: ContentType;
  /** Whose chain runs; `checkGates` when the caller names none. */
  readonly action: string;
  /** A DSSE envelope as JSON text, whose message is about this content. */
  readonly envelope?: string;
  readonly claimed: Claims;
}

/** What the caller says of itself. Recorded; a score is only ever lowered by it, the rest decides nothing. */
export interface Claims {
  /** 0 to 1. */
  readonly snr_score?: number;
  readonly ihsan_score?: number;
  readonly sender_id?: string;
  readonly envelope_id?: string;
  readonly schema_id?: string;
}

export type GateState = 'pass' | 'fail' | 'na' | 'error';

/** One gate of a chain as it ended. */
export interface GateEntry {
  /** `G0` to `G12`. */
  readonly g: string;
  readonly state: GateState;
  readonly enforcement: Enforcement;
  /** Basis points. */
  readonly score: number;
  readonly bar: number;
  readonly attain: number;
  /** False where it does not count for excellence; absent otherwise. */
  readonly mandatory?: false;
  /** A code of the reject registry, unless it passed. */
  readonly code?: string;
  /** Numbers, booleans and short names; never text of the content. */
  readonly facts: JsonObject;
  /** Microseconds. */
  readonly us: number;
}

export interface GateVerdict {
  /** Id of the verdict record, durable before this resolves. */
  readonly id: string;
  readonly passed: boolean;
  /** Why not. */
  readonly code?: string;
  readonly chain: readonly GateEntry[];
  /** Basis points; absent without a score. */
  readonly snr?: number;
  readonly ihsan: number;
  /** SHA-256 of the constitution it was judged by. */
  readonly con: string;
  /** Predicate of the verdict record, without its head. */
  readonly record: JsonObject;
}

/** Judges content by the constitution's chain. */
export interface Gates {
  /**
   * Leaves a verdict record and a decision that names it. Throws `gate_deadline` or `gate_unavailable` when a gate did
   * not come to an end; the record is kept then too.
   */
  check(call: Call, request: GateRequest): Promise<{ readonly value: GateVerdict; readonly receipt: string }>;
}
