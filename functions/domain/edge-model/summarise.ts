import { pickSentences } from './pick-sentences.ts';
import type { Sentence } from './split-sentences.ts';
import { termsOf } from './terms.ts';

/**
 * Rule 4: at most three sentences, verbatim, by term centrality. A term counts as often as sentences hold it; a
 * sentence scores the sum over its terms, damped by their number, so that neither long nor bare ones win by length.
 * Only additions and one division: the order is the same on every machine.
 */
export function summarise(sentences: readonly Sentence[]): string | undefined {
  const terms = sentences.map((sentence) => termsOf(sentence.text));
  const holders = new Map<string, number>();
  for (const term of terms.flatMap((set) => [...set])) holders.set(term, (holders.get(term) ?? 0) + 1);
  const picked = pickSentences(sentences, (index) => {
    const own = terms[index] ?? new Set<string>();
    let sum = 0;
    for (const term of own) sum += holders.get(term) ?? 0;
    return sum / (own.size + damping);
  });
  return picked.length === 0 ? undefined : picked.map((sentence) => sentence.text).reduce(joined);
}

/** What holds a line break, as a title above its sentence, begins a line. */
function joined(before: string, text: string): string {
  return `${before}${text.includes('\n') ? '\n' : ' '}${text}`;
}

const damping = 4;
