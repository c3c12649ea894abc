/** Tokens of `signet-edge-1`: UTF-8 bytes divided by four, rounded up. No vocabulary, so anyone can recompute it. */
export function countTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}
