/** Standard base64 of the floats as they stand in memory: little-endian on all that Signet runs on. */
export function encodeFloats(floats: Float32Array): string {
  return Buffer.from(floats.buffer, floats.byteOffset, floats.byteLength).toString('base64');
}

/**
 * Throws where the text is not `count` floats.
 * @param what says in the error whose they are
 */
export function decodeFloats(base64: string, count: number, what = 'the text'): Float32Array {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== count * 4) throw new Error(`expected ${count} floats in ${what}, found ${bytes.length / 4}`);
  const floats = new Float32Array(count);
  // A copy, because the decoded bytes need not lie on a multiple of four.
  new Uint8Array(floats.buffer).set(bytes);
  return floats;
}
