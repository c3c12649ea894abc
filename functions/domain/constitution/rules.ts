import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import template from './template.json' with { type: 'json' };

/** How a gate counts: `strict` refuses, `advisory` lowers excellence, `monitor` is recorded. */
export type Enforcement = 'strict' | 'advisory' | 'monitor';

export interface GateRule {
  /** `G0` to `G12`. */
  readonly id: string;
  /** Such as `snr/1`; null where the gate's result is yes or no. */
  readonly scorer: string | null;
  /** Basis points. */
  readonly bar: number;
  readonly mandatory: boolean;
  readonly enforcement: Enforcement;
}

/** What a constitution says of gates; every number a gate compares with comes from here. */
export interface Rules {
  /** Basis points. */
  readonly thresholds: { readonly snr: number; readonly ihsan: number; readonly gini: number };
  readonly ttl_s: { readonly [kind: string]: number };
  readonly skew_s: number;
  readonly budgets_ms: { readonly cheap: number; readonly medium: number; readonly expensive: number };
  /** SHA-256 of what each scorer depends on, by id. */
  readonly scorers: readonly { readonly id: string; readonly sha256: string }[];
  readonly gates: readonly GateRule[];
  /** Of `<action>` for what comes in, of `<action>.out` for what goes out. */
  readonly chains: { readonly [action: string]: readonly ChainEntry[] };
  /** What becomes of a text that has no score. */
  readonly unscored: 'skip' | 'refuse';
}

/** A gate, or one that counts otherwise in this chain. */
export type ChainEntry = string | { readonly gate: string; readonly enforcement: Enforcement };

/** A chain of gates for one action, and where it stands. */
export interface Chain {
  readonly gates: readonly GateRule[];
  /**
   * `constitution`, or `built-in/1`: the constitution is of the older form, which names no scorers, and says nothing of
   * the action.
   */
  readonly source: 'constitution' | 'built-in/1';
  readonly rules: Rules;
}

/** The document is signed and still no rules: the node must not judge by it. */
export class ConstitutionRefusedError extends Error {
  override readonly name = 'ConstitutionRefusedError';
}

/** Reads a constitution whose proof was verified. Throws `ConstitutionRefusedError` with what was expected. */
export function readRules(constitution: JsonObject): Rules {
  const parsed = form.safeParse(constitution);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ConstitutionRefusedError(`\`${issue?.path.join('.') ?? ''}\`: ${issue?.message.toLowerCase() ?? ''}`);
  }
  const rules = parsed.data;
  const known = new Set(rules.gates.map(({ id }) => id));
  if (known.size !== rules.gates.length) throw new ConstitutionRefusedError('`gates`: expected each gate once');
  for (const [action, chain] of Object.entries(rules.chains)) {
    const stranger = chain.map(gateOf).find((id) => !known.has(id));
    if (stranger !== undefined) {
      throw new ConstitutionRefusedError(`\`chains.${action}\`: expected gates of \`gates\`, got \`${stranger}\``);
    }
  }
  return rules;
}

/**
 * The gates of an action, in order: what the constitution says. One of the older form that is silent about the action has
 * the chain that a new node begins with; one of the full form then has none, which refuses.
 */
export function chainOf(rules: Rules, action: string): Chain {
  const own = chainIn(rules, action);
  if (own !== undefined) return { gates: own, source: 'constitution', rules };
  if (rules.scorers.length > 0) return { gates: [], source: 'constitution', rules };
  return { gates: chainIn(builtIn, action) ?? [], source: 'built-in/1', rules: builtIn };
}

/**
 * The gates for what an action gives out. Undefined where the constitution lists none: one from before such chains, whose
 * signers asked for no check; an empty list is a chain, and refuses.
 */
export function outChainOf(rules: Rules, action: string): Chain | undefined {
  const own = chainIn(rules, `${action}.out`);
  return own === undefined ? undefined : { gates: own, source: 'constitution', rules };
}

/** The gate that an entry of a chain names. */
export function gateOf(entry: ChainEntry): string {
  return typeof entry === 'string' ? entry : entry.gate;
}

function chainIn(rules: Rules, action: string): readonly GateRule[] | undefined {
  if (!Object.hasOwn(rules.chains, action)) return undefined;
  return rules.chains[action]?.flatMap((entry) =>
    rules.gates
      .filter((gate) => gate.id === gateOf(entry))
      .map((gate) => (typeof entry === 'string' ? gate : { ...gate, enforcement: entry.enforcement })),
  );
}

const basisPoints = z.number().int().min(0).max(10_000);
const seconds = z.number().int().min(0).max(86_400);
const milliseconds = z.number().int().min(1).max(60_000);

const enforcement = z.enum(['strict', 'advisory', 'monitor']);

/** Members that rules of gates do not need are left to their readers. */
const form = z.object({
  v: z.literal(1),
  thresholds: z.object({ snr: basisPoints, ihsan: basisPoints, gini: basisPoints }),
  ttl_s: z.record(z.string(), seconds),
  skew_s: seconds,
  budgets_ms: z.object({ cheap: milliseconds, medium: milliseconds, expensive: milliseconds }),
  scorers: z.array(z.object({ id: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
  gates: z.array(
    z.object({
      id: z.string().regex(/^G(\d|1[0-2])$/),
      scorer: z.string().nullable(),
      bar: basisPoints,
      mandatory: z.boolean(),
      enforcement,
    }),
  ),
  chains: z.record(
    z.string(),
    z.array(z.union([z.string(), z.strictObject({ gate: z.string(), enforcement })])).max(16),
  ),
  unscored: z.enum(['skip', 'refuse']),
});

const builtIn = readRules(template);
