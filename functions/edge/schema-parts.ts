import { z } from '@hono/zod-openapi';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Json, JsonObject } from '../domain/json.ts';
import { unsupportedMark } from './check-input.ts';

type SchemaObjectType = 'string' | 'number' | 'boolean' | 'object' | 'array' | 'null';

/** Pieces that several routes share. Free JSON is passed through as the parser made it: no copy, no surprise. */

const anyType: SchemaObjectType[] = ['string', 'number', 'boolean', 'object', 'array', 'null'];

export const anyJson = z.custom<Json>(() => true).openapi({ type: anyType });

export const jsonObject = z
  .custom<JsonObject>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'expected an object',
  )
  .openapi({ type: 'object', additionalProperties: true });

/** The document of `jsonObject.nullable()` would not know of the null. */
export const objectOrNull = z
  .custom<JsonObject | null>(
    (value) => typeof value === 'object' && !Array.isArray(value),
    'expected an object or null',
  )
  .openapi({ type: ['object', 'null'], additionalProperties: true });

/** Names that users choose: scripts, collections, namespaces, tenants. */
export const userName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,63}$/,
    'expected a name of 1 to 64 characters `a-z 0-9 . _ -`, starting with a letter or digit',
  );

export const toolName = z
  .string()
  .regex(/^(?!.*__)[A-Za-z0-9_.-]{1,64}$/, 'expected a name of 1 to 64 characters `A-Z a-z 0-9 _ . -` without `__`');

/** Ids that we gave out (runs, API keys). */
export const givenId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected an id as it was given out');

/** In a query: decimal digits and nothing else, where `Number` would take an empty text for 0 and read `0x10` and `1e2`. */
export function wholeNumber(min: number, max: number) {
  const expected = `expected a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^(0|[1-9]\d{0,15})$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected)
    .openapi({ type: 'integer', minimum: min, maximum: max });
}

/** NUL, line ends and the other controls: never part of a name that is logged, stored or shown. */
export function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

/** Names a signing key. */
export const keyId = z.string().regex(/^z6Mk[1-9A-HJ-NP-Za-km-z]{30,60}$/, 'expected a key id `z6Mk…`');

/** Exactly so many bytes as lower- or upper-case hex digits. */
export function hexBytes(bytes: number) {
  return z
    .string()
    .regex(new RegExp(`^[0-9a-fA-F]{${bytes * 2}}$`), `expected ${bytes} bytes as ${bytes * 2} hex digits`);
}

/** The one spelling of bytes in the standard alphabet, padded. */
export const base64Bytes = z
  .string()
  .refine((text) => Buffer.from(text, 'base64').toString('base64') === text, 'expected base64, padded')
  .openapi({ format: 'byte' });

export const digestHex = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');

export const tier = z.enum(['edge', 'local', 'pool']);

/** Known to the protocol and not taken here; `allowed` are values that ask for what happens anyway. */
export function unsupported(what: string, ...allowed: readonly Json[]): z.ZodOptional<z.ZodType<Json>> {
  return z
    .custom<Json>()
    .superRefine((value, context) => {
      if (value === undefined || allowed.some((one) => JSON.stringify(one) === JSON.stringify(value))) return;
      context.addIssue({ code: 'custom', message: what, params: { mark: unsupportedMark } });
    })
    .openapi({
      description: `not supported: ${what}`,
      deprecated: true,
      type: anyType,
      ...(allowed.length === 0 ? {} : { enum: [...allowed] }),
    })
    .optional();
}

/** Finite, and still finite as f32, which is what is stored and compared. */
export const vectorValues = z
  .custom<
    readonly number[]
  >(isVector, `expected an array of 1 to ${limits.vectors.dimension_max} finite 32-bit numbers`)
  .openapi({ type: 'array', items: { type: 'number' } });

/** base64 of little-endian f32. */
export const vectorBase64 = z
  .string()
  .superRefine((text, context) => {
    if (decodeVector(text) === undefined) {
      context.addIssue({ code: 'custom', message: 'expected base64 of little-endian 32-bit floats, all finite' });
    }
  })
  .openapi({ format: 'byte' });

/** @returns undefined when it is not base64, not whole floats, out of range or not finite */
export function decodeVector(text: string): Float32Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 0 || bytes.length % 4 !== 0 || bytes.length > limits.vectors.dimension_max * 4) return undefined;
  if (bytes.toString('base64') !== text) return undefined;
  const values = new Float32Array(bytes.length / 4);
  for (let at = 0; at < values.length; at += 1) {
    const value = bytes.readFloatLE(at * 4);
    if (!Number.isFinite(value)) return undefined;
    values[at] = value;
  }
  return values;
}

function isVector(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0 || value.length > limits.vectors.dimension_max) return false;
  return value.every((one) => typeof one === 'number' && Number.isFinite(Math.fround(one)));
}
