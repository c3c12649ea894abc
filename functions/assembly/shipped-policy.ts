import { checkedPolicy } from '../adapters/cedar/cedar-policy.ts';
import { readPolicies } from '../adapters/cedar/read-policies.ts';
import type { PolicyEngine } from '../domain/ports/policy-engine.ts';

/** The policies that come with the product. */
export async function shippedPolicy(repository: string): Promise<PolicyEngine> {
  return checkedPolicy(await readPolicies(repository));
}
