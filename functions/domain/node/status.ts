import type { Capability, CapabilityName } from '../ports/compute.ts';
import type { JsonObject } from '../json.ts';

/** GET /api/v1/status: every field is measured or read from the store, or absent. */
export interface NodeStatus {
  readonly node_id: string;
  readonly version: string;
  readonly uptime_seconds: number;
  readonly con: string;
  readonly constitution_version: number;
  readonly ledger: { readonly pending: number };
  readonly compute: { readonly [name in CapabilityName]: Capability };
  readonly providers: readonly JsonObject[];
  readonly sandbox: JsonObject;
}
