import type { Sentence } from './split-sentences.ts';

/** The at most three sentences with the highest score above zero, in the order of the text; the earlier wins a tie. */
export function pickSentences(sentences: readonly Sentence[], scoreOf: (index: number) => number): readonly Sentence[] {
  const best: { sentence: Sentence; score: number }[] = [];
  sentences.forEach((sentence, index) => {
    const score = scoreOf(index);
    if (score <= 0) return;
    const place = best.findIndex((entry) => entry.score < score);
    if (place >= 0) best.splice(place, 0, { sentence, score });
    else if (best.length < sentences_max) best.push({ sentence, score });
    if (best.length > sentences_max) best.pop();
  });
  return best.map(({ sentence }) => sentence).sort((a, b) => a.at - b.at);
}

const sentences_max = 3;
