import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { ComputeRefusedError } from '../../domain/ports/compute.ts';
import type { DigestCompute, ScoreCompute, SignCompute, VerifyCompute } from '../../domain/ports/compute.ts';
import type { ArithmeticCompute } from '../../domain/ports/arithmetic-compute.ts';
import type { GatesCompute } from '../../domain/ports/gates-compute.ts';
import type { SegmentCompute } from '../../domain/ports/segment-compute.ts';
import { AnswerReader, requestBytes, writeRequest } from '../frames/frames.ts';
import { arithmeticCompute } from '../frames/arithmetic-compute.ts';
import { gatesCompute } from '../frames/gates-compute.ts';
import { proofCompute, type CallFrames } from '../frames/proof-compute.ts';
import { segmentCompute } from '../frames/segment-compute.ts';
import { ownTime } from './own-time.ts';
import { countRows, metricNumbers, nonFinite } from '../frames/score-request.ts';

export interface WasmCompute {
  readonly sign: SignCompute;
  readonly verify: VerifyCompute;
  readonly digest: DigestCompute;
  readonly score: ScoreCompute;
  readonly gates: GatesCompute;
  readonly arithmetic: ArithmeticCompute;
  readonly segments: SegmentCompute;
}

/**
 * The compute port on the committed blob `signet.wasm`: in process, needs no toolchain, serves from the first request.
 * Each call of it has its own memory and its own keys.
 */
export async function openWasmCompute({ blob }: { blob?: Uint8Array } = {}): Promise<WasmCompute> {
  const bytes = blob ?? (await readFile(new URL('./signet.wasm', import.meta.url)));
  const { instance } = await WebAssembly.instantiate(bytes, { signet: clock }).catch((cause: unknown) => {
    throw new Error('the WASM compute does not open: it is damaged, or this machine has no WASM SIMD', { cause });
  });
  const engine = makeEngine(instance.exports as unknown as Exports);
  return {
    ...proofCompute(engine.call),
    gates: gatesCompute(engine.call),
    arithmetic: arithmeticCompute(engine.call),
    segments: segmentsInMemory(segmentCompute(engine.call)),
    score: { topK: serialised(engine.topK) },
  };
}

/** All that the blob can reach: time that passes, for deadlines inside of its work. */
const clock = { elapsed_ms: ownTime };

/** The blob reaches no files: they are read for it, whole. */
function segmentsInMemory(segments: SegmentCompute): SegmentCompute {
  return {
    ...segments,
    openSegment: async ({ name, open_len, source }) => {
      const bytes = 'path' in source ? await readFile(source.path).catch(unreadable) : source.bytes;
      return segments.openSegment({ name, open_len, source: { bytes } });
    },
  };
}

function unreadable(cause: unknown): never {
  const refusal = new ComputeRefusedError({ code: 'segment.source', message: 'the bytes could not be read' });
  throw Object.assign(refusal, { cause });
}

/** What `rust-lambdas/bindings/wasm/src/lib.rs` exports. Addresses are u32 but arrive signed. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  allocate(length: number): number;
  release(address: number, length: number): void;
  call(operation: number, address: number, length: number): bigint;
  top_k_begin(metric: number, query: number, dimension: number, k: number, rows: number): number;
  top_k_add(rows: number, floats: number): number;
  top_k_finish(hits: number, room: number): number;
}

/** Rows are lent to the blob in blocks: linear memory never shrinks, and a block that was just copied is still in the cache. */
const BLOCK_BYTES = 262_144;

/** About 1 ms; then other work gets its turn. */
const BYTES_A_TURN = 4_194_304;

function makeEngine(exports: Exports): { call: CallFrames; topK: ScoreCompute['topK'] } {
  /** After a trap nothing in the memory can be trusted, keys least of all. */
  let trap: unknown;

  function guarded<T>(work: () => T): T {
    if (trap !== undefined) throw new Error('the WASM compute stopped after a trap', { cause: trap });
    try {
      return work();
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) {
        trap = error;
        throw new Error('the WASM compute trapped', { cause: error });
      }
      throw error;
    }
  }

  /** Lends `length` bytes to `use` and zeroes and frees them behind it. */
  function lend<T>(length: number, use: (address: number) => T): T {
    const address = exports.allocate(length) >>> 0;
    if (address === 0) throw new Error(`the WASM compute has no room for ${length} bytes`);
    try {
      return use(address);
    } finally {
      if (trap === undefined) exports.release(address, length);
    }
  }

  /** Made anew each time: the buffer is replaced when memory grows. */
  function bytesAt(address: number, length: number): Uint8Array {
    return new Uint8Array(exports.memory.buffer, address, length);
  }

  function floatsAt(address: number, length: number): Float32Array {
    return new Float32Array(exports.memory.buffer, address, length);
  }

  /** Through one block of `step` floats; 0, or 1 + number of the row that is not finite. */
  function addRows(rows: Float32Array, step: number): number {
    return lend(Math.min(step, rows.length) * 4, (address) => {
      for (let from = 0; from < rows.length; from += step) {
        const block = rows.subarray(from, from + step);
        floatsAt(address, block.length).set(block);
        const added = exports.top_k_add(address, block.length);
        if (added !== 0) return added;
      }
      return 0;
    });
  }

  return {
    call(operation, items, read) {
      return guarded(() => {
        const length = requestBytes(items);
        const packed = lend(length, (address) => {
          writeRequest(items, bytesAt(address, length));
          return BigInt.asUintN(64, exports.call(operation, address, length));
        });
        if (packed === 0n) throw new Error(`the WASM compute did not take a request of ${length} bytes`);
        const address = Number(packed & 0xffff_ffffn);
        const answered = Number(packed >> 32n);
        try {
          return read(new AnswerReader(bytesAt(address, answered)));
        } finally {
          exports.release(address, answered);
        }
      });
    },

    async topK(request) {
      const { metric, dimension, query, rows, k } = request;
      const count = countRows(request);
      const begun = guarded(() =>
        lend(dimension * 4, (address) => {
          floatsAt(address, dimension).set(query);
          return exports.top_k_begin(metricNumbers[metric], address, dimension, k, count);
        }),
      );
      if (begun > 0) throw nonFinite({ in: 'query', index: begun - 1 });

      const step = Math.max(1, Math.floor(BLOCK_BYTES / (dimension * 4))) * dimension;
      const turn = Math.max(1, Math.floor(BYTES_A_TURN / (step * 4))) * step;
      for (let from = 0; from < rows.length; from += turn) {
        if (from > 0) await setImmediate();
        const added = guarded(() => addRows(rows.subarray(from, from + turn), step));
        if (added > 0) throw nonFinite({ in: 'rows', index: added - 1 });
      }

      const room = Math.min(k, count);
      return guarded(() =>
        lend(room * 8, (address) => {
          const found = exports.top_k_finish(address, room);
          const numbers = new Uint32Array(exports.memory.buffer, address, found * 2);
          const scores = floatsAt(address, found * 2);
          return {
            rows: Uint32Array.from({ length: found }, (_, hit) => numbers[hit * 2] ?? 0),
            scores: Float32Array.from({ length: found }, (_, hit) => scores[hit * 2 + 1] ?? 0),
          };
        }),
      );
    },
  };
}

/** The blob holds one scoring at a time; the next begins when this one ended, however it did. */
function serialised<A, R>(work: (argument: A) => Promise<R>): (argument: A) => Promise<R> {
  let last: Promise<unknown> = Promise.resolve();
  return (argument) => {
    const next = last.then(() => work(argument));
    last = next.catch(() => undefined);
    return next;
  };
}
