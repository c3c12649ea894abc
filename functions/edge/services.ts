import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { ApiKeys } from '../domain/api-keys/api-keys.ts';
import type { Call, NewId, Now } from '../domain/call.ts';
import type { Chat } from '../domain/chat/chat.ts';
import type { Constitutions } from '../domain/gates/constitutions.ts';
import type { Counts } from '../domain/counts/make-counts.ts';
import type { Judge } from '../domain/decisions/judge.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Log } from '../domain/ledger/log.ts';
import type { Embeddings } from '../domain/embeddings/embeddings.ts';
import type { Identities } from '../domain/identities/identities.ts';
import type { Messages } from '../domain/messages/messages.ts';
import type { Events } from '../domain/events/events.ts';
import type { Federation } from '../domain/federation/federation.ts';
import type { Gates } from '../domain/gates/gates.ts';
import type { Idempotency } from '../domain/idempotency/make-idempotency.ts';
import type { Inference } from '../domain/inference/inference.ts';
import type { Durations } from '../domain/metrics/durations.ts';
import type { MetricFamily } from '../domain/metrics/open-metrics.ts';
import type { Health } from '../domain/node/health.ts';
import type { NodeStatus } from '../domain/node/status.ts';
import type { SharedRate } from '../domain/rate/shared-rate.ts';
import type { Receipts } from '../domain/receipts/receipts.ts';
import type { Runs } from '../domain/runs/runs.ts';
import type { Scripts } from '../domain/scripts/scripts.ts';
import type { Tools } from '../domain/tools/tools.ts';
import type { VectorOps } from '../domain/vectors/vector-ops.ts';
import type { Vectors } from '../domain/vectors/vectors.ts';
import type { Witness } from '../domain/witness/witness.ts';
import type { SocketHub } from './socket/socket-hub.ts';

/** Everything that the routes reach. Assembly makes it once; nothing in the edge is global. */
export interface Services {
  readonly chat: Chat;
  readonly inference: Inference;
  readonly federation: Federation;
  readonly events: Events;
  /** Of this process; absent where it can hold none. */
  readonly sockets?: SocketHub;
  readonly tools: Tools;
  readonly embeddings: Embeddings;
  readonly vectors: Vectors;
  readonly vectorOps: VectorOps;
  readonly scripts: Scripts;
  readonly runs: Runs;
  readonly apiKeys: ApiKeys;
  readonly gates: Gates;
  readonly constitutions: Constitutions;
  readonly identities: Identities;
  readonly messages: Messages;
  readonly receipts: Pick<Receipts, 'get' | 'proof'>;
  /** The transparency log; absent where nothing is sealed. */
  readonly ledger?: Pick<Log, 'file'> & {
    /** What a stranger needs to judge the log and its receipts offline: `signet trust pin` takes it. */
    readonly bundle: () => JsonObject;
  };
  /** Cosigns logs of others; absent where no key for it can be held. */
  readonly witness?: Witness;
  /** For one purpose: a deciding route that the key's scopes do not name is refused by it, so that the refusal leaves its receipt. */
  readonly judge: Pick<Judge, 'decide'>;
  readonly idempotency: Idempotency;
  /** The rate of a key over all processes, where several serve one node; each of them has its own buckets besides. */
  readonly sharedRate?: Pick<SharedRate, 'take'>;
  /** What was turned away before anything was judged; written to the log once a minute by whoever made it. */
  readonly counts: Pick<Counts, 'note'>;
  status(call: Call): Promise<NodeStatus>;
  health(): Promise<Health>;
  /** What runs here, for a key that may read the node: version, runtime, platform. */
  readonly build: { readonly [name: string]: string };
  /** Times answers, where a process stays; elsewhere nobody does. */
  readonly durations?: Pick<Durations, 'begin'>;
  metrics(): Promise<readonly MetricFamily[]>;
  /** Where the public address has a path, or the home is elsewhere; else the client's word for the address is right. */
  readonly entrance?: Entrance;
  readonly version: string;
  readonly now: Now;
  readonly newId: NewId;
  readonly log: EdgeLog;
  /** Deviations from `shared/limits.json`; tests and a benchmark's node give some. */
  readonly limits?: Partial<EdgeLimits>;
}

export interface Entrance {
  /** Public base of the API, with the path of its stage; no slash at its end. */
  readonly url: string;
  /** The home that has the owner's key, as the owner's shell names it. */
  readonly home: string;
}

export interface EdgeLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface EdgeLimits {
  /** Requests a second and at once, per key. */
  readonly rate_per_s: number;
  readonly rate_burst: number;
  /** Refused authentications a second and at once, per address; beyond it the answer is 429. */
  readonly stranger_per_s: number;
  readonly stranger_burst: number;
  /** Bodies without a key that are looked at, a second and at once, per address. */
  readonly visitor_per_s: number;
  readonly visitor_burst: number;
  readonly body_bytes_max: { readonly [bodyClass in BodyClass]: number };
  readonly json_depth_max: number;
  /** How long a synchronous run is waited for. */
  readonly sync_wait_ms: number;
  /** A comment goes out when a stream was silent for so long. */
  readonly stream_beat_ms: number;
  /** White space goes out when the answer to a call of a script was not there for so long. */
  readonly frame_beat_ms: number;
}

export type BodyClass = keyof typeof limits.body_bytes_max;

export const defaultLimits: EdgeLimits = {
  rate_per_s: limits.rate_per_s,
  rate_burst: limits.rate_burst,
  stranger_per_s: 20,
  stranger_burst: 100,
  visitor_per_s: 20,
  visitor_burst: 100,
  body_bytes_max: limits.body_bytes_max,
  json_depth_max: limits.json_depth_max,
  sync_wait_ms: limits.runs.sync_wait_ms,
  stream_beat_ms: 15_000,
  frame_beat_ms: 10_000,
};
