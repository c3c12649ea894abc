import { compileSchema } from '../tools/compile-schema.ts';
import type { Json, JsonObject } from '../json.ts';
import { coerce } from './coerce-arguments.ts';
import { findAllPairs, findPairs } from './find-pairs.ts';
import type { Literal } from './read-literal.ts';
import { isObject, propertiesOf, resolveReference } from './schema-parts.ts';
import { smallestInstance } from './smallest-instance.ts';

export type FilledJson =
  | { readonly kind: 'filled'; readonly text: string }
  | { readonly kind: 'impossible'; readonly detail: string };

/**
 * Rule 3: fills the asked form from `key: value` pairs of the text, else with the smallest valid instance. Without a
 * schema (`json_object`) all pairs make the object. What a rule cannot make valid is impossible, never invalid JSON.
 */
export function fillJson(text: string, response_format: JsonObject): FilledJson {
  if (response_format['type'] !== 'json_schema') {
    const entries = [...findAllPairs(text)].map(([name, literal]): [string, Json] => [name, literal.value]);
    return { kind: 'filled', text: JSON.stringify(Object.fromEntries(entries)) };
  }
  const format = response_format['json_schema'];
  const schema = isObject(format) && isObject(format['schema']) ? format['schema'] : {};
  const compiled = compileSchema(schema);
  if (compiled.kind === 'refused') return { kind: 'impossible', detail: compiled.reason };

  const pairs = findPairs(text, [...namesIn(schema)]);
  const attempts = [pairs, new Map<string, Literal>()].map((known) =>
    smallestInstance(schema, schema, (name, property) => givenValue(known.get(name), property, schema)),
  );
  const valid = attempts.find((instance) => compiled.validate(instance).length === 0);
  return valid === undefined
    ? { kind: 'impossible', detail: 'no instance of this schema can be found by rules' }
    : { kind: 'filled', text: JSON.stringify(valid) };
}

/** Objects are filled field by field below; a pair gives the leaves. */
function givenValue(literal: Literal | undefined, property: Json, root: JsonObject): Json | undefined {
  if (literal === undefined) return undefined;
  const resolved = resolveReference(property, root);
  if (resolved !== undefined && resolved['type'] === 'object' && !isObject(literal.value)) return undefined;
  return coerce(literal, property, root);
}

/** Every property name of a schema; depth and number are bounded by what `compileSchema` accepts. */
function namesIn(schema: Json, names = new Set<string>()): ReadonlySet<string> {
  if (Array.isArray(schema)) {
    for (const member of schema as readonly Json[]) namesIn(member, names);
  } else if (isObject(schema)) {
    for (const name of Object.keys(propertiesOf(schema))) names.add(name);
    for (const member of Object.values(schema)) namesIn(member, names);
  }
  return names;
}
