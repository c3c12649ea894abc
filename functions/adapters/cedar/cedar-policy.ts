import { preparsePolicySet, statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs';
import { BoundedMap } from '../../domain/bounded-map.ts';
import type { PolicyAnswer, PolicyEngine, PolicyQuestion } from '../../domain/ports/policy-engine.ts';
import { checkPolicies, messagesOf, PolicyRefusedError } from './check-policies.ts';
import type { CheckedPolicies } from './check-policies.ts';

export interface CedarPolicyOptions {
  /** Cedar texts, each of one or more policies with `@id`; the shipped permits first, then the owner's. */
  readonly policies: readonly string[];
  /** Cedar schema text. */
  readonly schema: string;
}

/**
 * Cedar in process (WASM). Policies are parsed and validated once, here; a decision is one call of some 100 µs, and an
 * equal question is answered from memory: policies are fixed for the life of the engine and see nothing but the question
 * (no clock, no store), so its answer cannot change. New policies are a new engine.
 *
 * The request itself is not validated against the schema for each decision (that costs half as much again): what a
 * missing or mistyped fact would change shows up as an evaluation error, and every error denies.
 *
 * @throws {PolicyRefusedError} when a policy does not parse, has no or a repeated id, or does not fit the schema
 */
export function cedarPolicy(options: CedarPolicyOptions): PolicyEngine {
  return checkedPolicy(checkPolicies(options));
}

/**
 * The same over policies that were checked before, when a function was bundled: checking takes longer than everything
 * else that a cold start does.
 *
 * @throws {PolicyRefusedError} when a policy does not parse
 */
export function checkedPolicy({ policy_version, policies }: CheckedPolicies): PolicyEngine {
  // The parsed sets live in the WASM module under a name; equal sets have equal names, so reopening is harmless.
  const prepared = preparsePolicySet(policy_version, { staticPolicies: { ...policies } });
  if (prepared.type === 'failure') throw new PolicyRefusedError(messagesOf(prepared.errors));

  const answered = new BoundedMap<string, PolicyAnswer>(remembered_max);
  return {
    policy_version,
    decide(question) {
      const key = JSON.stringify(question);
      const known = answered.get(key);
      if (known !== undefined) return known;
      const answer = ask(question);
      if (key.length <= remembered_chars_max) answered.set(key, answer);
      return answer;
    },
  };

  function ask(question: PolicyQuestion): PolicyAnswer {
    const answer = statefulIsAuthorized({
      principal: { type: question.principal.kind === 'run' ? 'Run' : 'Key', id: question.principal.id },
      action: { type: 'Action', id: question.action },
      resource: { type: question.resource.type, id: question.resource.id },
      context: contextOf(question),
      preparsedPolicySetId: policy_version,
      entities: [],
    });
    if (answer.type === 'failure') return { effect: 'deny', policies: [], errors: messagesOf(answer.errors) };
    const { decision, diagnostics } = answer.response;
    const errors = diagnostics.errors.map(({ policyId, error }) => `${policyId}: ${error.message}`);
    // Cedar skips a policy that fails to evaluate. A skipped `forbid` would turn its error into an allow.
    const effect: PolicyAnswer['effect'] = decision === 'allow' && errors.length === 0 ? 'allow' : 'deny';
    return { effect, policies: diagnostics.reason.toSorted(), errors };
  }
}

/** 4,096 questions of some 300 bytes: about two megabytes with their answers. */
const remembered_max = 4_096;
const remembered_chars_max = 2_048;

function contextOf(question: PolicyQuestion): { [name: string]: number | boolean | string | string[] } {
  const context: { [name: string]: number | boolean | string | string[] } = { tenant: question.principal.tenant };
  for (const [name, fact] of Object.entries(question.facts)) {
    context[name] = typeof fact === 'object' ? [...fact] : fact;
  }
  return context;
}
