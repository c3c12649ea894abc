import { createHash } from 'node:crypto';
import { policySetTextToParts, policyToJson, validate } from '@cedar-policy/cedar-wasm/nodejs';
import type { DetailedError } from '@cedar-policy/cedar-wasm/nodejs';

/** Policies that parse, have ids and fit their schema. Plain JSON. */
export interface CheckedPolicies {
  /** SHA-256 over schema and policies, 64 lower-case hex digits: what receipts name them by. */
  readonly policy_version: string;
  /** Cedar text by the policy's `@id`. */
  readonly policies: { readonly [id: string]: string };
}

/**
 * Parses and validates policies, strictly.
 *
 * @throws {PolicyRefusedError} when a policy does not parse, has no or a repeated id, or does not fit the schema
 */
export function checkPolicies({
  policies: texts,
  schema,
}: {
  policies: readonly string[];
  schema: string;
}): CheckedPolicies {
  const policies = identify(texts);
  check(policies, schema);
  return { policy_version: versionOf(policies, schema), policies };
}

/** The owner's or the shipped policies are wrong: the node does not start with them. */
export class PolicyRefusedError extends Error {
  override readonly name = 'PolicyRefusedError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`the policies were refused: ${faults.join('; ')}`);
    this.faults = faults;
  }
}

/** One entry for each policy under its `@id`, because decisions and receipts name policies by it. */
function identify(texts: readonly string[]): Record<string, string> {
  const byId: Record<string, string> = Object.create(null) as Record<string, string>;
  const faults: string[] = [];
  for (const text of texts) {
    const parts = policySetTextToParts(text);
    if (parts.type === 'failure') throw new PolicyRefusedError(messagesOf(parts.errors));
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
  if (answer.type === 'failure') throw new PolicyRefusedError(messagesOf(answer.errors));
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

export function messagesOf(errors: readonly DetailedError[]): readonly string[] {
  return errors.map((error) => error.message);
}
