import type { Call } from '../call.ts';
import { SignetError } from '../errors.ts';
import type { Compliance, ComplianceCheck, ComplianceSubject } from './constitutions.ts';
import type { Rules } from '../constitution/rules.ts';

/** What evidence says of a rule. */
export interface Shown {
  readonly state: 'pass' | 'fail' | 'na' | 'error';
  /** Basis points. */
  readonly score: number;
  readonly code?: string;
}

export interface FoundEvidence {
  /** Id of the verdict or the envelope; null when the subject is real and shows nothing. */
  readonly id: string | null;
  /** By rule. */
  readonly shown: ReadonlyMap<string, Shown>;
  /** Receipts that were read. */
  readonly parents: readonly string[];
}

export type Evidence = (call: Call, subject: ComplianceSubject) => Promise<FoundEvidence | undefined>;

/**
 * Holds evidence against the bars of now, which may not be those it was made under. What nothing shows has failed; what
 * the constitution left out (`na`) has not.
 *
 * @param asked absent, every rule that the evidence is about
 */
export function complianceOf({
  rules,
  found,
  asked,
}: {
  rules: Rules;
  found: FoundEvidence;
  asked: readonly string[] | undefined;
}): Omit<Compliance, 'con'> {
  const checks = (asked ?? [...found.shown.keys()]).map((rule) => checkOf(rule, rules, found));
  const counted = checks.filter(({ enforcement }) => enforcement === 'strict');
  return { compliant: counted.length > 0 && counted.every(({ passed }) => passed), checks };
}

/** The rule that is no gate. */
export const excellenceRule = 'ihsan';

function checkOf(rule: string, rules: Rules, { id, shown }: FoundEvidence): ComplianceCheck {
  const gate =
    rule === excellenceRule
      ? { bar: rules.thresholds.ihsan, enforcement: 'strict' as const }
      : rules.gates.find((one) => one.id === rule);
  if (gate === undefined) {
    throw new SignetError({
      code: 'invalid_request',
      detail: `expected gates of the constitution or \`${excellenceRule}\`, got \`${rule}\``,
      param: 'rules',
    });
  }
  const { bar: threshold, enforcement } = gate;
  const seen = shown.get(rule);
  if (seen === undefined) return { rule, passed: false, threshold, enforcement, evidence: null };
  const { state, score, code } = seen;
  const passed = state === 'na' || (state === 'pass' && score >= threshold);
  const value = state === 'na' || state === 'error' ? {} : { value: score };
  return { rule, passed, threshold, enforcement, evidence: id, ...value, ...(code === undefined ? {} : { code }) };
}
