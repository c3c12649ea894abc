import type { Rules } from '../constitution/rules.ts';
import type { GatesCompute, InjectionScore, LeakScore } from '../ports/gates-compute.ts';
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
  const cheap = (run: () => Promise<Finding>): Gate => ({ tier: 'cheap', run });
  return new Map([
    ['G7', cheap(() => snrFinding(parts))],
    ['G8', cheap(async () => scored('gate.leak', first(await compute.scoreLeak([bytes]))))],
    ['G9', cheap(async () => scored('gate.injection', first(await compute.scoreInjection([bytes]))))],
  ]);
}

async function snrFinding(parts: TextGateParts): Promise<Finding> {
  const { compute, bytes, content_type, unscored, claimed_snr } = parts;
  // JSON is no prose: the scorer is for text, and says nothing of another form.
  if (content_type === 'application/json') return withoutScore('form', unscored);
  const score = first(await compute.scoreSnr([bytes]));
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
