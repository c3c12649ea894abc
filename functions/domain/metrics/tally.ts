import { fieldsOf, isOpening, isRefusal, readEntry, type EntryFields } from '../receipts/read-entry.ts';
import { countsType, decisionType, gateVerdictType } from '../receipts/statement-types.ts';

/**
 * Counts of what entries say, by names such as `requests|chat|ok`: one flat object of numbers, so that it can be a row.
 * Names are made of our own words and of providers' configured names, never of a user's text, a key or an id.
 */
export type Tally = { readonly [name: string]: number };

/** The first word of a name says which; the rest are the labels, in this order. */
export const tallied = {
  /** Decisions and what was turned away before one: action (`none` for the latter), code. */
  requests: ['action', 'code'],
  /** Decisions that policy, a gate, a budget or a rate refused: code. */
  refusals: ['code'],
  /** Of chats: provider, kind `in` or `out`. */
  tokens: ['provider', 'kind'],
  /** Of verdicts, also those inside of decisions: gate, state. */
  gates: ['gate', 'state'],
} as const;

export type TallyKind = keyof typeof tallied;

/**
 * The tally with one more entry, as its bytes are stored. An entry of another kind, or one that cannot be read, changes
 * nothing: counting must never stop whoever seals.
 *
 * @example const after = addToTally(before, entry);
 */
export function addToTally(tally: Tally, entry: Uint8Array | string): Tally {
  const counts = new Map(Object.entries(tally));
  for (const [name, count] of countsOf(entry)) {
    const isKnown = counts.has(name) || counts.size < names_max;
    const counted = isKnown ? name : nameOf([firstWord(name), ...labelsOf(name).map(() => 'other')]);
    counts.set(counted, (counts.get(counted) ?? 0) + count);
  }
  return Object.fromEntries(counts);
}

/** Both together. */
export function sumOf(one: Tally, other: Tally): Tally {
  const counts = new Map(Object.entries(one));
  for (const [name, count] of Object.entries(other)) counts.set(name, (counts.get(name) ?? 0) + count);
  return Object.fromEntries(counts);
}

/** The counts of one kind, with their labels in the order of `tallied`. */
export function countsOfKind(
  tally: Tally,
  kind: TallyKind,
): readonly { readonly labels: readonly string[]; readonly count: number }[] {
  return Object.entries(tally)
    .filter(([name]) => firstWord(name) === kind)
    .map(([name, count]) => ({ labels: labelsOf(name), count }));
}

/** Requests that left something in the log: judged, or turned away and counted. Plain reads leave nothing. */
export function requestsOf(tally: Tally): number {
  return countsOfKind(tally, 'requests').reduce((sum, { count }) => sum + count, 0);
}

/** Far above what actions, codes and gates can make; beyond it names fall together under `other`. */
const names_max = 1_500;

const separator = '|';

function nameOf(words: readonly string[]): string {
  return words.map((word) => word.replaceAll(separator, '_')).join(separator);
}

function firstWord(name: string): string {
  return name.slice(0, name.indexOf(separator));
}

function labelsOf(name: string): readonly string[] {
  return name.split(separator).slice(1);
}

function countsOf(entry: Uint8Array | string): readonly (readonly [name: string, count: number])[] {
  const read = readEntry(entry);
  if (read === undefined) return [];
  const { type, predicate } = read;
  switch (type) {
    case decisionType:
      return decisionCounts(predicate);
    case countsType:
      return Object.entries(fieldsOf(predicate['counts']) ?? {}).flatMap(([kind, count]) =>
        isCount(count) ? [[nameOf(['requests', 'none', kind]), count] as const] : [],
      );
    case gateVerdictType:
      return verdictCounts(predicate);
    default:
      return [];
  }
}

function decisionCounts(predicate: EntryFields): readonly (readonly [string, number])[] {
  const { action, code } = predicate;
  if (typeof action !== 'string' || typeof code !== 'string') return [];
  // Each of the two decisions of a stream tells of the gates that ran for it.
  const { in: incoming, out: outgoing } = fieldsOf(predicate['verdict']) ?? {};
  const gates = [incoming, outgoing].flatMap((verdict) => verdictCounts(fieldsOf(verdict) ?? {}));
  if (isOpening(predicate)) return gates;
  const counts: (readonly [string, number])[] = [[nameOf(['requests', action, code]), 1], ...gates];
  if (isRefusal(predicate)) counts.push([nameOf(['refusals', code]), 1]);
  const usage = fieldsOf(predicate['usage']);
  const chosen = fieldsOf(predicate['route'])?.['chosen'];
  if (usage === undefined || typeof chosen !== 'string') return counts;
  // `provider/model`: the provider alone is a label, models are too many.
  const provider = chosen.slice(0, Math.max(0, chosen.indexOf('/')));
  for (const kind of ['in', 'out'] as const) {
    const tokens = usage[kind];
    if (isCount(tokens) && tokens > 0) counts.push([nameOf(['tokens', provider, kind]), tokens]);
  }
  return counts;
}

function verdictCounts({ chain }: EntryFields): readonly (readonly [string, number])[] {
  if (!Array.isArray(chain)) return [];
  return chain.flatMap((one: unknown) => {
    const { g, state } = fieldsOf(one) ?? {};
    return typeof g === 'string' && typeof state === 'string' ? [[nameOf(['gates', g, state]), 1] as const] : [];
  });
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
