import type { Call } from '../call.ts';
import type { Facts, PolicyEngine } from '../ports/policy-engine.ts';
import type { Gate, RanGate } from './run-chain.ts';

/** G11: policy over what the gates before it found. Numbers and booleans alone reach it, and an error in it refuses. */
export function policyGate({
  policy,
  call,
  action,
  is_enveloped,
}: {
  policy: PolicyEngine;
  call: Call;
  action: string;
  is_enveloped: boolean;
}): Gate {
  return {
    tier: 'cheap',
    async run({ before }) {
      const { id, kind, tenant, scopes } = call.principal;
      const answer = policy.decide({
        principal: { kind, id, tenant },
        action: 'checkGates',
        resource: { type: 'Gates', id: action },
        facts: { ...factsOf(before), enveloped: is_enveloped, scopes, depth: call.depth },
      });
      const facts = { effect: answer.effect, policies: answer.policies, errors: answer.errors.length };
      return { state: 'scored', score: answer.effect === 'allow' ? full : 0, code: 'gate.policy', facts };
    },
  };
}

const full = 10_000;
const named: { readonly [gate: string]: string } = { G7: 'snr_bp', G9: 'injection_bp', G10: 'grounding_bp' };

function factsOf(before: readonly RanGate[]): Facts {
  const facts: { [name: string]: number } = {};
  for (const { rule, state, score, facts: found } of before) {
    if (state === 'na' || state === 'error') continue;
    const name = named[rule.id];
    if (name !== undefined) facts[name] = score;
    if (rule.id === 'G8') facts['leak_hits'] = hits(found['cards']) + hits(found['ibans']) + hits(found['keys']);
    if (rule.id === 'G0') facts['bytes'] = hits(found['bytes']);
  }
  return facts;
}

function hits(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
