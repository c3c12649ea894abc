import type { GateRule, Rules } from '../constitution/rules.ts';
import type { JsonObject } from '../json.ts';
import { ScorerLateError } from '../ports/gates-compute.ts';

export type Tier = 'cheap' | 'medium' | 'expensive';

/** What a gate found. `na` is only for what the constitution leaves out. */
export type Finding =
  | { readonly state: 'na'; readonly facts: JsonObject }
  | {
      readonly state: 'scored';
      /** Basis points; below the bar it failed. */
      readonly score: number;
      /** Why it fails when it does. */
      readonly code: string;
      readonly facts: JsonObject;
    };

export interface GateInput {
  /** As the chain has it. */
  readonly rule: GateRule;
  /** Aborts when the budget is used up: I/O ends then. */
  readonly signal: AbortSignal;
  /** What the budget has left, for work that looks at the clock itself. */
  readonly within_ms: number;
  /** The gates that ran, in order. */
  readonly before: readonly RanGate[];
}

export interface Gate {
  readonly tier: Tier;
  run(input: GateInput): Promise<Finding>;
}

/** A gate as it ended, before it is measured against the others. */
export interface RanGate {
  readonly rule: GateRule;
  readonly state: 'pass' | 'fail' | 'na' | 'error';
  readonly score: number;
  readonly code?: string;
  readonly facts: JsonObject;
  /** Microseconds. */
  readonly us: number;
}

export interface RanChain {
  readonly ran: readonly RanGate[];
  /** Of the gate that refused; absent when none did. */
  readonly code?: string;
  /** What a gate threw, for the log; the caller sees the code alone. */
  readonly cause?: unknown;
}

const full = 10_000;

/**
 * Runs gates in their order. The first strict failure ends it, and so does a gate that comes to no end: an error refuses,
 * whatever its enforcement, and so does a chain of none. Each tier has a budget for the whole chain, and a gate that uses
 * it up was too late, even if it passed.
 *
 * @param elapsed monotonic milliseconds
 */
export async function runChain({
  rules,
  gates,
  budgets_ms,
  elapsed,
}: {
  rules: readonly GateRule[];
  gates: ReadonlyMap<string, Gate>;
  budgets_ms: Rules['budgets_ms'];
  elapsed: () => number;
}): Promise<RanChain> {
  const ran: RanGate[] = [];
  const spent_ms = { cheap: 0, medium: 0, expensive: 0 };
  if (rules.length === 0) return { ran, code: 'gate.unavailable' };

  for (const rule of rules) {
    const gate = gates.get(rule.id);
    if (gate === undefined) {
      ran.push(broken(rule, 'gate.unavailable', 0));
      return { ran, code: 'gate.unavailable' };
    }
    const left_ms = budgets_ms[gate.tier] - spent_ms[gate.tier];
    const began = elapsed();
    const outcome = await within(left_ms, (signal) =>
      gate.run({ rule, signal, within_ms: Math.ceil(left_ms), before: ran }),
    );
    const took_ms = elapsed() - began;
    spent_ms[gate.tier] += took_ms;
    const us = Math.max(0, Math.round(took_ms * 1000));

    if (outcome.kind === 'late' || spent_ms[gate.tier] > budgets_ms[gate.tier]) {
      ran.push(broken(rule, 'gate.deadline', us));
      return { ran, code: 'gate.deadline' };
    }
    if (outcome.kind === 'threw') {
      ran.push(broken(rule, 'gate.unavailable', us));
      return { ran, code: 'gate.unavailable', cause: outcome.cause };
    }
    const entry = judged(rule, outcome.finding, us);
    ran.push(entry);
    if (entry.state === 'fail' && rule.enforcement === 'strict') {
      return { ran, ...(entry.code === undefined ? {} : { code: entry.code }) };
    }
  }
  return { ran };
}

type Outcome =
  | { readonly kind: 'found'; readonly finding: Finding }
  | { readonly kind: 'threw'; readonly cause: unknown }
  | { readonly kind: 'late' };

/** Waits no longer than the budget lasts; what still runs then is told so and not waited for. */
async function within(left_ms: number, run: (signal: AbortSignal) => Promise<Finding>): Promise<Outcome> {
  if (left_ms <= 0) return { kind: 'late' };
  const deadline = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Outcome>((resolve) => {
    timer = setTimeout(() => {
      deadline.abort(new Error('the budget of the gates is used up'));
      resolve({ kind: 'late' });
    }, left_ms);
  });
  const work = run(deadline.signal).then(
    (finding): Outcome => ({ kind: 'found', finding }),
    (cause: unknown): Outcome => (cause instanceof ScorerLateError ? { kind: 'late' } : { kind: 'threw', cause }),
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function judged(rule: GateRule, finding: Finding, us: number): RanGate {
  if (finding.state === 'na') return { rule, state: 'na', score: full, facts: finding.facts, us };
  const { score, code, facts } = finding;
  if (score >= rule.bar) return { rule, state: 'pass', score, facts, us };
  return { rule, state: 'fail', score, code, facts, us };
}

function broken(rule: GateRule, code: string, us: number): RanGate {
  return { rule, state: 'error', score: 0, code, facts: {}, us };
}
