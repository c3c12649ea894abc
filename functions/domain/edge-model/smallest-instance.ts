import type { Json, JsonObject } from '../json.ts';
import { isObject, propertiesOf, requiredOf, resolveReference } from './schema-parts.ts';

/**
 * The smallest instance of a schema that rules can find: `const`, the first of `enum`, `default`, empty text and lists
 * unless a minimum says otherwise, required properties only. It is a proposal: the caller validates it.
 * `given` supplies a value for a property by its name, wherever in the schema it stands.
 */
export function smallestInstance(
  schema: Json | undefined,
  root: JsonObject,
  given: (name: string, property: Json) => Json | undefined,
  depth = 0,
): Json {
  const resolved = resolveReference(schema, root);
  if (resolved === undefined || depth > depth_max) return null;
  if (resolved['const'] !== undefined) return resolved['const'];
  const choices = resolved['enum'];
  if (Array.isArray(choices) && choices.length > 0) return (choices as readonly Json[])[0] ?? null;
  const branch = firstBranch(resolved);
  if (branch !== undefined) return smallestInstance(merge(resolved, branch, root), root, given, depth + 1);
  if (resolved['default'] !== undefined) return resolved['default'];
  switch (typeOf(resolved)) {
    case 'object':
      return smallestObject(resolved, root, given, depth);
    case 'array':
      return smallestArray(resolved, root, given, depth);
    case 'string':
      return 'x'.repeat(Math.min(Math.max(bound(resolved, 'minLength') ?? 0, 0), length_max));
    case 'integer':
    case 'number':
      return smallestNumber(resolved);
    case 'boolean':
      return false;
    case undefined:
    default:
      return null;
  }
}

const depth_max = 16;
const length_max = 1024;

function firstBranch(schema: JsonObject): Json | undefined {
  for (const keyword of ['anyOf', 'oneOf', 'allOf']) {
    const branches = schema[keyword];
    if (Array.isArray(branches) && branches.length > 0) {
      return keyword === 'allOf' ? { allOf: branches as readonly Json[] } : (branches as readonly Json[])[0];
    }
  }
  return undefined;
}

/** The schema without its combinators, plus the branch: for `allOf` every member. */
function merge(schema: JsonObject, branch: Json, root: JsonObject): JsonObject {
  const { anyOf: _anyOf, oneOf: _oneOf, allOf: _allOf, ...own } = schema;
  const members = isObject(branch) && Array.isArray(branch['allOf']) ? (branch['allOf'] as readonly Json[]) : [branch];
  return members.reduce<JsonObject>((merged, member) => {
    const resolved = resolveReference(member, root) ?? {};
    return {
      ...merged,
      ...resolved,
      ...(merged['properties'] !== undefined || resolved['properties'] !== undefined
        ? { properties: { ...propertiesOf(merged), ...propertiesOf(resolved) } }
        : {}),
      ...(merged['required'] !== undefined || resolved['required'] !== undefined
        ? { required: [...requiredOf(merged), ...requiredOf(resolved)] }
        : {}),
    };
  }, own);
}

function typeOf(schema: JsonObject): string | undefined {
  const type = schema['type'];
  if (typeof type === 'string') return type;
  if (Array.isArray(type)) return (type as readonly Json[]).find((name): name is string => typeof name === 'string');
  if (schema['properties'] !== undefined || schema['required'] !== undefined) return 'object';
  if (schema['items'] !== undefined) return 'array';
  return undefined;
}

function smallestObject(
  schema: JsonObject,
  root: JsonObject,
  given: (name: string, property: Json) => Json | undefined,
  depth: number,
): JsonObject {
  const properties = propertiesOf(schema);
  const required = new Set(requiredOf(schema));
  const names = [...Object.keys(properties), ...[...required].filter((name) => !Object.hasOwn(properties, name))];
  const entries = names.flatMap((name): [string, Json][] => {
    const property = Object.hasOwn(properties, name) ? (properties[name] ?? true) : true;
    const value = given(name, property);
    if (value !== undefined) return [[name, value]];
    return required.has(name) ? [[name, smallestInstance(property, root, given, depth + 1)]] : [];
  });
  return Object.fromEntries(entries);
}

function smallestArray(
  schema: JsonObject,
  root: JsonObject,
  given: (name: string, property: Json) => Json | undefined,
  depth: number,
): readonly Json[] {
  const prefix = Array.isArray(schema['prefixItems']) ? (schema['prefixItems'] as readonly Json[]) : [];
  const length = Math.min(Math.max(bound(schema, 'minItems') ?? 0, 0), 64);
  return Array.from({ length }, (_, index) =>
    smallestInstance(prefix[index] ?? schema['items'] ?? true, root, given, depth + 1),
  );
}

/** Zero if the bounds allow it, else the bound that is nearest to zero, moved onto the step. */
function smallestNumber(schema: JsonObject): number {
  const isInteger = typeOf(schema) === 'integer';
  const step = bound(schema, 'multipleOf') ?? (isInteger ? 1 : undefined);
  const above = bound(schema, 'exclusiveMinimum');
  const below = bound(schema, 'exclusiveMaximum');
  const least = bound(schema, 'minimum') ?? (above === undefined ? undefined : above + (step ?? 1));
  const most = bound(schema, 'maximum') ?? (below === undefined ? undefined : below - (step ?? 1));
  if (least !== undefined && least > 0) return step === undefined ? least : Math.ceil(least / step) * step;
  if (most !== undefined && most < 0) return step === undefined ? most : Math.floor(most / step) * step;
  return 0;
}

function bound(schema: JsonObject, keyword: string): number | undefined {
  const value = schema[keyword];
  return typeof value === 'number' ? value : undefined;
}
