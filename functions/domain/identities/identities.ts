import type { Call } from '../call.ts';
import type { Judged } from '../decisions/judge.ts';
import type { JsonObject } from '../json.ts';

/** A signing identity that the node keeps for a caller; its private half never leaves the key adapter. */
export interface ManagedIdentity {
  /** `did:key` of the identity itself. */
  readonly node_id: string;
  readonly key_id: string;
  /** 64 lower-case hex digits. */
  readonly public_key: string;
  readonly custody: 'file' | 'memory' | 'kms';
  readonly purpose: 'agent' | 'service';
  readonly label?: string;
  /** Unix seconds. */
  readonly created: number;
  readonly expires_at: number;
  /** Envelope id of the delegation by which the node vouches for it. */
  readonly delegation: string;
  readonly revoked_at?: number;
}

export interface SignedPayload {
  /** 128 lower-case hex digits, over the DSSE PAE of type and payload. */
  readonly signature: string;
  readonly public_key: string;
  readonly payload_type: string;
  readonly key_id: string;
  readonly id: string;
  /** The DSSE envelope. */
  readonly envelope: JsonObject;
}

export interface SignatureItem {
  /** 32 and 64 bytes. */
  readonly public_key: Uint8Array;
  readonly signature: Uint8Array;
  readonly payload_type: string;
  readonly payload: Uint8Array;
}

/** Identities of callers: made, listed, signing, revoked. Everything is the tenant's own; another's does not exist. */
export interface Identities {
  /** Throws 409 `identity_exists` for a label in use, 501 where the node cannot keep such keys. */
  generate(call: Call, request: { label?: string; purpose: 'agent' | 'service' }): Promise<Judged<ManagedIdentity>>;
  list(call: Call): Promise<readonly ManagedIdentity[]>;
  /** The live identity of this key, or the tenant's oldest live one. Throws 404 `identity_not_found`. */
  find(call: Call, key_id?: string): Promise<ManagedIdentity>;
  /**
   * Signs bytes under a type of the caller's own, or text. Throws 403 `signature_refused` with `envelope.type` for a type
   * that means something to this node, 413 over 3,900 bytes.
   */
  sign(
    call: Call,
    request: { payload_type: string; payload: Uint8Array; key_id?: string },
  ): Promise<Judged<SignedPayload>>;
  /** `ok` or a reject code for each item, in order. Strict Ed25519; says nothing of who the key is. */
  verify(items: readonly SignatureItem[]): Promise<readonly string[]>;
  /** Its signatures count no longer. What it signed and was logged before stays valid. */
  revoke(call: Call, key_id: string): Promise<Judged<ManagedIdentity>>;
}
