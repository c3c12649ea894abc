import type { Call } from '../call.ts';
import type { Judged } from '../decisions/judge.ts';
import type { Json, JsonObject } from '../json.ts';

export interface DigestSet {
  readonly sha256: string;
  readonly blake3: string;
}

export interface Provenance {
  /** Of a receipt or of an envelope made here. */
  readonly id: string;
  /** SHA-256 of the receipt's entry, or of the envelope's content; lower-case hex. */
  readonly digest: string;
}

export interface CreateRequest {
  readonly payload: Json;
  /** Seconds. */
  readonly ttl: number;
  readonly provenance: readonly Provenance[];
  readonly schema_id?: string;
  /** `did:key:…`, or `*` for everybody. */
  readonly audience: string;
  /** A managed identity; absent, the node signs with its session key. */
  readonly key_id?: string;
}

export interface MadeEnvelope {
  readonly id: string;
  readonly public_key: string;
  readonly signature: string;
  readonly ttl: number;
  /** `iat`, Unix seconds. */
  readonly timestamp: number;
  /** SHA-256 of the payload's canonical form. */
  readonly content_hash: string;
  readonly digests: DigestSet;
  readonly envelope: JsonObject;
  /** SHA-256 under which the content is stored when it does not fit into what is signed. */
  readonly content_ref?: string;
}

/** In the order in which they are made. */
export type MessageCheckName = 'form' | 'key' | 'signature' | 'payload' | 'binding' | 'time' | 'rate' | 'replay';

export interface MessageCheck {
  readonly check: MessageCheckName;
  readonly ok: boolean;
  readonly code?: string;
}

export interface EnvelopeVerdict {
  readonly valid: boolean;
  /** Why not, for people. */
  readonly error?: string;
  readonly code?: string;
  /** Those made; the first failure is the last of them. */
  readonly checks: readonly MessageCheck[];
  /** Known once the signature held and the message was read. */
  readonly iss?: string;
  /** Known once the envelope has its form. */
  readonly id?: string;
}

export interface Consumed {
  readonly verdict: EnvelopeVerdict;
  readonly receipt: string;
  /** When this message was admitted before: the receipt of that verdict. */
  readonly first_verdict?: string;
}

/** Signed messages: made, judged, and admitted once. */
export interface Messages {
  create(call: Call, request: CreateRequest): Promise<Judged<MadeEnvelope>>;
  /** Judges and remembers nothing. `envelope` are its bytes as received. */
  verify(envelope: Uint8Array): Promise<EnvelopeVerdict>;
  /** Whether a message was admitted before; asking admits nothing. */
  isSeen(message: { readonly iss: string; readonly id: string }): Promise<boolean>;
  /** Judges, and admits a valid message once: of two copies exactly one, wherever they arrive. */
  consume(call: Call, envelope: Uint8Array): Promise<Consumed>;
}
