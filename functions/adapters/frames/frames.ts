/**
 * Packed frames: how requests reach the Rust crate `compute`, in process (addon) or in linear memory (WASM).
 *
 * A request is the number of items and then the fields of each item in order; an answer has for each item the byte 1 and
 * its fields, or the byte 0 and a reject code. A number field is a little-endian u32; a bytes field is its length as such
 * a number, and the bytes. Rust holds the other end in `rust-lambdas/crates/compute`.
 */
export type Field = number | string | Uint8Array;

/** Numbers of the crate's operations; never reused. */
export const operations = {
  generateKey: 1,
  openKey: 2,
  closeKey: 3,
  sealEnvelopes: 4,
  signDocuments: 5,
  verifySignatures: 6,
  openEnvelopes: 7,
  verifyDocuments: 8,
  decodeKeyIds: 9,
  digest: 10,
  canonicalise: 11,
  growLog: 30,
  planProofs: 31,
  makeProofs: 32,
  verifyInclusions: 33,
  verifyConsistencies: 34,
  openCheckpoints: 35,
  readLogProofs: 36,
  judgeCheckpoints: 37,
  signNotes: 38,
  readWitnessRequests: 39,
  sealPayloads: 40,
  verifyPayloads: 41,
  readEnvelopes: 42,
} as const;

/** Bytes that {@link writeRequest} fills for these items. */
export function requestBytes(items: readonly (readonly Field[])[]): number {
  let bytes = 4;
  for (const item of items) for (const field of item) bytes += 4 + fieldBytes(field);
  return bytes;
}

/** Writes a request frame into `target`, which has exactly {@link requestBytes} bytes. */
export function writeRequest(items: readonly (readonly Field[])[], target: Uint8Array): void {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  view.setUint32(0, items.length, true);
  let at = 4;
  for (const item of items) {
    for (const field of item) {
      if (typeof field === 'number') {
        view.setUint32(at, field, true);
        at += 4;
        continue;
      }
      const length = fieldBytes(field);
      view.setUint32(at, length, true);
      at += 4;
      if (typeof field === 'string') encoder.encodeInto(field, target.subarray(at, at + length));
      else target.set(field, at);
      at += length;
    }
  }
}

/** Takes an answer frame apart. What it gives out are copies: the frame may be freed behind it. */
export class AnswerReader {
  private readonly frame: Uint8Array;
  private readonly view: DataView;
  private at = 0;

  constructor(frame: Uint8Array) {
    this.frame = frame;
    this.view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  }

  /** The reject code of the next item, or undefined when its fields follow. */
  refusal(): string | undefined {
    const isAccepted = this.view.getUint8(this.at) === 1;
    this.at += 1;
    return isAccepted ? undefined : this.text();
  }

  number(): number {
    const number = this.view.getUint32(this.at, true);
    this.at += 4;
    return number;
  }

  bytes(): Uint8Array {
    const length = this.number();
    const bytes = this.frame.slice(this.at, this.at + length);
    this.at += length;
    return bytes;
  }

  text(): string {
    const length = this.number();
    const text = decoder.decode(this.frame.subarray(this.at, this.at + length));
    this.at += length;
    return text;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Without the length in front of it; a number has none, and takes its place. */
function fieldBytes(field: Field): number {
  if (typeof field === 'number') return 0;
  return typeof field === 'string' ? Buffer.byteLength(field) : field.byteLength;
}
