import type { Evidence, FoundEvidence, Shown } from './compliance.ts';
import { excellenceRule } from './compliance.ts';
import type { JsonObject } from '../json.ts';
import { decisionType, gateVerdictType } from '../receipts/statement-types.ts';
import { findingOf, type EnvelopeFindings } from './envelope-gates.ts';

/** A receipt of ours that was fetched and whose signatures hold. */
export interface VerifiedStatement {
  readonly predicate_type: string;
  readonly predicate: JsonObject;
}

/**
 * Evidence for a constitution check: a verdict record, the one that a decision names, or an envelope, which is verified
 * again. What does not verify is no evidence.
 */
export function findEvidence({
  statementOf,
  envelopes,
}: {
  /** Of a receipt that this tenant may read. */
  statementOf: (tenant: string, id: string) => Promise<VerifiedStatement | undefined>;
  envelopes: { verify(envelope: Uint8Array): Promise<EnvelopeFindings> };
}): Evidence {
  async function verdictIn(tenant: string, id: string): Promise<FoundEvidence | undefined> {
    const statement = await statementOf(tenant, id);
    if (statement === undefined) return undefined;
    if (statement.predicate_type === gateVerdictType) {
      return { id, shown: shownBy(statement.predicate), parents: [id] };
    }
    const own = ownVerdict(statement);
    if (own !== undefined) return { id, shown: own, parents: [id] };
    const parents = statement.predicate_type === decisionType ? statement.predicate['parents'] : [];
    for (const parent of Array.isArray(parents) ? parents : []) {
      if (typeof parent !== 'string') continue;
      const named = await statementOf(tenant, parent);
      if (named?.predicate_type !== gateVerdictType) continue;
      return { id: parent, shown: shownBy(named.predicate), parents: [id, parent] };
    }
    return { id: null, shown: new Map(), parents: [id] };
  }

  return async (call, subject) => {
    if (subject.kind === 'receipt') return verdictIn(call.principal.tenant, subject.id);
    const findings = await envelopes.verify(new TextEncoder().encode(subject.envelope));
    return { id: findings.id ?? null, shown: await shownByEnvelope(findings), parents: [] };
  };
}

/** A chat or a run has its verdict in its own decision: what came in, and what went out. */
function ownVerdict({ predicate_type, predicate }: VerifiedStatement): ReadonlyMap<string, Shown> | undefined {
  const { verdict } = predicate;
  if (predicate_type !== decisionType || typeof verdict !== 'object' || verdict === null) return undefined;
  const sides = Object.values(verdict) as readonly JsonObject[];
  const shown = new Map<string, Shown>();
  for (const side of sides) {
    for (const [g, one] of shownBy(side)) {
      const before = shown.get(g);
      if (before === undefined || before.state === 'pass') shown.set(g, one);
    }
  }
  return shown;
}

function shownBy(predicate: JsonObject): ReadonlyMap<string, Shown> {
  const { chain, ihsan, result } = predicate;
  const entries = Array.isArray(chain)
    ? (chain as readonly (Omit<Shown, 'score'> & { readonly g: string; readonly score?: number })[])
    : [];
  const shown = new Map<string, Shown>(
    // Where a statement is short, full marks are left out.
    entries.map(({ g, state, score = 10_000, code }) => [g, { state, score, ...(code === undefined ? {} : { code }) }]),
  );
  if (typeof ihsan === 'number')
    shown.set(excellenceRule, { state: result === 'passed' ? 'pass' : 'fail', score: ihsan });
  return shown;
}

/** An envelope alone shows who signed what and when, and nothing about its content. */
async function shownByEnvelope(findings: EnvelopeFindings): Promise<ReadonlyMap<string, Shown>> {
  const shown = new Map<string, Shown>();
  for (const id of ['G1', 'G2', 'G3', 'G4']) {
    const finding = findingOf(id, { ...findings, is_about_content: true });
    if (finding.state === 'na') continue;
    // After the first failure nothing was asked any more: what was not asked is not shown.
    if (!findings.valid && finding.score > 0) continue;
    const { score, code } = finding;
    shown.set(id, score > 0 ? { state: 'pass', score } : { state: 'fail', score, code });
  }
  return shown;
}
