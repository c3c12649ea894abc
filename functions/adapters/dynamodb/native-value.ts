import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Json } from '../../domain/json.ts';

/** DynamoDB takes 32 levels, the item's own included. */
const depth_max = 30;

/** The DynamoDB form of the same type, from which `toValue` gives back the same value; undefined when there is none. */
export function nativeValue(value: Json, depth = 0): AttributeValue | undefined {
  if (value === null) return { NULL: true };
  if (typeof value === 'string') return value.isWellFormed() ? { S: value } : undefined;
  if (typeof value === 'boolean') return { BOOL: value };
  if (typeof value === 'number') return isNativeNumber(value) ? { N: String(value) } : undefined;
  return depth >= depth_max ? undefined : nativeTree(value, depth + 1);
}

/** The JSON value of an attribute, binary ones included. */
export function toValue(value: AttributeValue): Json {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return Number(value.N);
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.NULL !== undefined) return null;
  if (value.B !== undefined) return JSON.parse(Buffer.from(value.B).toString()) as Json;
  if (value.L !== undefined) return value.L.map(toValue);
  if (value.M !== undefined) {
    return Object.fromEntries(Object.entries(value.M).map(([name, part]) => [name, toValue(part)]));
  }
  throw new Error(`expected a row of this table, got an attribute of type \`${Object.keys(value).join()}\``);
}

/**
 * Between 1e-130 and 1e126, with 38 digits: JavaScript's shortest text of a double has 17 at most, and gives the same
 * double when it is read again.
 */
export function isNativeNumber(value: number): boolean {
  const magnitude = Math.abs(value);
  return value === 0 || (magnitude >= 1e-130 && magnitude < 9.9e125);
}

/** Bytes that count towards the item, at most: the documented rule, with numbers rounded up. */
export function sizeOf(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return value.N.length / 2 + 3;
  if (value.B !== undefined) return value.B.length;
  if (value.L !== undefined) return value.L.reduce((sum, part) => sum + 1 + sizeOf(part), 3);
  if (value.M === undefined) return 1;
  return Object.entries(value.M).reduce((sum, [name, part]) => sum + 1 + Buffer.byteLength(name) + sizeOf(part), 3);
}

function nativeTree(value: Exclude<Json, string | number | boolean | null>, depth: number): AttributeValue | undefined {
  if (isList(value)) {
    const parts = value.map((part) => nativeValue(part, depth));
    return parts.every((part) => part !== undefined) ? { L: parts } : undefined;
  }
  const parts: [string, AttributeValue][] = [];
  for (const [name, member] of Object.entries(value)) {
    // An inherited name, `__proto__` first of all, would get lost in a client that assigns members one by one.
    const part = name === '' || name in {} || !name.isWellFormed() ? undefined : nativeValue(member, depth);
    if (part === undefined) return undefined;
    parts.push([name, part]);
  }
  return { M: Object.fromEntries(parts) };
}

function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
