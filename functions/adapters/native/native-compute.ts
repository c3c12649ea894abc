import type { DigestCompute, ScoreCompute, SignCompute, VerifyCompute } from '../../domain/ports/compute.ts';
import type { ArithmeticCompute } from '../../domain/ports/arithmetic-compute.ts';
import type { GatesCompute } from '../../domain/ports/gates-compute.ts';
import type { SegmentCompute } from '../../domain/ports/segment-compute.ts';
import { AnswerReader, operations, requestBytes, writeRequest } from '../frames/frames.ts';
import { arithmeticCompute } from '../frames/arithmetic-compute.ts';
import { gatesCompute } from '../frames/gates-compute.ts';
import { proofCompute, type CallFrames } from '../frames/proof-compute.ts';
import { segmentCompute } from '../frames/segment-compute.ts';
import { countRows, metricNumbers, nonFinite } from '../frames/score-request.ts';
import { loadAddon } from './load-addon.ts';

export interface NativeCompute {
  readonly sign: SignCompute;
  readonly verify: VerifyCompute;
  readonly digest: DigestCompute;
  readonly score: ScoreCompute;
  readonly gates: GatesCompute;
  readonly arithmetic: ArithmeticCompute;
  readonly segments: SegmentCompute;
}

/** The compute port on the Node addon. Throws, with the reason, when the file is not a usable addon. */
export function openNativeCompute({ addon_path }: { addon_path: string }): NativeCompute {
  const addon = loadAddon<ComputeAddon>(addon_path, ['call', 'callVectors', 'topK', 'topKInWorker']);

  const call: CallFrames = (operation, items, read) => {
    const request = new Uint8Array(requestBytes(items));
    let answer: Uint8Array | undefined;
    try {
      writeRequest(items, request);
      answer = addon.call(operation, request);
      return read(new AnswerReader(answer));
    } finally {
      if (isPrivate(operation)) {
        request.fill(0);
        answer?.fill(0);
      }
    }
  };

  const callVectors: CallFrames = async (operation, items, read) => {
    const request = new Uint8Array(requestBytes(items));
    writeRequest(items, request);
    return read(new AnswerReader(await addon.callVectors(operation, request)));
  };

  return {
    ...proofCompute(call),
    gates: gatesCompute(call),
    arithmetic: arithmeticCompute(call),
    segments: segmentCompute(callVectors),
    score: {
      async topK(request) {
        const { metric, query, rows, k } = request;
        const count = countRows(request);
        const most = Math.min(k, count);
        const found =
          rows.byteLength > INLINE_BYTES_MAX
            ? await addon.topKInWorker(metricNumbers[metric], query, rows, most)
            : addon.topK(metricNumbers[metric], query, rows, most);
        if (found.non_finite_query !== undefined) throw nonFinite({ in: 'query', index: found.non_finite_query });
        if (found.non_finite_row !== undefined) throw nonFinite({ in: 'rows', index: found.non_finite_row });
        return { rows: found.rows, scores: found.scores };
      },
    },
  };
}

/** About 0.1 ms of scoring; more would hold up the event loop. */
const INLINE_BYTES_MAX = 1_048_576;

/** What `rust-lambdas/bindings/node` exports for this adapter. */
interface ComputeAddon {
  call(operation: number, request: Uint8Array): Uint8Array;
  /** On a worker. */
  callVectors(operation: number, request: Uint8Array): Promise<Uint8Array>;
  topK(metric: number, query: Float32Array, rows: Float32Array, k: number): TopKAnswer;
  topKInWorker(metric: number, query: Float32Array, rows: Float32Array, k: number): Promise<TopKAnswer>;
}

interface TopKAnswer {
  readonly rows: Uint32Array;
  readonly scores: Float32Array;
  readonly non_finite_query?: number;
  readonly non_finite_row?: number;
}

function isPrivate(operation: number): boolean {
  return operation === operations.generateKey || operation === operations.openKey;
}
