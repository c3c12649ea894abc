import { ComputeRefusedError } from '../../domain/ports/compute.ts';
import type {
  DigestCompute,
  KeyHandle,
  OpenedKey,
  Outcome,
  SignCompute,
  VerifyCompute,
} from '../../domain/ports/compute.ts';
import type { KeyRole } from '../../domain/ports/keys.ts';
import { operations, type AnswerReader, type Field } from './frames.ts';
import { ledgerCompute } from './ledger-compute.ts';

/**
 * Sends one request frame of these items (more than one where they go far and do not fit) and hands the answer to
 * `read`; whoever allocated either frees it behind that. Private bytes may be in both: the implementation zeroes what it
 * copied.
 */
export type CallFrames = <T>(
  operation: number,
  items: readonly (readonly Field[])[],
  read: (answer: AnswerReader) => T,
) => T | Promise<T>;

/** `sign`, `verify` and `digest` of the compute port over the frames of the crate `compute`. */
export function proofCompute(call: CallFrames): {
  readonly sign: SignCompute;
  readonly verify: VerifyCompute;
  readonly digest: DigestCompute;
} {
  /** One outcome for each item, in order. */
  function outcomes<T extends object>(
    operation: number,
    items: readonly (readonly Field[])[],
    fields: (answer: AnswerReader) => T,
  ): Outcome<T>[] | Promise<Outcome<T>[]> {
    return call(operation, items, (answer) =>
      items.map(() => {
        const code = answer.refusal();
        return code === undefined ? { ok: true, ...fields(answer) } : { ok: false, code };
      }),
    );
  }

  /** The outcome of the only item, or the error it was refused with. */
  function single<T extends object>(
    operation: number,
    item: readonly Field[],
    fields: (answer: AnswerReader) => T,
    message: string,
  ): T | Promise<T> {
    return call(operation, [item], (answer) => {
      const code = answer.refusal();
      if (code !== undefined) throw new ComputeRefusedError({ code, index: 0, message });
      return fields(answer);
    });
  }

  return {
    sign: {
      async generateKey({ role, seed, exportable }) {
        try {
          const { pem, ...opened } = await single(
            operations.generateKey,
            [roleNumbers[role], seed, exportable ? 1 : 0],
            (answer) => ({ ...openedKey(answer), pem: answer.bytes() }),
            'expected a seed of 32 bytes',
          );
          return exportable ? { ...opened, pkcs8_pem: pem } : opened;
        } finally {
          seed.fill(0);
        }
      },
      async openKey({ role, pkcs8_pem }) {
        try {
          return await single(
            operations.openKey,
            [roleNumbers[role], pkcs8_pem],
            openedKey,
            'expected one PKCS#8 PEM block with an Ed25519 key',
          );
        } finally {
          pkcs8_pem.fill(0);
        }
      },
      async closeKey(handle) {
        await outcomes(operations.closeKey, [[handleNumber(handle)]], nothing);
      },
      async sealEnvelopes(requests) {
        return outcomes(
          operations.sealEnvelopes,
          requests.map((one) => [handleNumber(one.handle), one.payload_type, one.payload_json]),
          (answer) => ({ entry: answer.bytes(), id: answer.text() }),
        );
      },
      async sealPayloads(requests) {
        return outcomes(
          operations.sealPayloads,
          requests.map((one) => [handleNumber(one.handle), one.payload_type, one.payload]),
          (answer) => ({ entry: answer.bytes(), id: answer.text() }),
        );
      },
      async signNotes(requests) {
        return outcomes(
          operations.signNotes,
          requests.map(({ handle, name, time, text }) => [handleNumber(handle), name, String(time ?? ''), text]),
          (answer) => ({ line: answer.text() }),
        );
      },
      async signDocuments(requests) {
        return outcomes(
          operations.signDocuments,
          requests.map((one) => [handleNumber(one.handle), one.verification_method, one.created, one.document_json]),
          (answer) => ({ document: answer.bytes() }),
        );
      },
    },
    verify: {
      ledger: ledgerCompute(call),
      async verifySignatures(items) {
        return outcomes(
          operations.verifySignatures,
          items.map((item) => [item.public_key, item.message, item.signature]),
          nothing,
        );
      },
      async verifyPayloads(items) {
        return outcomes(
          operations.verifyPayloads,
          items.map((item) => [item.public_key, item.payload_type, item.payload, item.signature]),
          nothing,
        );
      },
      async readEnvelopes(envelopes) {
        return outcomes(
          operations.readEnvelopes,
          envelopes.map((envelope) => [envelope]),
          (answer) => ({ id: answer.text(), payload_type: answer.text(), key_ids: answer.text().split('\n') }),
        );
      },
      async openEnvelopes(items) {
        return outcomes(
          operations.openEnvelopes,
          items.map((item) => [item.envelope, item.public_key]),
          (answer) => ({ id: answer.text(), payload_type: answer.text(), payload: answer.bytes() }),
        );
      },
      async verifyDocuments(items) {
        return outcomes(
          operations.verifyDocuments,
          items.map((item) => [item.document_json, item.public_key]),
          nothing,
        );
      },
      async decodeKeyIds(key_ids) {
        return outcomes(
          operations.decodeKeyIds,
          key_ids.map((key_id) => [key_id]),
          (answer) => ({ public_key: answer.bytes() }),
        );
      },
    },
    digest: {
      async digest(items) {
        return call(
          operations.digest,
          items.map((item) => [item]),
          (answer) =>
            items.map(() => {
              answer.refusal();
              return { sha256: hex(answer.bytes()), blake3: hex(answer.bytes()) };
            }),
        );
      },
      async canonicalise(items) {
        return outcomes(
          operations.canonicalise,
          items.map((item) => [item]),
          (answer) => ({ canonical: answer.bytes() }),
        );
      },
    },
  };
}

const roleNumbers: Record<KeyRole, number> = { root: 0, issuer: 1, session: 2, agent: 3, log: 4, witness: 5 };

/** A handle that is no handle becomes 0, which names no key: the answer is `key.unknown`, as for a closed one. */
function handleNumber(handle: KeyHandle): number {
  return Number.isInteger(handle) && handle > 0 && handle < 2 ** 32 ? handle : 0;
}

function openedKey(answer: AnswerReader): OpenedKey {
  return { handle: answer.number(), public_key: answer.bytes(), key_id: answer.text() };
}

function nothing(): object {
  return {};
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
