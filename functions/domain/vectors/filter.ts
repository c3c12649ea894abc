import limits from '@signet/shared/limits.json' with { type: 'json' };
import { SignetError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';

/** Whether the metadata of a row is let through. A row without metadata is one with `{}`. */
export type Predicate = (metadata: JsonObject | undefined) => boolean;

const comparisons = ['$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin', '$exists', '$startsWith'] as const;
type Comparison = (typeof comparisons)[number];

/**
 * Compiles a filter. `{key: value}` means `$eq`; several members of an object must all hold; keys are dotted paths; a
 * list matches by any element; a missing key matches only `$ne`, `$nin` and `$exists: false`. `$ne` and `$nin` are the
 * opposites of `$eq` and `$in`. `$gt` and its kin compare numbers with numbers and texts with texts (by code units).
 * Anything else is 400 `invalid_request` with reason `invalid_filter`, and the path says where.
 */
export function compileFilter(filter: JsonObject): Predicate {
  const budget = { conditions: 0 };
  return compileObject(filter, 'filter', 1, budget);
}

function compileObject(filter: Json, path: string, depth: number, budget: { conditions: number }): Predicate {
  if (!isObject(filter)) throw refused(path, 'expected an object');
  if (depth > limits.vectors.filter_depth_max) {
    throw refused(path, `expected at most ${limits.vectors.filter_depth_max} levels of \`$and\`, \`$or\`, \`$not\``);
  }
  const members = Object.entries(filter).map(([name, value]) => {
    const at = `${path}.${name}`;
    if (name === '$and' || name === '$or') {
      if (!Array.isArray(value) || value.length === 0) throw refused(at, 'expected a list of at least one filter');
      const parts = value.map((part: Json, index) => compileObject(part, `${at}[${index}]`, depth + 1, budget));
      return name === '$and' ? every(parts) : some(parts);
    }
    if (name === '$not') {
      const inner = compileObject(value, at, depth + 1, budget);
      return (metadata: JsonObject | undefined) => !inner(metadata);
    }
    if (name.startsWith('$')) {
      throw refused(at, 'expected a key of the metadata, `$and`, `$or` or `$not`');
    }
    return compileKey(name, value, at, budget);
  });
  return every(members);
}

function compileKey(name: string, value: Json, path: string, budget: { conditions: number }): Predicate {
  const steps = name.split('.');
  if (steps.some((step) => step === '')) throw refused(path, 'expected a dotted path without empty parts');
  const comparison: JsonObject = isObject(value) ? value : { $eq: value };
  const tests = Object.entries(comparison).map(([operator, operand]) => {
    budget.conditions += 1;
    if (budget.conditions > limits.vectors.filter_conditions_max) {
      throw refused('filter', `expected at most ${limits.vectors.filter_conditions_max} conditions`);
    }
    return compileComparison(operator, operand, `${path}.${operator}`);
  });
  if (tests.length === 0) throw refused(path, `expected a value or one of ${comparisons.join(' ')}`);
  return (metadata) => {
    const found = lookUp(metadata, steps);
    return tests.every((test) => test(found));
  };
}

function compileComparison(operator: string, operand: Json, path: string): (found: Json | undefined) => boolean {
  switch (operator as Comparison) {
    case '$eq': {
      const expected = scalar(operand, path);
      return anyElement((element) => element === expected);
    }
    case '$ne': {
      const expected = scalar(operand, path);
      const equal = anyElement((element) => element === expected);
      return (found) => !equal(found);
    }
    case '$in': {
      const expected = scalars(operand, path);
      return anyElement((element) => expected.has(element));
    }
    case '$nin': {
      const expected = scalars(operand, path);
      const among = anyElement((element) => expected.has(element));
      return (found) => !among(found);
    }
    case '$gt':
      return ordered(operand, path, (a, b) => a > b);
    case '$gte':
      return ordered(operand, path, (a, b) => a >= b);
    case '$lt':
      return ordered(operand, path, (a, b) => a < b);
    case '$lte':
      return ordered(operand, path, (a, b) => a <= b);
    case '$exists': {
      if (typeof operand !== 'boolean') throw refused(path, 'expected true or false');
      return (found) => (found !== undefined) === operand;
    }
    case '$startsWith': {
      if (typeof operand !== 'string') throw refused(path, 'expected a text');
      return anyElement((element) => typeof element === 'string' && element.startsWith(operand));
    }
    default:
      throw refused(path, `expected one of ${comparisons.join(' ')}`);
  }
}

type Scalar = string | number | boolean | null;

/** A list matches by any element; a missing key by none. */
function anyElement(test: (element: Json) => boolean): (found: Json | undefined) => boolean {
  return (found) => found !== undefined && (Array.isArray(found) ? found.some(test) : test(found));
}

function ordered(
  operand: Json,
  path: string,
  holds: (a: string | number, b: string | number) => boolean,
): (found: Json | undefined) => boolean {
  if (typeof operand !== 'number' && typeof operand !== 'string') throw refused(path, 'expected a number or a text');
  const kind = typeof operand;
  return anyElement((element) => typeof element === kind && holds(element as string | number, operand));
}

function scalar(operand: Json, path: string): Scalar {
  if (typeof operand === 'object' && operand !== null) {
    throw refused(path, 'expected a text, a number, true, false or null');
  }
  return operand;
}

function scalars(operand: Json, path: string): ReadonlySet<Json> {
  if (!Array.isArray(operand)) throw refused(path, 'expected a list');
  if (operand.length > limits.vectors.filter_in_max) {
    throw refused(path, `expected at most ${limits.vectors.filter_in_max} values, got ${operand.length}`);
  }
  return new Set(operand.map((value: Json, index) => scalar(value, `${path}[${index}]`)));
}

function lookUp(metadata: JsonObject | undefined, steps: readonly string[]): Json | undefined {
  let value: Json | undefined = metadata;
  for (const step of steps) {
    if (!isObject(value) || !Object.hasOwn(value, step)) return undefined;
    value = value[step];
  }
  return value;
}

function every(tests: readonly Predicate[]): Predicate {
  return (metadata) => tests.every((test) => test(metadata));
}

function some(tests: readonly Predicate[]): Predicate {
  return (metadata) => tests.some((test) => test(metadata));
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refused(path: string, detail: string): SignetError {
  return new SignetError({
    code: 'invalid_request',
    reason: 'invalid_filter',
    param: path.slice(0, 200),
    detail: `${detail} at \`${path.slice(0, 200)}\``,
  });
}
