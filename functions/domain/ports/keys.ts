import type { JsonObject } from '../json.ts';

/** One key per role, one byte form per key; the signer refuses any other form. */
export type KeyRole = 'root' | 'issuer' | 'session' | 'agent' | 'log' | 'witness';

export interface PublicKey {
  /** Multikey text, `z6Mk…`: 0xed 0x01 and the 32 bytes, base58btc. Names the key everywhere. */
  readonly key_id: string;
  readonly role: KeyRole;
  /** 32 bytes. */
  readonly public_key: Uint8Array;
  /** Where the private half lives: `file`, `memory`, `kms`. */
  readonly custody: 'file' | 'memory' | 'kms';
}

export interface SealedEnvelope {
  /** Canonical JSON of the DSSE envelope: the ledger entry, byte for byte. */
  readonly entry: Uint8Array;
  /** BLAKE3 id over the PAE, 64 lower-case hex digits. */
  readonly id: string;
}

/**
 * Holds private keys and signs typed bytes with them; private bytes never leave the adapter.
 * `root` signs documents (eddsa-jcs-2022); `issuer` and `session` sign DSSE envelopes of their statement types, `agent`
 * those of its caller.
 * A form that is not the role's is refused with `KeyRefusedError`.
 */
export interface Keys {
  /** Makes a key and keeps it: in a file (`root`, `issuer`, …), or in memory for at most an hour (`session`). */
  create(role: KeyRole): Promise<PublicKey>;
  /** Of one role, or of all. */
  list(role?: KeyRole): Promise<readonly PublicKey[]>;
  /** Canonicalises the payload (strict I-JSON profile), signs its PAE, and gives the envelope and its id. */
  sealEnvelope(request: { key_id: string; payload_type: string; payload: JsonObject }): Promise<SealedEnvelope>;
  /** DSSE over bytes as they are, of a caller's own type or plain text: by `agent` keys alone. */
  sealPayload(request: { key_id: string; payload_type: string; payload: Uint8Array }): Promise<SealedEnvelope>;
  /** Adds an eddsa-jcs-2022 proof, `assertionMethod`, `created` as RFC 3339 seconds. */
  signDocument(request: {
    key_id: string;
    verification_method: string;
    document: JsonObject;
    created: string;
  }): Promise<JsonObject>;
  /** A signature line for the text of a checkpoint: by a `log` key under its origin `name`, by a `witness` key at `time`. */
  signNote(request: { key_id: string; name: string; text: string; time?: number }): Promise<string>;
  /** Forgets a memory key; a file key stays in its file. */
  release(key_id: string): Promise<void>;
}

/** The key is not here, or its role does not sign this form. */
export class KeyRefusedError extends Error {
  override readonly name = 'KeyRefusedError';
}
