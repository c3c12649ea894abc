const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** `z6Mk…`: 0xed 0x01 and the 32 bytes of an Ed25519 public key, base58btc. The Rust side reads it back where it matters. */
export function multikey(public_key: Uint8Array): string {
  return multibase(Buffer.concat([Buffer.from([0xed, 0x01]), public_key]));
}

/** Base58btc with its multibase prefix `z`. */
export function multibase(bytes: Uint8Array): string {
  let number = BigInt(`0x0${Buffer.from(bytes).toString('hex')}`);
  let text = '';
  for (; number > 0n; number /= 58n) text = `${alphabet[Number(number % 58n)]}${text}`;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return `z${'1'.repeat(zeros < 0 ? bytes.length : zeros)}${text}`;
}
