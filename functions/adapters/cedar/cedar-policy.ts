import { createHash } from 'node:crypto';
import {
  policySetTextToParts,
  policyToJson,
  preparsePolicySet,
  statefulIsAuthorized,
  validate,
} from '@cedar-policy/cedar-wasm/nodejs';
import type { DetailedError } from '@cedar-policy/cedar-wasm/nodejs';
import { BoundedMap } from '../../domain/bounded-map.ts';
import type { PolicyAnswer, PolicyEngine, PolicyQuestion } from '../../domain/ports/policy-engine.ts';

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
export function cedarPolicy({ policies, schema }: CedarPolicyOptions): PolicyEngine {
  const byId = identify(policies);
  check(byId, schema);
  const policy_version = versionOf(byId, schema);
  // The parsed sets live in the WASM module under a name; equal sets have equal names, so reopening is harmless.
  const prepared = preparsePolicySet(policy_version, { staticPolicies: byId });
  if (prepared.type === 'failure') throw new PolicyRefusedError(messages(prepared.errors));

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
    if (answer.type === 'failure') return { effect: 'deny', policies: [], errors: messages(answer.errors) };
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

/** The owner's or the shipped policies are wrong: the node does not start with them. */
export class PolicyRefusedError extends Error {
  override readonly name = 'PolicyRefusedError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`the policies were refused: ${faults.join('; ')}`);
    this.faults = faults;
  }
}

function contextOf(question: PolicyQuestion): { [name: string]: number | boolean | string | string[] } {
  const context: { [name: string]: number | boolean | string | string[] } = { tenant: question.principal.tenant };
  for (const [name, fact] of Object.entries(question.facts)) {
    context[name] = typeof fact === 'object' ? [...fact] : fact;
  }
  return context;
}

/** One entry for each policy under its `@id`, because decisions and receipts name policies by it. */
function identify(texts: readonly string[]): Record<string, string> {
  const byId: Record<string, string> = Object.create(null) as Record<string, string>;
  const faults: string[] = [];
  for (const text of texts) {
    const parts = policySetTextToParts(text);
    if (parts.type === 'failure') throw new PolicyRefusedError(messages(parts.errors));
    if (parts.policy_templates.length > 0) faults.push('templates are not taken');
    for (const policy of parts.policies) {
      const id = idOf(policy);
      if (id === undefined) faults.push(`a policy has no \`@id\`: ${policy.slice(0, 80)}`);
      else if (id in byId) faults.push(`\`@id("${id}")\` stands twice`);
      else byId[id] = policy;
    }
  }
  if (faults.length > 0) throw new PolicyRefusedError(faults);
  return byId;
}

function idOf(policy: string): string | undefined {
  const read = policyToJson(policy);
  if (read.type === 'failure') return undefined;
  const id = read.json.annotations?.id;
  return typeof id === 'string' && id !== '' ? id : undefined;
}

function check(byId: Record<string, string>, schema: string): void {
  const answer = validate({ validationSettings: { mode: 'strict' }, schema, policies: { staticPolicies: byId } });
  if (answer.type === 'failure') throw new PolicyRefusedError(messages(answer.errors));
  if (answer.validationErrors.length > 0) {
    throw new PolicyRefusedError(answer.validationErrors.map(({ policyId, error }) => `${policyId}: ${error.message}`));
  }
}

/** SHA-256 over schema and policies in the order of their ids; each text is preceded by its length. */
function versionOf(byId: Record<string, string>, schema: string): string {
  const hash = createHash('sha256');
  const texts = [
    schema,
    ...Object.keys(byId)
      .toSorted()
      .flatMap((id) => [id, byId[id] ?? '']),
  ];
  for (const text of texts) hash.update(`${Buffer.byteLength(text)}:`).update(text);
  return hash.digest('hex');
}

function messages(errors: readonly DetailedError[]): readonly string[] {
  return errors.map((error) => error.message);
}
