import type { GateRule, Rules } from '../constitution/rules.ts';
import type { GatesCompute, InjectionScore, InjectionScorer, LeakScore, LeakScorer } from '../ports/gates-compute.ts';
import type { ContentType } from './gates.ts';
import type { Finding, Gate } from './run-chain.ts';

export interface TextGateParts {
  readonly compute: GatesCompute;
  readonly bytes: Uint8Array;
  readonly content_type: ContentType;
  readonly unscored: Rules['unscored'];
  /** Basis points that the caller claims; can only lower. */
  readonly claimed_snr?: number;
}

/**
 * The gates that need nothing but the text: G7, G8, G9. They are computed here for whoever judges and for whoever
 * recomputes a verdict, so that the two cannot differ.
 */
export function textGates(parts: TextGateParts): ReadonlyMap<string, Gate> {
  const { compute, bytes } = parts;
  const cheap = (run: Gate['run']): Gate => ({ tier: 'cheap', run });
  return new Map([
    ['G7', cheap(({ within_ms }) => snrFinding(parts, within_ms))],
    [
      'G8',
      cheap(async ({ rule, within_ms }) =>
        scored('gate.leak', first(await compute.scoreLeak([bytes], { scorer: leakScorer(rule), within_ms }))),
      ),
    ],
    [
      'G9',
      cheap(async ({ rule, within_ms }) =>
        scored(
          'gate.injection',
          first(await compute.scoreInjection([bytes], { scorer: injectionScorer(rule), within_ms })),
        ),
      ),
    ],
  ]);
}

/** The version that a constitution names; older ones are there for constitutions that were signed before. */
export function leakScorer({ scorer }: GateRule): LeakScorer {
  return scorer === 'leak/1' ? 'leak/1' : 'leak/2';
}

export function injectionScorer({ scorer }: GateRule): InjectionScorer {
  return scorer === 'inject/1' ? 'inject/1' : 'inject/2';
}

async function snrFinding(parts: TextGateParts, within_ms: number): Promise<Finding> {
  const { compute, bytes, content_type, unscored, claimed_snr } = parts;
  // JSON is no prose: the scorer is for text, and says nothing of another form.
  if (content_type === 'application/json') return withoutScore('form', unscored);
  const score = first(await compute.scoreSnr([bytes], { within_ms }));
  if (!score.scored) return withoutScore(score.reason, unscored);
  const { at_word, words, language, features } = score;
  const facts = { computed: score.score, at_word, words, language, features: { ...features } };
  return { state: 'scored', score: Math.min(score.score, claimed_snr ?? score.score), code: 'gate.snr', facts };
}

function withoutScore(reason: string, unscored: Rules['unscored']): Finding {
  const facts = { unscored: reason };
  return unscored === 'skip' ? { state: 'na', facts } : { state: 'scored', score: 0, code: 'gate.unscored', facts };
}

function scored(code: string, { score, ...facts }: LeakScore | InjectionScore): Finding {
  return { state: 'scored', score, code, facts };
}

function first<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) throw new Error('the scorer answered nothing');
  return item;
}
