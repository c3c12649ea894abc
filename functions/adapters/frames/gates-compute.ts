import type {
  Attainment,
  DescribedPart,
  GatesCompute,
  ScorerDescription,
  SnrScore,
} from '../../domain/ports/gates-compute.ts';
import type { AnswerReader, Field } from './frames.ts';
import type { CallFrames } from './proof-compute.ts';

/** Numbers of the scorers' operations in the crate `compute`; never reused. */
export const gateOperations = {
  scoreSnr: 20,
  scoreLeak: 21,
  scoreInject: 22,
  findCitations: 23,
  scoreGround: 24,
  scoreExcellence: 25,
  describeScorers: 26,
} as const;

/** The scorers of the gates over the frames of the crate `compute`, which refuse no item. */
export function gatesCompute(call: CallFrames): GatesCompute {
  const each = <Answer>(
    operation: number,
    items: readonly (readonly Field[])[],
    read: (answer: AnswerReader) => Answer,
  ): readonly Answer[] | Promise<readonly Answer[]> =>
    call(operation, items, (answer) =>
      items.map(() => {
        answer.refusal();
        return read(answer);
      }),
    );
  const texts = (given: readonly Uint8Array[]): readonly (readonly [Uint8Array])[] => given.map((text) => [text]);

  return {
    scoreSnr: async (given) => each(gateOperations.scoreSnr, texts(given), snrScore),
    scoreLeak: async (given) =>
      each(gateOperations.scoreLeak, texts(given), (answer) => ({
        score: answer.number(),
        cards: answer.number(),
        ibans: answer.number(),
        keys: answer.number(),
      })),
    scoreInjection: async (given) =>
      each(gateOperations.scoreInject, texts(given), (answer) => ({
        score: answer.number(),
        overrides: answer.number(),
        hidden: answer.number(),
        links: answer.number(),
        runs: answer.number(),
      })),
    findCitations: async (given) =>
      each(gateOperations.findCitations, texts(given), (answer) => {
        const has_more = answer.number() === 1;
        const joined = answer.text();
        return { digests: joined === '' ? [] : joined.split('\n'), has_more };
      }),
    scoreGround: async (items) =>
      each(
        gateOperations.scoreGround,
        items.map(({ found, cited }) => [found, cited] as const),
        (answer) => answer.number(),
      ),
    scoreExcellence: async (lists) =>
      each(
        gateOperations.scoreExcellence,
        lists.map((gates) => [packed(gates)] as const),
        (answer) => answer.number(),
      ),
    describeScorers: async () => {
      const [described] = await each(gateOperations.describeScorers, [[0] as const], (answer) =>
        description(answer.text()),
      );
      if (described === undefined) throw new Error('no description of the scorers came back');
      return described;
    },
  };
}

function snrScore(answer: AnswerReader): SnrScore {
  if (answer.number() === 0) {
    return { scored: false, reason: answer.text() === 'short' ? 'short' : 'language' };
  }
  return {
    scored: true,
    score: answer.number(),
    at_word: answer.number(),
    words: answer.number(),
    features: {
      repeat: answer.number(),
      copies: answer.number(),
      density: answer.number(),
      form: answer.number(),
      function: answer.number(),
      clean: answer.number(),
    },
    language: answer.text(),
  };
}

/** Little-endian pairs of score and bar. */
function packed(gates: readonly Attainment[]): Uint8Array {
  const bytes = new Uint8Array(gates.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, { score, bar }] of gates.entries()) {
    view.setUint32(index * 8, score, true);
    view.setUint32(index * 8 + 4, bar, true);
  }
  return bytes;
}

/** Lines of id and digest, an empty one between scorers and lists. */
function description(text: string): ScorerDescription {
  const [scorers = '', lists = ''] = text.split('\n\n');
  const parts = (lines: string): readonly DescribedPart[] =>
    lines
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [id = '', sha256 = ''] = line.split(' ');
        return { id, sha256 };
      });
  return { scorers: parts(scorers), lists: parts(lists) };
}
