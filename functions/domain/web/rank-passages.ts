/** A searchable piece of text. */
export interface Passage {
  readonly title: string;
  readonly url: string;
  readonly text: string;
}

export interface Ranked {
  readonly passage: Passage;
  /** BM25; larger is better, always above 0. */
  readonly score: number;
}

export type PassageIndex = (query: string, k: number) => readonly Ranked[];

const k1 = 1.2;
const b = 0.75;

/**
 * BM25 (Robertson and Zaragoza 2009) with the idf of Lucene, ln(1 + (n - df + 0.5) / (df + 0.5)), which is never
 * negative: a word in every passage adds little instead of taking away. A title counts like text, twice.
 * Words that carry no topic (`the`, `what`, `com`, `um`) are not searched for: a question about something that is not
 * here must find nothing, not the passage with the most articles.
 */
export function indexPassages(passages: readonly Passage[]): PassageIndex {
  const postings = new Map<string, Map<number, number>>();
  const lengths = passages.map((passage, number) => {
    const words = [...wordsOf(passage.title), ...wordsOf(passage.title), ...wordsOf(passage.text)];
    for (const word of words) {
      const counts = postings.get(word) ?? new Map<number, number>();
      counts.set(number, (counts.get(number) ?? 0) + 1);
      postings.set(word, counts);
    }
    return words.length;
  });
  const mean = lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, lengths.length);

  return (query, k) => {
    const scores = new Map<number, number>();
    for (const word of new Set(topicWordsOf(query))) {
      const counts = postings.get(word);
      if (counts === undefined) continue;
      const idf = Math.log(1 + (passages.length - counts.size + 0.5) / (counts.size + 0.5));
      for (const [number, count] of counts) {
        const spread = k1 * (1 - b + (b * (lengths[number] ?? 0)) / mean);
        scores.set(number, (scores.get(number) ?? 0) + (idf * count * (k1 + 1)) / (count + spread));
      }
    }
    return [...scores]
      .sort(([first, first_score], [second, second_score]) => second_score - first_score || first - second)
      .slice(0, k)
      .flatMap(([number, score]) => {
        const passage = passages[number];
        return passage === undefined ? [] : [{ passage, score }];
      });
  };
}

/** Stems of lower-case words without accents: `Programação` finds `programacao`, `verified` finds `verify`. */
export function wordsOf(text: string): readonly string[] {
  return plainWordsOf(text).map(stemOf);
}

export function topicWordsOf(text: string): readonly string[] {
  return plainWordsOf(text)
    .filter((word) => !stop.has(word))
    .map(stemOf);
}

function plainWordsOf(text: string): readonly string[] {
  return (
    text
      .normalize('NFKD')
      .replace(/\p{M}+/gu, '')
      .toLowerCase()
      .match(/[\p{L}\p{N}_]+/gu) ?? []
  );
}

/**
 * Off with the commonest English endings. Porter's stemmer would join a few more words, and many that do not belong
 * together; here both sides lose the same letters and words of three letters none.
 */
function stemOf(word: string): string {
  if (word.length <= 3) return word;
  return word.replace(/(?:ies|ied|y)$/, 'i').replace(/(?:ing|ed|es|(?<!s)s|e)$/, '');
}

/** English and Portuguese: the languages of the documentation and of its examples. */
const stop = new Set(
  (
    'a about an and are as at be by can do does for from has have how i if in into is it its me my of on or our so than that ' +
    'the their then there these this those to vs was we were what when where which who why will with would you your ' +
    'ao aos as com como da das de do dos e ela ele em entre essa esse esta este eu isso mais mas na nas no nos o onde os ou ' +
    'para pela pelo por qual quando que quem se sem ser seu sua sao uma um'
  ).split(' '),
);
