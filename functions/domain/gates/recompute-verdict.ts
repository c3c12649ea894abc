import type { GateRule } from '../constitution/rules.ts';
import type { JsonObject } from '../json.ts';
import type { GatesCompute } from '../ports/gates-compute.ts';
import type { ContentType, GateEntry } from './gates.ts';
import { runChain, type RanGate } from './run-chain.ts';
import { textGates } from './text-gates.ts';
import { weigh } from './verdict-record.ts';

export interface RecomputedGate {
  readonly g: string;
  /** `stated`: what the gate found comes from outside of the content (keys, stores, policy), and is taken as it stands. */
  readonly outcome: 'same' | 'differs' | 'stated';
}

export interface RecomputedVerdict {
  /** Every gate that can be computed again, excellence and result are as the record says. */
  readonly same: boolean;
  /** Why not, for people. */
  readonly reason?: string;
  readonly gates: readonly RecomputedGate[];
}

/**
 * Computes a verdict record again from its content: scores and facts of the gates that look at nothing else, what all
 * attained, excellence and the result. A verdict that ran out of time is not reproduced, since time is not in the record.
 *
 * @param record predicate of `urn:signet:gate-verdict:v1`
 */
export async function recomputeVerdict({
  record,
  content,
  compute,
}: {
  record: JsonObject;
  content: string;
  compute: GatesCompute;
}): Promise<RecomputedVerdict> {
  const stated = statedIn(record);
  if (stated === undefined) return { same: false, reason: 'the record does not have its chain', gates: [] };
  const { chain, scorers, ihsan_min, claimed } = stated;
  if (record['code'] === 'gate.deadline') {
    return { same: false, reason: 'the gates ran out of time, which nobody can repeat', gates: [] };
  }
  const stranger = await unknownScorer(compute, scorers);
  if (stranger !== undefined) {
    return { same: false, reason: `this build does not have the \`${stranger}\` of the record`, gates: [] };
  }

  const ran = await Promise.all(chain.map((entry) => ranAgain(entry, { record, content, compute, claimed, scorers })));
  const refusing = ran.find(
    ({ state, rule }) => state === 'error' || (state === 'fail' && rule.enforcement === 'strict'),
  );
  const code = refusing?.code ?? (chain.length === 0 ? 'gate.unavailable' : undefined);
  const claimed_ihsan = claimOf(claimed, 'ihsan_score');
  const weighed = await weigh({
    compute,
    ran: { ran, ...(code === undefined ? {} : { code }) },
    ihsan_min,
    ...(claimed_ihsan === undefined ? {} : { claimed_ihsan }),
  });

  const gates = chain.map((entry, index): RecomputedGate => {
    const again = weighed.chain[index];
    if (!isSame(entry, again)) return { g: entry.g, outcome: 'differs' };
    return { g: entry.g, outcome: isComputed(entry) ? 'same' : 'stated' };
  });
  const result = weighed.passed ? 'passed' : 'refused';
  const ends = record['ihsan'] === weighed.ihsan && record['result'] === result && record['code'] === weighed.code;
  const differing = gates.filter(({ outcome }) => outcome === 'differs').map(({ g }) => g);
  if (differing.length > 0) return { same: false, reason: `computed otherwise: ${differing.join(', ')}`, gates };
  return ends ? { same: true, gates } : { same: false, reason: 'excellence or result is another', gates };
}

interface Stated {
  readonly chain: readonly Omit<GateEntry, 'us'>[];
  readonly scorers: JsonObject;
  readonly ihsan_min: number;
  readonly claimed: JsonObject;
}

function statedIn({ chain, scorers, ihsan_min, claimed }: JsonObject): Stated | undefined {
  if (!Array.isArray(chain) || typeof ihsan_min !== 'number' || !isObject(scorers) || !isObject(claimed))
    return undefined;
  if (!chain.every(isEntry)) return undefined;
  return { chain, scorers, ihsan_min, claimed };
}

async function unknownScorer(compute: GatesCompute, named: JsonObject): Promise<string | undefined> {
  const { scorers } = await compute.describeScorers();
  return Object.entries(named).find(
    ([id, sha256]) => !scorers.some((scorer) => scorer.id === id && scorer.sha256 === sha256),
  )?.[0];
}

async function ranAgain(
  entry: Omit<GateEntry, 'us'>,
  {
    record,
    content,
    compute,
    claimed,
    scorers,
  }: { record: JsonObject; content: string; compute: GatesCompute; claimed: JsonObject; scorers: JsonObject },
): Promise<RanGate> {
  const { g, bar, enforcement, state, score, code, facts } = entry;
  const rule: GateRule = {
    id: g,
    scorer: scorerIn(scorers, g),
    bar,
    enforcement,
    mandatory: entry.mandatory !== false,
  };
  const bytes = new TextEncoder().encode(content);
  if (g === 'G0' && facts['bytes'] !== bytes.length) return { rule, state: 'error', score: 0, facts: {}, us: 0 };
  if (!isComputed(entry)) return { rule, state, score, facts, us: 0, ...(code === undefined ? {} : { code }) };
  const claimed_snr = claimOf(claimed, 'snr_score');
  const gates = textGates({
    compute,
    bytes,
    content_type: record['content_type'] as ContentType,
    unscored: state === 'na' ? 'skip' : 'refuse',
    ...(claimed_snr === undefined ? {} : { claimed_snr }),
  });
  const { ran } = await runChain({ rules: [rule], gates, budgets_ms: untimed, elapsed: () => 0 });
  const [again] = ran;
  if (again === undefined) throw new Error('a chain of one gate ran none');
  return again;
}

/** A record names the scorers of its chain by id; the two that have versions are of one gate each. */
function scorerIn(scorers: JsonObject, g: string): string | null {
  const family = g === 'G8' ? 'leak/' : 'inject/';
  return Object.keys(scorers).find((id) => id.startsWith(family)) ?? null;
}

const untimed = { cheap: 60_000, medium: 60_000, expensive: 60_000 };
const full = 10_000;

function isComputed({ g, state }: Omit<GateEntry, 'us'>): boolean {
  return ['G7', 'G8', 'G9'].includes(g) && state !== 'error';
}

function claimOf(claimed: JsonObject, name: string): number | undefined {
  const share = claimed[name];
  return typeof share === 'number' ? Math.floor(share * full) : undefined;
}

/** Members may come in the canonical order or in ours. */
function isSame(stated: Omit<GateEntry, 'us'>, again: GateEntry | undefined): boolean {
  if (again === undefined) return false;
  const { us: _us, ...rest } = again;
  return sorted(stated) === sorted(rest);
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    isObject(member) ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1))) : member,
  );
}

function isEntry(value: unknown): value is Omit<GateEntry, 'us'> {
  if (!isObject(value)) return false;
  const { g, state, enforcement, score, bar, facts } = value;
  return (
    typeof g === 'string' &&
    ['pass', 'fail', 'na', 'error'].includes(state as string) &&
    ['strict', 'advisory', 'monitor'].includes(enforcement as string) &&
    typeof score === 'number' &&
    typeof bar === 'number' &&
    isObject(facts)
  );
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
