import {
  ScorerLateError,
  type Attainment,
  type DescribedPart,
  type GatesCompute,
  type InjectionScore,
  type LeakScore,
  type ScorerDescription,
  type SnrScore,
} from '../../domain/ports/gates-compute.ts';
import type { AnswerReader, Field } from './frames.ts';
import type { CallFrames } from './proof-compute.ts';

/** Numbers of the scorers' operations in the crate `compute`; never reused. */
export const gateOperations = {
  findCitations: 23,
  scoreGround: 24,
  scoreExcellence: 25,
  describeScorers: 26,
  scanLeaks: 27,
  scoreText: 28,
} as const;

/** Numbers of the scorers of texts in that operation; never reused. */
const scorerNumbers = { 'snr/1': 1, 'leak/1': 2, 'inject/1': 3, 'leak/2': 4, 'inject/2': 5 } as const;

/** Stands for no deadline. */
const unlimited = 0xffff_ffff;

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
  /** Each text from now on, one after the other: what is left for a text is what those before it left. */
  const scored = <Score>(
    scorer: keyof typeof scorerNumbers,
    texts: readonly Uint8Array[],
    within_ms: number | undefined,
    read: (answer: AnswerReader) => Score,
  ): readonly Score[] | Promise<readonly Score[]> => {
    const limit = limitOf(within_ms);
    const items = texts.map((text) => [scorerNumbers[scorer], limit, text] as const);
    return each(gateOperations.scoreText, items, (answer) => {
      if (answer.number() === 0) throw new ScorerLateError(`\`${scorer}\` had ${limit} ms`);
      return read(answer);
    });
  };

  return {
    scoreSnr: async (texts, { within_ms } = {}) => scored('snr/1', texts, within_ms, snrScore),
    scoreLeak: async (texts, { scorer = 'leak/2', within_ms } = {}) => scored(scorer, texts, within_ms, leakScore),
    scoreInjection: async (texts, { scorer = 'inject/2', within_ms } = {}) =>
      scored(scorer, texts, within_ms, injectionScore),
    scanLeaks: async (pieces, { within_ms } = {}) => {
      const limit = limitOf(within_ms);
      const items = pieces.map(({ context, text, is_last }) => [context, limit, is_last ? 1 : 0, text] as const);
      return each(gateOperations.scanLeaks, items, (answer) => {
        if (answer.number() === 0) throw new ScorerLateError(`\`leak/2\` had ${limit} ms`);
        return {
          context: answer.number(),
          held: answer.number(),
          cards: answer.number(),
          ibans: answer.number(),
          keys: answer.number(),
        };
      });
    },
    findCitations: async (given) =>
      each(
        gateOperations.findCitations,
        given.map((text) => [text] as const),
        (answer) => {
          const has_more = answer.number() === 1;
          const joined = answer.text();
          return { digests: joined === '' ? [] : joined.split('\n'), has_more };
        },
      ),
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

function limitOf(within_ms: number | undefined): number {
  return within_ms === undefined ? unlimited : Math.min(Math.max(0, Math.ceil(within_ms)), unlimited - 1);
}

function leakScore(answer: AnswerReader): LeakScore {
  return { score: answer.number(), cards: answer.number(), ibans: answer.number(), keys: answer.number() };
}

function injectionScore(answer: AnswerReader): InjectionScore {
  return {
    score: answer.number(),
    overrides: answer.number(),
    hidden: answer.number(),
    links: answer.number(),
    runs: answer.number(),
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
