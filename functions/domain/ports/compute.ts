import type { JsonObject } from '../json.ts';
import type { ArithmeticCompute } from './arithmetic-compute.ts';
import type { GatesCompute } from './gates-compute.ts';
import type { KeyRole } from './keys.ts';
import type { SegmentCompute } from './segment-compute.ts';
import type { LedgerCompute, NoteRequest } from './ledger-compute.ts';

/**
 * What is computed in Rust. One port per capability, so that each can be served by another build of the same crates:
 * `native` (Node addon), `wasm` (the committed blob), `lambda` (later). Asynchronous always, arrays in, arrays out,
 * results in the order of the input; one bad item never shifts or fails another.
 */
export interface Compute {
  readonly sign: SignCompute;
  readonly verify: VerifyCompute;
  readonly digest: DigestCompute;
  readonly score: ScoreCompute;
  readonly gates: GatesCompute;
  readonly arithmetic: ArithmeticCompute;
  readonly segments: SegmentCompute;
  readonly embed: EmbedCompute;
}

export type CapabilityName =
  | 'sign'
  | 'verify'
  | 'digest'
  | 'score'
  | 'gates'
  | 'arithmetic'
  | 'segments'
  | 'embed'
  | 'run';

export type Capability =
  | { readonly served_by: 'native' | 'wasm' | 'lambda' }
  | {
      readonly served_by: 'unavailable';
      readonly reason: string;
      /** What is being done about it, such as `building the native addon`; absent when nothing is. */
      readonly step?: string;
      /** Seconds, estimated; becomes `Retry-After`. */
      readonly ready_in_s?: number;
    };

/** Private keys live behind handles: their bytes stay in Rust memory, zeroised on close. */
export type KeyHandle = number;

export interface OpenedKey {
  readonly handle: KeyHandle;
  /** 32 bytes. */
  readonly public_key: Uint8Array;
  /** Multikey text `z6Mk…`. */
  readonly key_id: string;
}

export interface SignCompute {
  /** `seed`: 32 fresh random bytes, zeroised by the callee. With `exportable` the PKCS#8 PEM comes back, for a key file. */
  generateKey(request: {
    role: KeyRole;
    seed: Uint8Array;
    exportable: boolean;
  }): Promise<OpenedKey & { readonly pkcs8_pem?: Uint8Array }>;
  /** `pkcs8_pem` is zeroised by the callee. Bad PEM, another algorithm: `ComputeRefusedError` with code `key.malformed`. */
  openKey(request: { role: KeyRole; pkcs8_pem: Uint8Array }): Promise<OpenedKey>;
  closeKey(handle: KeyHandle): Promise<void>;
  /** DSSE over the canonical form of `payload_json` (UTF-8 JSON text, I-JSON profile). */
  sealEnvelopes(
    requests: readonly { handle: KeyHandle; payload_type: string; payload_json: Uint8Array }[],
  ): Promise<readonly Outcome<{ entry: Uint8Array; id: string }>[]>;
  /**
   * DSSE over bytes as they are, of the text type or a type of the caller's own: by `agent` keys alone. `envelope.type`
   * where the type is malformed or reserved, `json.utf8` for text that is no UTF-8.
   */
  sealPayloads(
    requests: readonly { handle: KeyHandle; payload_type: string; payload: Uint8Array }[],
  ): Promise<readonly Outcome<{ entry: Uint8Array; id: string }>[]>;
  /** A signature line of a signed note, by `log` and `witness` keys; `log.malformed` for a text that is no checkpoint. */
  signNotes(requests: readonly NoteRequest[]): Promise<readonly Outcome<{ line: string }>[]>;
  /** eddsa-jcs-2022; the answer is the canonical JSON of the document with its `proof` appended (array if one is there). */
  signDocuments(
    requests: readonly {
      handle: KeyHandle;
      verification_method: string;
      document_json: Uint8Array;
      created: string;
    }[],
  ): Promise<readonly Outcome<{ document: Uint8Array }>[]>;
}

/** `code` is a reject code of the design's families: `json.*`, `envelope.*`, `key.*`, `sig.*`. */
export type Outcome<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly code: string };

export interface VerifyCompute {
  /** Served by the same build. */
  readonly ledger: LedgerCompute;
  /** Strict Ed25519 (proof rule: canonical key and R, no small order, S < L, no cofactor). */
  verifySignatures(
    items: readonly { public_key: Uint8Array; message: Uint8Array; signature: Uint8Array }[],
  ): Promise<readonly Outcome<object>[]>;
  /**
   * Reads a DSSE envelope (size, strict outer JSON, shape, canonical base64), requires one of its signatures to be by
   * `public_key` under its Multikey id, verifies it over the PAE of the received bytes, and only then parses the payload
   * (I-JSON profile, canonical).
   */
  openEnvelopes(
    items: readonly { envelope: Uint8Array; public_key: Uint8Array }[],
  ): Promise<readonly Outcome<{ id: string; payload_type: string; payload: Uint8Array }>[]>;
  /** Strict Ed25519 over the PAE of (`payload_type`, `payload`), whatever the type is. */
  verifyPayloads(
    items: readonly { public_key: Uint8Array; payload_type: string; payload: Uint8Array; signature: Uint8Array }[],
  ): Promise<readonly Outcome<object>[]>;
  /**
   * Size, outer JSON, shape, base64, type and payload size of an envelope: what is known of it before any key is. The id
   * is that of the bytes which a signature would cover; `key_ids` (1 to 16) only pick candidates.
   */
  readEnvelopes(
    envelopes: readonly Uint8Array[],
  ): Promise<readonly Outcome<{ id: string; payload_type: string; key_ids: readonly string[] }>[]>;
  /** Each item's document must carry a valid eddsa-jcs-2022 proof by `public_key`. */
  verifyDocuments(
    items: readonly { document_json: Uint8Array; public_key: Uint8Array }[],
  ): Promise<readonly Outcome<object>[]>;
  /** `z6Mk…` (or `did:key:z6Mk…`) to its 32 bytes. */
  decodeKeyIds(key_ids: readonly string[]): Promise<readonly Outcome<{ public_key: Uint8Array }>[]>;
}

export interface DigestCompute {
  /** Plain SHA-256 and BLAKE3, lower-case hex. */
  digest(items: readonly Uint8Array[]): Promise<readonly { sha256: string; blake3: string }[]>;
  /** RFC 8785 form of strict I-JSON text. */
  canonicalise(items: readonly Uint8Array[]): Promise<readonly Outcome<{ canonical: Uint8Array }>[]>;
}

export type Metric = 'cosine' | 'dot_product' | 'euclidean' | 'squared_euclidean';

export interface ScoreCompute {
  /**
   * Exact top-k of `query` (d) against `rows` (n × d, row-major): larger score is better, ties by lower row.
   * score: cosine; dot product; 1/(1+distance) for the two distances. A zero vector scores cosine 0.
   */
  topK(request: { metric: Metric; dimension: number; query: Float32Array; rows: Float32Array; k: number }): Promise<{
    /** Row numbers, best first, min(k, n) of them. */
    rows: Uint32Array;
    scores: Float32Array;
  }>;
}

export type InputType = 'query' | 'document' | 'clustering' | 'classification';

/** In which numbers a model's weights are held; each has a file of its own in the registry. */
export type Precision = 'fp32' | 'int8';

export interface EmbedCompute {
  /** Rows in the order of `texts`; `truncate: 'error'` refuses an overlong text with `ComputeRefusedError` `input_too_long`. */
  embed(request: {
    model: string;
    /** The model's default when absent. */
    precision?: Precision;
    texts: readonly string[];
    input_type: InputType;
    truncate: 'end' | 'error';
    signal?: AbortSignal;
  }): Promise<{
    /** n × dimension, each row of norm 1. */
    vectors: Float32Array;
    dimension: number;
    /** Real tokens of each text, special ones included, padding not. */
    tokens: Uint32Array;
    /** Indexes of texts that were cut. */
    truncated: readonly number[];
  }>;
}

/** The input is at fault: `code` says how, `index` where. */
export class ComputeRefusedError extends Error {
  override readonly name = 'ComputeRefusedError';
  readonly code: string;
  readonly index: number | undefined;
  readonly facts: JsonObject;

  constructor(facts: { code: string; index?: number; message: string; facts?: JsonObject }) {
    super(facts.message);
    this.code = facts.code;
    this.index = facts.index;
    this.facts = facts.facts ?? {};
  }
}

/** The capability is not there (yet); the edge answers 503 `capability_unavailable` with its reason. */
export class CapabilityUnavailableError extends Error {
  override readonly name = 'CapabilityUnavailableError';
  readonly capability: CapabilityName;
  readonly state: Extract<Capability, { served_by: 'unavailable' }>;

  constructor(capability: CapabilityName, state: Extract<Capability, { served_by: 'unavailable' }>) {
    super(`\`${capability}\` is unavailable: ${state.reason}`);
    this.capability = capability;
    this.state = state;
  }
}
