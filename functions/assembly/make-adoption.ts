import type { RunningConstitution } from '../domain/identity/adopt-constitution.ts';
import type { Identity } from '../domain/identity/open-identity.ts';
import type { JsonObject } from '../domain/json.ts';
import type { PolicyEngine } from '../domain/ports/policy-engine.ts';
import type { ComputeSlots } from './compute-slots.ts';
import type { NodeLog } from './node-log.ts';

export interface Adoption {
  /** The next constitution, by which the node acts from then on; a refusal is logged, and the running one goes on. */
  adoptConstitution(offered: JsonObject): Promise<RunningConstitution & { readonly receipt?: string }>;
}

export function makeAdoption({
  identity,
  slots,
  policy,
  logAdoption,
  log,
}: {
  identity: Pick<Identity, 'adoptConstitution'>;
  slots: ComputeSlots;
  policy: PolicyEngine;
  logAdoption: () => Promise<string | undefined>;
  log: NodeLog;
}): Adoption {
  return {
    async adoptConstitution(offered) {
      const { scorers, lists } = await slots.gates.describeScorers();
      const policies = [{ id: 'policies', sha256: policy.policy_version }];
      const adopted = await identity
        .adoptConstitution(offered, { scorers, lists, policies })
        .catch((error: unknown) => {
          log.error({ cause: error }, 'a constitution was not adopted, the running one goes on');
          throw error;
        });
      const receipt = await logAdoption();
      return { ...adopted, ...(receipt === undefined ? {} : { receipt }) };
    },
  };
}
