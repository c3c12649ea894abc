import type { Json, JsonObject } from '../json.ts';
import type { Condition, Item } from './table.ts';

/** The first condition that does not hold of `item`; undefined when all do. */
export function brokenCondition(conditions: readonly Condition[], item: Item | undefined): Condition | undefined {
  return conditions.find((condition) => !holds(condition, item));
}

export interface UpdateText {
  readonly set?: JsonObject;
  readonly add?: { readonly [field: string]: number };
  readonly remove?: readonly string[];
}

/** The item that an update leaves behind. Throws `TypeError` when `add` meets something that is no number. */
export function applyUpdate(item: Item, { set = {}, add = {}, remove = [] }: UpdateText): Item {
  // A Map and `fromEntries`, because assigning to a field named `__proto__` would set a prototype instead of the field.
  const fields = new Map<string, Json>(Object.entries(item));
  for (const [field, value] of Object.entries(set)) fields.set(field, value);
  for (const [field, amount] of Object.entries(add)) {
    const before = fields.has(field) ? fields.get(field) : 0;
    if (typeof before !== 'number') throw new TypeError(`expected a number in \`${field}\` to add to`);
    const sum = before + amount;
    if (!Number.isFinite(sum)) throw new TypeError(`adding to \`${field}\` leaves the range of numbers`);
    fields.set(field, sum);
  }
  for (const field of remove) fields.delete(field);
  return Object.fromEntries(fields);
}

/** Unix seconds, or null for an item that stays. Throws `TypeError` for anything else in `expires_at`. */
export function expiryOf(item: Item): number | null {
  if (!Object.hasOwn(item, 'expires_at')) return null;
  const value = item['expires_at'];
  // The upper bound lies in the year 5138 and is there to catch milliseconds.
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 1e11) return value;
  throw new TypeError(`expected \`expires_at\` in whole Unix seconds, got ${JSON.stringify(value)}`);
}

function holds(condition: Condition, item: Item | undefined): boolean {
  switch (condition.kind) {
    case 'absent':
      return item === undefined;
    case 'exists':
      return item !== undefined;
    case 'equals':
      return fieldOf(item, condition.field) === condition.value;
    case 'less': {
      const value = fieldOf(item, condition.field);
      return typeof value === 'number' && value < condition.value;
    }
    case 'versionIs':
      return fieldOf(item, 'version') === condition.version;
    default:
      return condition satisfies never;
  }
}

function fieldOf(item: Item | undefined, field: string): Json | undefined {
  return item !== undefined && Object.hasOwn(item, field) ? item[field] : undefined;
}
