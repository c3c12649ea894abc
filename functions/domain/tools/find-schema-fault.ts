import type { Json, JsonObject } from '../json.ts';

/**
 * Why a client's schema is not compiled, or undefined: references that leave it, too many parts, nesting, or
 * references whose expansion grows without measure. ajv would follow the last in exponential time.
 */
export function findSchemaFault(schema: JsonObject): string | undefined {
  const parts = countParts(schema, 0);
  if (typeof parts === 'string') return parts;
  if (parts > parts_max) return `expected at most ${parts_max} parts, got ${parts}`;
  return expansionOf(schema, schema, new Map()) > expansion_max
    ? 'references of this schema expand to more than can be checked'
    : undefined;
}

const parts_max = 4096;
const depth_max = 64;
const expansion_max = 20_000;

/** Members that hold data, not schemas. */
const dataKeywords = new Set(['const', 'enum', 'default', 'examples']);

function countParts(value: Json, depth: number): number | string {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth > depth_max) return `expected at most ${depth_max} levels`;
  let parts = 1;
  for (const [name, member] of Object.entries(value)) {
    if ((name === '$ref' || name === '$dynamicRef') && typeof member === 'string' && !member.startsWith('#')) {
      return `references within the schema only, got \`${member.slice(0, 100)}\``;
    }
    if (
      (name === '$id' || name === '$anchor' || name === '$dynamicAnchor') &&
      typeof member === 'string' &&
      depth > 0
    ) {
      return `no \`${name}\` inside the schema`;
    }
    if (dataKeywords.has(name)) continue;
    const inner = countParts(member, depth + 1);
    if (typeof inner === 'string') return inner;
    parts += inner;
  }
  return parts;
}

/** Parts that are visited when every reference is followed once; one that is being followed counts as one part. */
function expansionOf(value: Json, root: JsonObject, known: Map<object, number>): number {
  if (typeof value !== 'object' || value === null) return 0;
  const seen = known.get(value);
  if (seen !== undefined) return seen;
  known.set(value, 1);
  let total = 1;
  for (const [name, member] of Object.entries(value)) {
    if (dataKeywords.has(name)) continue;
    const target = name === '$ref' && typeof member === 'string' ? pointed(member, root) : member;
    total = Math.min(total + expansionOf(target ?? null, root, known), Number.MAX_SAFE_INTEGER / 2);
  }
  known.set(value, total);
  return total;
}

function pointed(reference: string, root: JsonObject): Json | undefined {
  if (reference === '#') return root;
  let current: Json | undefined = root;
  for (const part of reference.replace(/^#\/?/, '').split('/')) {
    if (typeof current !== 'object' || current === null) return undefined;
    const name = decodePart(part);
    current = Object.hasOwn(current, name) ? (current as JsonObject)[name] : undefined;
  }
  return current;
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return part;
  }
}
