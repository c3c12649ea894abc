import type { Json, JsonObject } from '../json.ts';

/** Readers of a JSON Schema that may be anything: what is not there, or has the wrong type, reads as empty. */

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function propertiesOf(schema: JsonObject): JsonObject {
  const properties = schema['properties'];
  return isObject(properties) ? properties : {};
}

export function requiredOf(schema: JsonObject): readonly string[] {
  const required = schema['required'];
  return Array.isArray(required) ? required.filter((name): name is string => typeof name === 'string') : [];
}

/** Follows `#/…` references up to eight times; undefined for `true`, `false`, a broken or a circular reference. */
export function resolveReference(schema: Json | undefined, root: JsonObject): JsonObject | undefined {
  let current = schema;
  for (let hops = 0; hops < 8; hops++) {
    if (!isObject(current)) return undefined;
    const reference = current['$ref'];
    if (typeof reference !== 'string') return current;
    current = pointed(reference, root);
  }
  return undefined;
}

function pointed(reference: string, root: JsonObject): Json | undefined {
  if (reference === '#') return root;
  if (!reference.startsWith('#/')) return undefined;
  let current: Json | undefined = root;
  for (const part of reference.slice(2).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (!isObject(current) || !Object.hasOwn(current, name)) return undefined;
    current = current[name];
  }
  return current;
}
