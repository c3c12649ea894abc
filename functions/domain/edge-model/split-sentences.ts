export interface Sentence {
  /** Exactly as it stands in the text, without the white space around it. */
  readonly text: string;
  readonly at: number;
  readonly end: number;
}

/**
 * Sentences end at `.`, `!`, `?` or `…` (with the quotes and brackets that close after them) before white space, at a
 * line that is empty, and at the end of the text. A single line break is white space; a list item is its own sentence;
 * a line that is nothing but an address, as in a list of search results, stands between sentences and is none.
 */
export function splitSentences(text: string): readonly Sentence[] {
  const sentences: Sentence[] = [];
  let start = 0;
  for (const match of text.matchAll(boundary)) {
    const end = match.index + (match[1] ?? '').length;
    push(sentences, text, start, end);
    start = match.index + match[0].length;
  }
  push(sentences, text, start, text.length);
  return sentences;
}

/** Runs are bounded, so that no text of dots or blanks makes the search start over along it. */
const boundary =
  /([.!?…]{1,8}["'”’)\]]{0,4})(?=\s|$)|\n[ \t\r]{0,64}\n|\n(?=[ \t]{0,16}[-*•] )|\n[ \t]{0,16}[a-z][a-z0-9+.-]{1,15}:\/\/\S{1,2048}(?=[ \t\r]{0,64}(?:\n|$))/gu;

function push(sentences: Sentence[], text: string, start: number, end: number): void {
  const raw = text.slice(start, end);
  const trimmed = raw.trim();
  if (trimmed === '') return;
  const at = start + (raw.length - raw.trimStart().length);
  sentences.push({ text: trimmed, at, end: at + trimmed.length });
}
