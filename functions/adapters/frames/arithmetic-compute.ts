import type { ArithmeticCompute } from '../../domain/ports/arithmetic-compute.ts';
import type { AnswerReader, Field } from './frames.ts';
import type { CallFrames } from './proof-compute.ts';
import { metricNumbers } from './score-request.ts';

/** Numbers of the operations in the crate `compute`; never reused. */
const operations = { comparePairs: 16, normalise: 17, findTop: 18, describeKernels: 19 } as const;

/** Arithmetic over the frames of the crate `compute`, which refuses no item. */
export function arithmeticCompute(call: CallFrames): ArithmeticCompute {
  const one = async <Answer>(
    operation: number,
    item: readonly Field[],
    read: (answer: AnswerReader) => Answer,
  ): Promise<Answer> => {
    const [answer] = await call(operation, [item], (answers) => {
      answers.refusal();
      return [read(answers)];
    });
    if (answer === undefined) throw new Error(`operation ${operation} has no answer`);
    return answer;
  };

  return {
    comparePairs: ({ metric, as, dimension, queries, rows }) =>
      one(
        operations.comparePairs,
        [metricNumbers[metric], as === 'distance' ? 1 : 0, dimension, bytesOf(queries), bytesOf(rows)],
        floats,
      ),
    normalise: ({ dimension, rows }) => one(operations.normalise, [dimension, bytesOf(rows)], floats),
    findTop: ({ metric, dimension, query, rows, k }) =>
      one(operations.findTop, [metricNumbers[metric], dimension, k, bytesOf(query), bytesOf(rows)], (answer) => ({
        rows: new Uint32Array(answer.bytes().buffer),
        scores: floats(answer),
      })),
    describeKernels: () => one(operations.describeKernels, [0], (answer) => ({ isa: answer.text() })),
  };
}

/** Every machine that Node runs on is little-endian. */
function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** What the reader gives out is a copy at the beginning of its own buffer. */
function floats(answer: AnswerReader): Float32Array {
  return new Float32Array(answer.bytes().buffer);
}
