import type { Json, JsonObject } from '../json.ts';
import type { Literal } from './read-literal.ts';
import type { Pairs } from './read-arguments.ts';
import { isObject, propertiesOf, requiredOf, resolveReference } from './schema-parts.ts';

export interface CoercedArguments {
  readonly arguments: JsonObject;
  /** Required properties that no pair gives, in the schema's order. */
  readonly missing: readonly string[];
}

/**
 * Pairs as the schema wants them: `12` is a number for an integer and text for a string. An open schema takes all
 * pairs, a closed one (`additionalProperties: false`) those it knows. What cannot be coerced stays as it was written:
 * judging arguments is the validator's work, not the model's.
 */
export function coerceArguments(pairs: Pairs, schema: JsonObject): CoercedArguments {
  const properties = propertiesOf(schema);
  const isClosed = schema['additionalProperties'] === false;
  const entries = [...pairs].flatMap(([name, literal]): [string, Json][] => {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property !== undefined) return [[name, coerce(literal, property, schema)]];
    return isClosed ? [] : [[name, literal.value]];
  });
  return { arguments: Object.fromEntries(entries), missing: requiredOf(schema).filter((name) => !pairs.has(name)) };
}

/** One value as `schema` wants it; `root` resolves its local references. */
export function coerce(literal: Literal, schema: Json, root: JsonObject): Json {
  const resolved = resolveReference(schema, root);
  if (resolved === undefined) return literal.value;
  const allowed = resolved['enum'];
  if (Array.isArray(allowed)) return oneOf(literal, allowed);
  const types = typesOf(resolved, root);
  if (types.size === 0 || hasType(literal.value, types)) return literal.value;
  const { raw, value } = literal;
  if (
    typeof value === 'string' &&
    (types.has('integer') || types.has('number')) &&
    /^-?\d+(\.\d+)?$/.test(raw.trim())
  ) {
    return Number(raw);
  }
  if (typeof value === 'string' && types.has('boolean') && Object.hasOwn(truth, raw.toLowerCase())) {
    return truth[raw.toLowerCase()] ?? value;
  }
  if (types.has('string') && (typeof value === 'number' || typeof value === 'boolean' || value === null)) return raw;
  if (types.has('array') && !Array.isArray(value)) return [coerce(literal, resolved['items'] ?? true, root)];
  return value;
}

const truth: { readonly [word: string]: boolean } = {
  true: true,
  yes: true,
  sim: true,
  false: false,
  no: false,
  não: false,
};

function oneOf(literal: Literal, allowed: readonly Json[]): Json {
  const exact = allowed.find((member) => member === literal.value);
  if (exact !== undefined) return exact;
  const spelled = literal.raw.toLowerCase();
  return (
    allowed.find((member) => typeof member !== 'object' && String(member).toLowerCase() === spelled) ?? literal.value
  );
}

/** The types a schema allows, those of `anyOf` and `oneOf` together; empty means any. */
function typesOf(schema: JsonObject, root: JsonObject, depth = 0): ReadonlySet<string> {
  const own = schema['type'];
  if (typeof own === 'string') return new Set([own]);
  if (Array.isArray(own)) return new Set(own.filter((type): type is string => typeof type === 'string'));
  const branches = [schema['anyOf'], schema['oneOf']].find((list) => Array.isArray(list)) as
    | readonly Json[]
    | undefined;
  if (branches === undefined || depth > 4) return new Set();
  return new Set(
    branches.flatMap((branch) => {
      const resolved = resolveReference(branch, root);
      return resolved === undefined ? [] : [...typesOf(resolved, root, depth + 1)];
    }),
  );
}

function hasType(value: Json, types: ReadonlySet<string>): boolean {
  if (value === null) return types.has('null');
  if (Array.isArray(value)) return types.has('array');
  if (isObject(value)) return types.has('object');
  if (typeof value === 'number') return types.has('number') || (types.has('integer') && Number.isInteger(value));
  return types.has(typeof value);
}
