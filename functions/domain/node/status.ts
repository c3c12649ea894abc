import type { Capability, CapabilityName } from '../ports/compute.ts';
import type { JsonObject } from '../json.ts';

/** GET /api/v1/status: every field is measured or read from the store, or absent. */
export interface NodeStatus {
  readonly node_id: string;
  readonly version: string;
  /** Whole seconds since this process opened the node; two names for one number. */
  readonly uptime_secs: number;
  readonly uptime_seconds: number;
  /** Decisions, and requests turned away before one, by the log: the same whichever instance is asked. */
  readonly total_requests: number;
  /** The store holds the identity that this process acts for. */
  readonly identity_initialized: boolean;
  /** A provider answered a probe less than a minute ago; the built-in rules are none. */
  readonly inference_ready: boolean;
  readonly federation_connected: boolean;
  readonly con: string;
  readonly constitution_version: number;
  readonly ledger: LedgerFacts;
  readonly compute: { readonly [name in CapabilityName]: Capability };
  readonly providers: readonly JsonObject[];
  readonly sandbox: JsonObject;
}

/** What is known of the log; members that it has no source for are absent. */
export interface LedgerFacts {
  /** Entries that are stored and not sealed. */
  readonly pending: number;
  /** Sealed ones. */
  readonly size?: number;
  /** Of the tree of the sealed ones, lower-case hex. */
  readonly root?: string;
  readonly checkpoint_age_s?: number;
}
