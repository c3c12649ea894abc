import { createPublicKey, verify } from 'node:crypto';

/** Bytes as they came. */
export interface Signed {
  readonly public_key: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * The acceptance rule of signatures by other means than the crates': integers of any size for the conditions, OpenSSL for
 * the equation. The answer is an outcome of `verifySignatures`.
 */
export function judgeSignature(item: Signed): { readonly ok: true } | { readonly ok: false; readonly code: string } {
  const code = preCheck(item) ?? (nodeVerifies(item) ? undefined : 'sig.invalid');
  return code === undefined ? { ok: true } : { ok: false, code };
}

const prime = 2n ** 255n - 19n;
const order = 2n ** 252n + 27742317777372353535851937790883648493n;
/** The curve is -x² + y² = 1 + dx²y². */
const d = (-121665n * power(121666n, prime - 2n)) % prime;

/** Conditions 1 to 4 in their order. */
function preCheck({ public_key, signature }: Signed): string | undefined {
  if (public_key.length !== 32) return 'key.malformed';
  if (signature.length !== 64) return 'sig.malformed';
  const y = withoutSign(public_key);
  if (y >= prime || !isOnCurve(y) || hasSmallOrder(y)) return 'key.malformed';
  if (hasSmallOrder(withoutSign(signature.subarray(0, 32)))) return 'sig.small_order';
  return integer(signature.subarray(32)) < order ? undefined : 'sig.malformed';
}

/** x² = (y² - 1) / (dy² + 1) has a root; the divisor is never 0. */
function isOnCurve(y: bigint): boolean {
  const root = power((y * y - 1n) * (d * y * y + 1n), (prime - 1n) / 2n);
  return root === 0n || root === 1n;
}

/** Of order 1, 2 and 4 are the points with y = 0, 1, -1; of order 8 those whose double has y = 0: dy⁴ + 2y² - 1 = 0. */
function hasSmallOrder(y: bigint): boolean {
  const square = modulo(y * y);
  return square === 0n || square === 1n || modulo(d * square * square + 2n * square - 1n) === 0n;
}

function withoutSign(encoding: Uint8Array): bigint {
  return integer(encoding) & (2n ** 255n - 1n);
}

/** Little-endian. */
function integer(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, modulo(base)];
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % prime;
    square = (square * square) % prime;
  }
  return result;
}

function modulo(number: bigint): bigint {
  return ((number % prime) + prime) % prime;
}

function nodeVerifies({ public_key, message, signature }: Signed): boolean {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), public_key]);
  return verify(null, message, createPublicKey({ key: der, format: 'der', type: 'spki' }), signature);
}
