import type { JsonObject } from '@signet/functions/domain/json.ts';
import type { EventRequest } from './follow-events.ts';
import type { ComputeChoice } from './in-process.ts';

export interface NodeLifecycleOptions {
  /** Where a node answers. Default: `http://127.0.0.1:<apiPort>`. */
  readonly baseUrl?: string;
  /** Port that `start()` gives the node; 0 takes a free one. Default 3001. */
  readonly apiPort?: number;
  /** What computes in this process. Default `auto`: native, else WebAssembly. */
  readonly compute?: ComputeChoice;
  /** Starts a node at once. Default false. */
  readonly autoStart?: boolean;
  /** Milliseconds between two looks at the node's health. Default 30,000. */
  readonly healthIntervalMs?: number;
  /** API key. Default: the owner's, from the home, when a node is there that made it. */
  readonly token?: string;
  /** Folder of the node that `start()` starts. Default: `SIGNET_HOME`, else `.signet`. */
  readonly home?: string;
}

/**
 * `unknown`: never asked; `starting`; `healthy`; `degraded`: it answers, and not with 200 or not with every check well;
 * `unhealthy`: no answer in ten seconds; `stopped`: this object ended the node, or the node it started has ended.
 */
export type HealthState = 'unknown' | 'starting' | 'healthy' | 'degraded' | 'unhealthy' | 'stopped';

/** A number held against a threshold: it decides nothing, for it is whatever the caller gave. */
export interface AdvisoryCheck {
  readonly passed: boolean;
  readonly advisory: true;
  readonly score: number;
  readonly threshold: number;
}

export interface GateCheck {
  readonly content: string;
  readonly content_type?: 'text/plain' | 'text/markdown' | 'application/json';
  readonly action?: string;
  readonly envelope?: JsonObject;
  readonly snr_score?: number;
  readonly ihsan_score?: number;
}

export interface LifecycleStats {
  readonly inProcess: { readonly available: boolean; readonly kind: 'native' | 'wasm' | 'none' };
  readonly apiHealthy: boolean;
  readonly apiPort: number;
  readonly processRunning: boolean;
  readonly processUptimeS: number;
  readonly lastHealth: HealthState;
  readonly running: boolean;
}

export interface NodeLifecycle {
  /** What computes here: it was asked for a digest before this object existed. */
  readonly inProcess: { readonly available: boolean; readonly kind: 'native' | 'wasm' | 'none' };
  /** By the last look at the node; false before the first. */
  readonly apiHealthy: boolean;
  /** Looks now. */
  health(): Promise<HealthState>;
  /** Called at each change, and only then; looks at the node in intervals while somebody listens. @returns ends it */
  onHealth(call: (state: HealthState) => void): () => void;
  /** Starts `signet serve` on loopback unless a node answers already. One start serves all who call. */
  start(): Promise<void>;
  /** Waits up to five seconds for calls of this object, then ends the node if this object started it. */
  stop(): Promise<void>;
  /** Whether the process that was started here lives. */
  isRunning(): boolean;
  /** Seconds since it was started; 0 without one. */
  uptime(): number;
  checkSnr(score: number, threshold?: number): AdvisoryCheck;
  checkIhsan(score: number, threshold?: number): AdvisoryCheck;
  /** In process. @throws {NodeError} `gate.unavailable` where nothing computes */
  digest(content: string | Uint8Array): Promise<{ readonly sha256: string; readonly blake3: string }>;
  /** Of text signed by `sign`: in process, else by the node. Hex. @throws {NodeError} `gate.unavailable` */
  verify(signed: {
    readonly message: string;
    readonly signature: string;
    readonly public_key: string;
  }): Promise<boolean>;
  /** `snr/1` of a text: in process, else by the node's gates. @throws {NodeError} `gate.unavailable` */
  scoreText(text: string): Promise<{ readonly snr_bp?: number; readonly scored: boolean; readonly reason?: string }>;
  /** By an identity that the node keeps; `key_id` names one, else the node takes its only one. */
  sign(message: string, key_id?: string): Promise<JsonObject>;
  checkGates(request: GateCheck): Promise<JsonObject>;
  generate(request: { readonly prompt: string; readonly [field: string]: unknown }): Promise<JsonObject>;
  models(): Promise<readonly JsonObject[]>;
  status(): Promise<JsonObject>;
  federationStatus(): Promise<JsonObject>;
  /** Events of the node's log, resumed by itself. */
  events(request: EventRequest): AsyncGenerator<JsonObject, void, void>;
  stats(): LifecycleStats;
}
