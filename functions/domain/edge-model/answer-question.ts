import { pickSentences } from './pick-sentences.ts';
import type { Sentence } from './split-sentences.ts';
import { termsOf } from './terms.ts';

/**
 * Rule 5: at most three sentences, verbatim, that share terms with the question. A shared term weighs more the fewer
 * sentences hold it, so a word that stands everywhere decides nothing.
 */
export function answerQuestion(sentences: readonly Sentence[], question: string): string | undefined {
  const asked = termsOf(question);
  const shared = sentences.map((sentence) => [...termsOf(sentence.text)].filter((term) => asked.has(term)));
  const holders = new Map<string, number>();
  for (const term of shared.flat()) holders.set(term, (holders.get(term) ?? 0) + 1);
  const picked = pickSentences(sentences, (index) =>
    (shared[index] ?? []).reduce((sum, term) => sum + 1 + 1 / (holders.get(term) ?? 1), 0),
  );
  return picked.length === 0 ? undefined : picked.map((sentence) => sentence.text).join(' ');
}
