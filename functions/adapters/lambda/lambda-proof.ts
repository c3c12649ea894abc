import { z } from 'zod';
import type { DigestCompute, VerifyCompute } from '../../domain/ports/compute.ts';
import { AnswerReader, operations, requestBytes, writeRequest } from '../frames/frames.ts';
import type { Field } from '../frames/frames.ts';
import { proofCompute } from '../frames/proof-compute.ts';
import { base64Length } from './base64.ts';
import { asCapability } from './capability-error.ts';
import { payload_bytes_max } from './function-call.ts';
import type { InvokeFunction } from './function-call.ts';
import { mapInParallel, splitByWeight } from './split-by-weight.ts';

/**
 * `verify` and `digest` by the function `sign-envelope`, the same frames as in process. Our own functions do both in
 * process, which is quicker than a call; this is how the suite holds what is deployed to the same answers. Items that do not fit in one
 * payload go in several, at once; the answers are read as one. A text that fits in none (4.4 MB) is refused with
 * `json.size`, as one over 8 MiB is everywhere; a message or content of that length throws `PayloadTooLargeError`.
 */
export function lambdaProof(parts: { invoke: InvokeFunction; function_name: string }): {
  readonly verify: VerifyCompute;
  readonly digest: DigestCompute;
} {
  const { invoke, function_name } = parts;

  async function send(operation: number, name: string, items: readonly (readonly Field[])[]): Promise<Uint8Array> {
    const code = tooLargeCodes.get(operation);
    if (code !== undefined && base64Length(requestBytes(items)) > weight_max) return refusalFrame(code);
    const frame = Buffer.alloc(requestBytes(items));
    writeRequest(items, frame);
    const payload = { operation: name, frame: frame.toString('base64') };
    const reply = await invoke({ function_name, payload, timeout_ms });
    return Buffer.from(replySchema.parse(reply).frame, 'base64');
  }

  const { verify, digest } = proofCompute(async (operation, items, read) => {
    const name = operationNames.get(operation);
    if (name === undefined) throw new TypeError('a private key does not leave its process');
    const capability = operation === operations.digest || operation === operations.canonicalise ? 'digest' : 'verify';
    const groups = splitByWeight(items, { weight: weightFor(operation), weight_max });
    const answers = await asCapability(
      capability,
      mapInParallel(groups, (group) => send(operation, name, group)),
    );
    return read(new AnswerReader(new Uint8Array(Buffer.concat(answers))));
  });
  return { verify, digest };
}

/** The function's own; see `infra/`. */
const timeout_ms = 10_000;
const replySchema = z.object({ frame: z.string() });

const operationNames = new Map<number, string>([
  [operations.verifySignatures, 'verify_signatures'],
  [operations.openEnvelopes, 'open_envelopes'],
  [operations.verifyPayloads, 'verify_payloads'],
  [operations.readEnvelopes, 'read_envelopes'],
  [operations.verifyDocuments, 'verify_documents'],
  [operations.decodeKeyIds, 'decode_key_ids'],
  [operations.digest, 'digest'],
  [operations.canonicalise, 'canonicalise'],
  [operations.growLog, 'grow_log'],
  [operations.planProofs, 'plan_proofs'],
  [operations.makeProofs, 'make_proofs'],
  [operations.verifyInclusions, 'verify_inclusions'],
  [operations.verifyConsistencies, 'verify_consistencies'],
  [operations.openCheckpoints, 'open_checkpoints'],
  [operations.readLogProofs, 'read_log_proofs'],
  [operations.judgeCheckpoints, 'judge_checkpoints'],
  [operations.readWitnessRequests, 'read_witness_requests'],
]);

/** What a single item is refused with that no payload takes; where the port has no code, it is an error. */
const tooLargeCodes = new Map<number, string>([
  [operations.openEnvelopes, 'json.size'],
  [operations.readEnvelopes, 'json.size'],
  [operations.verifyDocuments, 'json.size'],
  [operations.decodeKeyIds, 'key.malformed'],
  [operations.canonicalise, 'json.size'],
  [operations.openCheckpoints, 'log.malformed'],
  [operations.readLogProofs, 'log.malformed'],
  [operations.judgeCheckpoints, 'log.malformed'],
  [operations.readWitnessRequests, 'log.malformed'],
]);

/** Room for the names around a frame and for its count. */
const weight_max = payload_bytes_max.reply - 1024;
/** Fields of an answer that do not come from the item: a digest pair, an id, a key; with their lengths. */
const answer_bytes_more = 256;
/** `1e20,` becomes 22 characters: canonical JSON is at most so many times as long as its source. */
const canonical_growth = 6;

/** An item's share of the payload, of the request or of the answer, whichever is more. */
function weightFor(operation: number): (item: readonly Field[]) => number {
  const growth = operation === operations.canonicalise ? canonical_growth : 1;
  return (item) => base64Length(growth * (requestBytes([item]) - 4) + answer_bytes_more);
}

/** An answer of one refused item. */
function refusalFrame(code: string): Uint8Array {
  const frame = Buffer.alloc(5 + code.length);
  frame.writeUInt32LE(code.length, 1);
  frame.write(code, 5, 'latin1');
  return frame;
}
