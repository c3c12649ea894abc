import type { Judge, Judgement, Outcome } from '../../functions/domain/decisions/judge.ts';
import { decisionFailure } from '../../functions/domain/decisions/decision-failure.ts';
import { SignetError } from '../../functions/domain/errors.ts';

export interface RecordedDecision {
  readonly receipt: string;
  readonly judgement: Judgement;
  readonly code: string;
  readonly outcome?: Outcome;
}

export interface RecordingJudge extends Judge {
  readonly decisions: RecordedDecision[];
}

/** A judge without signatures or storage: asks `allows`, and remembers what was decided. */
export function recordingJudge(allows: (judgement: Judgement) => boolean = () => true): RecordingJudge {
  const decisions: RecordedDecision[] = [];
  const record = (judgement: Judgement, code: string, outcome?: Outcome): string => {
    const receipt = `receipt-${decisions.length + 1}`;
    decisions.push({ receipt, judgement, code, ...(outcome === undefined ? {} : { outcome }) });
    return receipt;
  };
  const refuse = (judgement: Judgement): void => {
    if (allows(judgement)) return;
    const error = new SignetError({ code: 'policy_denied', detail: `may not \`${judgement.action}\`` });
    error.receipt = record(judgement, error.code);
    throw error;
  };

  return {
    decisions,
    async decide(call, judgement, work) {
      refuse(judgement);
      try {
        const { value, outcome } = await work();
        return { value, receipt: record(judgement, 'ok', outcome) };
      } catch (thrown) {
        const error = decisionFailure(thrown, call);
        error.receipt = record(judgement, error.code);
        throw error;
      }
    },
    async open(call, judgement, begin) {
      refuse(judgement);
      begin?.();
      const receipt = record(judgement, 'open');
      return {
        receipt,
        succeed: async (outcome) => record(judgement, 'ok', outcome),
        fail: async (thrown) => record(judgement, decisionFailure(thrown, call).code),
      };
    },
    permits: (_call, judgement) => allows(judgement),
  };
}
