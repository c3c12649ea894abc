import { splitSentences, type Sentence } from './split-sentences.ts';

export interface GivenText {
  /** The sentences that are asked about. */
  readonly sentences: readonly Sentence[];
  /** The sentences that ask. */
  readonly question: string;
  readonly asksForSummary: boolean;
}

/**
 * Divides a message into what asks and what is asked about. A sentence asks if it requests a tool, says `summar…` or
 * `resum…` (up to a colon: "Summarise the text: …"), or, where no summary is wanted, ends in a question mark; without
 * any of these the last sentence is the question.
 */
export function givenText(text: string, requests: readonly { readonly at: number; readonly end: number }[]): GivenText {
  const parts = splitSentences(text).flatMap((sentence) => splitAtColon(sentence));
  const isRequest = requestTest(requests);
  const others = parts.filter((part) => !isRequest(part));
  const asksForSummary = others.some((part) => summaryWord.test(part.text));
  if (asksForSummary) {
    return { sentences: others.filter((part) => !summaryWord.test(part.text)), question: '', asksForSummary };
  }
  const asking = others.filter((part) => part.text.endsWith('?'));
  const questions = asking.length > 0 ? asking : others.slice(-1);
  const asks = new Set(questions);
  return {
    sentences: others.filter((part) => !asks.has(part)),
    question: questions.map((part) => part.text).join(' '),
    asksForSummary,
  };
}

const summaryWord = /(?<![\p{L}\p{N}])(?:summar|resum)/iu;

function splitAtColon(sentence: Sentence): readonly Sentence[] {
  const word = summaryWord.exec(sentence.text);
  if (word === null) return [sentence];
  const colon = sentence.text.slice(word.index).search(/:\s/);
  if (colon < 0) return [sentence];
  const cut = word.index + colon + 1;
  const rest = sentence.text.slice(cut).trimStart();
  const at = sentence.end - rest.length;
  return [
    { text: sentence.text.slice(0, cut), at: sentence.at, end: sentence.at + cut },
    { text: rest, at, end: sentence.end },
  ];
}

/** At most one request for each listed tool: a short list. */
function requestTest(requests: readonly { at: number; end: number }[]): (sentence: Sentence) => boolean {
  return (sentence) => requests.some((request) => request.at < sentence.end && request.end > sentence.at);
}
