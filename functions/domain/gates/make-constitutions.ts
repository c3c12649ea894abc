import type { Now } from '../call.ts';
import { digestJson } from '../content/digest-json.ts';
import type { Judge } from '../decisions/judge.ts';
import { SignetError } from '../errors.ts';
import { adoptionKey } from '../identity/keys.ts';
import type { Identity } from '../identity/open-identity.ts';
import type { JsonObject } from '../json.ts';
import type { DigestCompute } from '../ports/compute.ts';
import type { Table } from '../ports/table.ts';
import { withoutProof } from '../constitution/constitution.ts';
import type { Compliance, Constitutions, PublishedConstitution } from './constitutions.ts';
import { complianceOf, type Evidence } from './compliance.ts';
import { constitutionKey } from '../constitution/keys.ts';
import { gateOf, readRules } from '../constitution/rules.ts';

/** What the node's rules are and whether something was held to them; the contract is in `constitutions.ts`. */
export function makeConstitutions({
  table,
  digest,
  identity,
  judge,
  now,
  evidenceOf,
}: {
  table: Table;
  digest: DigestCompute;
  identity: Pick<Identity, 'node_id' | 'document' | 'constitution' | 'constitution_version' | 'con'>;
  judge: Judge;
  now: Now;
  /** Fetches and verifies; undefined when it is not there. */
  evidenceOf: Evidence;
}): Constitutions {
  async function receiptOf(version: number): Promise<string | undefined> {
    const seq = Number(identity.document['seq']);
    const row = await table.get(adoptionKey(identity.node_id, { seq, constitution_version: version }), now());
    const receipt = row?.['receipt'];
    return typeof receipt === 'string' ? receipt : undefined;
  }

  return {
    async get(version = identity.constitution_version) {
      const row = await table.get(constitutionKey(version), now());
      const document = row?.['constitution'];
      if (!isObject(document)) {
        throw new SignetError({
          code: 'constitution_not_found',
          detail: `expected a version from 1 to ${identity.constitution_version}`,
          param: 'version',
        });
      }
      const [digested] = await digestJson(digest, [withoutProof(document)]);
      if (digested === undefined) throw new Error('no digest of the constitution came back');
      return published(document, { con: digested.sha256, version, receipt: await receiptOf(version) });
    },

    async check(call, { subject, rules: asked }) {
      const judgement = {
        action: 'checkGates',
        resource: { type: 'Gates', id: 'constitution' },
        facts: { enveloped: subject.kind === 'envelope' },
      } as const;
      return judge.decide(call, judgement, async () => {
        const found = await evidenceOf(call, subject);
        if (found === undefined) {
          throw new SignetError({
            code: 'receipt_not_found',
            detail: 'no verdict or decision with this id',
            param: 'subject',
          });
        }
        const value: Compliance = {
          ...complianceOf({ rules: readRules(identity.constitution), found, asked }),
          con: identity.con,
        };
        return { value, outcome: { parents: found.parents, detail: { compliant: value.compliant } } };
      });
    },
  };
}

const effects = { strict: 'refused', advisory: 'lowers excellence', monitor: 'recorded' } as const;

function published(
  document: JsonObject,
  { con, version, receipt }: { con: string; version: number; receipt: string | undefined },
): PublishedConstitution {
  const { thresholds, gates, chains } = readRules(document);
  const actionsOf = (gate: string): readonly string[] =>
    Object.entries(chains)
      .filter(([, chain]) => chain.some((entry) => gateOf(entry) === gate))
      .map(([action]) => action);
  return {
    version,
    con,
    ihsan_threshold: asShare(thresholds.ihsan),
    snr_threshold: asShare(thresholds.snr),
    rules: gates.map(({ id, scorer, bar, mandatory, enforcement }) => ({
      rule: id,
      scorer,
      bar_bp: bar,
      mandatory,
      enforcement,
      actions: actionsOf(id),
    })),
    penalties: gates.map(({ id, enforcement }) => ({ rule: id, effect: effects[enforcement] })),
    document,
    adopted: { effective: Number(document['effective']), ...(receipt === undefined ? {} : { receipt }) },
  };
}

/** Basis points as the share that the original interface has. */
function asShare(basis_points: number): number {
  return basis_points / 10_000;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
