import type { Chain } from '../constitution/rules.ts';
import type { JsonObject } from '../json.ts';
import type { GatesCompute } from '../ports/gates-compute.ts';
import type { Claims, GateEntry } from './gates.ts';
import type { RanChain, RanGate } from './run-chain.ts';

export interface Weighed {
  readonly chain: readonly GateEntry[];
  /** Basis points. */
  readonly ihsan: number;
  readonly passed: boolean;
  readonly code?: string;
}

/**
 * What the gates attained together. Excellence counts strict and advisory gates that are mandatory and that ran to an
 * end; a claim can lower it. A chain that no gate refused is still refused below the threshold.
 */
export async function weigh({
  compute,
  ran,
  ihsan_min,
  claimed_ihsan,
}: {
  compute: GatesCompute;
  ran: RanChain;
  ihsan_min: number;
  /** Basis points. */
  claimed_ihsan?: number;
}): Promise<Weighed> {
  const measured = ran.ran.map(({ rule, score }) => ({ score, bar: rule.bar }));
  const counted = ran.ran.filter(counts).map(({ rule, score }) => ({ score, bar: rule.bar }));
  const attained = await compute.scoreExcellence([...measured.map((one) => [one]), counted]);
  const chain = ran.ran.map((gate, index) => entryOf(gate, attained[index] ?? 0));
  const computed = attained.at(-1) ?? 0;
  const ihsan = Math.min(computed, claimed_ihsan ?? computed);
  const code = ran.code ?? (ihsan < ihsan_min ? 'gate.excellence' : undefined);
  return { chain, ihsan, passed: code === undefined, ...(code === undefined ? {} : { code }) };
}

/** The predicate of `urn:signet:gate-verdict:v1`, without its head. `measured` is all in it that another run would not repeat. */
export function verdictRecord({
  action,
  source,
  content_type,
  weighed,
  claimed,
}: {
  action: string;
  source: Chain;
  content_type: string;
  weighed: Weighed;
  claimed: Claims;
}): JsonObject {
  const { chain, ihsan, passed, code } = weighed;
  const scorers = source.rules.scorers.filter(({ id }) => source.gates.some((gate) => gate.scorer === id));
  return {
    action,
    content_type,
    rules: source.source,
    chain: chain.map(({ us: _us, ...entry }) => entry),
    scorers: Object.fromEntries(scorers.map(({ id, sha256 }) => [id, sha256])),
    claimed: { ...claimed },
    ihsan,
    ihsan_min: source.rules.thresholds.ihsan,
    result: passed ? 'passed' : 'refused',
    ...(code === undefined ? {} : { code }),
    measured: Object.fromEntries(chain.map(({ g, us }) => [g, us])),
  };
}

function counts({ rule, state }: RanGate): boolean {
  return rule.mandatory && rule.enforcement !== 'monitor' && (state === 'pass' || state === 'fail');
}

function entryOf({ rule, state, score, code, facts, us }: RanGate, attain: number): GateEntry {
  return {
    g: rule.id,
    state,
    enforcement: rule.enforcement,
    score,
    bar: rule.bar,
    attain,
    ...(rule.mandatory ? {} : { mandatory: false as const }),
    ...(code === undefined ? {} : { code }),
    facts,
    us,
  };
}
