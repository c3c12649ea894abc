import { createHash, createPublicKey, verify as verifyPlain } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import chains from '@signet/shared/vectors/document/chain.json' with { type: 'json' };
import delegations from '@signet/shared/vectors/delegation/cases.json' with { type: 'json' };
import messages from '@signet/shared/vectors/envelope/order.json' with { type: 'json' };
import { verifyChain } from '../identity/document-chain.ts';
import type { SigningKey } from '../identity/signing-keys.ts';
import type { Json, JsonObject } from '../json.ts';
import { judgeEnvelope } from '../messages/judge-envelope.ts';
import { verifyReceipt } from '../verify/verify-receipt.ts';
import type { Compute } from './compute.ts';

/**
 * Families that are judged by the domain over `VerifyCompute` and `DigestCompute`, inside of a `describe`.
 * @param bit_step how far apart the bits are that are flipped, one after the other
 */
export function describeKeys(opened: Promise<Pick<Compute, 'verify' | 'digest'>>, bit_step = 9): void {
  describe('the verify order of messages', () => {
    const cases = messages.cases as unknown as readonly MessageCase[];
    test.each(cases)('$name', async (each) => {
      const keys = new Map(each.registry.map((key) => [key.key_id, key]));
      const { verdict } = await judgeEnvelope({
        envelope: Buffer.from(each.envelope),
        rules: {
          audience: each.audience,
          constitutions: new Set(each.constitutions),
          ttl_s: { control: 300, document: 3600 },
          skew_s: 30,
          now: each.now,
        },
        findKey: async (key_id) => keys.get(key_id),
        verify: (await opened).verify,
      });
      const failed = verdict.checks.find(({ ok }) => !ok);
      expect({ valid: verdict.valid, check: failed?.check, code: verdict.code }).toEqual({
        valid: 'ok' in each,
        check: each.check,
        code: each.code,
      });
      // What came to be parsed at all is signed by the named key in the eyes of another implementation too.
      const isParsed = ['payload', 'binding', 'time', undefined].includes(each.check);
      if (isParsed) expect(isSigned(each.envelope, keys)).toBe(true);
      if (each.check === 'signature') expect(isSigned(each.envelope, keys)).toBe(false);
    });

    test('every code of its checks has a case', () => {
      const codes = new Set(cases.map(({ code }) => code));
      const expected = [
        ...['size', 'utf8', 'syntax', 'duplicate_key', 'depth', 'string', 'number', 'not_canonical'].map(
          (x) => `json.${x}`,
        ),
        ...['shape', 'type', 'payload_size'].map((x) => `envelope.${x}`),
        ...['unknown', 'revoked', 'role', 'delegation', 'issuer'].map((x) => `key.${x}`),
        ...['malformed', 'small_order', 'invalid'].map((x) => `sig.${x}`),
        ...['unknown', 'mismatch', 'missing'].map((x) => `schema.${x}`),
        ...['audience', 'constitution'].map((x) => `msg.${x}`),
        ...['future', 'expired', 'ttl'].map((x) => `time.${x}`),
      ];
      expect(expected.filter((code) => !codes.has(code))).toEqual([]);
    });
  });

  describe('chains of node documents', () => {
    test.each(chains.cases as unknown as readonly ChainCase[])('$name', async (each) => {
      const { documents, node_id } = each;
      const judged = await verifyChain({ documents, node_id, ...(await opened) });
      if (each.ok === undefined) return expect(judged).toMatchObject({ ok: false, seq: each.seq, code: each.code });
      expect(judged).toEqual({ ok: true, sha256: each.ok.sha256 });
      expect(documents.map((document) => sha256(canonical(document)).toString('hex'))).toEqual(each.ok.sha256);
      for (const document of documents)
        expect(proofsOf(document).map((proof) => holds(document, proof))).not.toContain(false);
    });

    test('refuses the chain of a node with a bit of its newest document flipped', async () => {
      const { verify, digest } = await opened;
      const rotated = (chains.cases as unknown as readonly ChainCase[]).find(
        ({ ok, documents }) => ok !== undefined && documents.length === 2,
      );
      if (rotated === undefined) throw new Error('expected a chain of two documents');
      const { documents, node_id } = rotated;
      const bytes = Buffer.from(JSON.stringify(documents[1]));
      for (let bit = 0; bit < bytes.length * 8; bit += bit_step) {
        const document = parsed(withFlipped(bytes, bit));
        if (document === undefined) continue;
        const judged = await verifyChain({ documents: [documents[0] ?? {}, document], node_id, verify, digest });
        expect({ bit, ok: judged.ok }).toEqual({ bit, ok: false });
      }
    });
  });

  describe('delegations', () => {
    test.each(delegations.cases as unknown as readonly DelegationCase[])('$name', async (each) => {
      const base64 = (text: string) => Buffer.from(text).toString('base64');
      const receipt = {
        entry: base64(each.entry),
        delegation: base64(each.delegation),
        document: each.document,
      };
      const verdict = await verifyReceipt({
        bytes: Buffer.from(JSON.stringify(receipt)),
        ...(await opened),
        trust: [each.document['id'] as string],
        ...(each.chain === undefined ? {} : { chains: [each.chain] }),
        ...(each.log_index === undefined ? {} : { log_index: each.log_index }),
      });
      expect({ exit: verdict.exit, code: verdict.code }).toEqual({ exit: each.exit, code: each.code });
      // Both envelopes are well signed by the keys they name: it is the identity that is at fault, if anything is.
      expect([each.entry, each.delegation].map((text) => isSigned(text))).toEqual([true, true]);
    });
  });
}

function withFlipped(bytes: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return flipped;
}

/** Undefined for what is no JSON object in UTF-8: it never reaches a chain. */
function parsed(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

interface MessageCase {
  readonly name: string;
  readonly now: number;
  readonly audience: string;
  readonly constitutions: readonly string[];
  readonly registry: readonly SigningKey[];
  readonly envelope: string;
  readonly check?: string;
  readonly code?: string;
}

interface ChainCase {
  readonly name: string;
  readonly node_id: string;
  readonly documents: readonly JsonObject[];
  readonly ok?: { readonly sha256: readonly string[] };
  readonly seq?: number;
  readonly code?: string;
}

interface DelegationCase {
  readonly name: string;
  readonly entry: string;
  readonly delegation: string;
  readonly document: JsonObject;
  readonly chain?: readonly JsonObject[];
  readonly log_index?: number;
  readonly exit: number;
  readonly code: string;
}

/** By Node's own Ed25519: a signature of the envelope that holds under its key id (of those in `among`). */
function isSigned(text: string, among?: ReadonlyMap<string, unknown>): boolean {
  const { payload, payloadType, signatures } = JSON.parse(text) as {
    payload: string;
    payloadType: string;
    signatures: readonly { keyid: string; sig: string }[];
  };
  const bytes = Buffer.from(payload, 'base64');
  const pae = Buffer.concat([
    Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${bytes.length} `),
    bytes,
  ]);
  return signatures
    .filter(({ keyid }) => among === undefined || among.has(keyid))
    .some(({ keyid, sig }) => verifyPlain(null, pae, publicKeyOf(keyid), Buffer.from(sig, 'base64')));
}

/** eddsa-jcs-2022 by the specification's own words, with Node's hashes and Ed25519. */
function holds(document: JsonObject, proof: JsonObject): boolean {
  const { proof: _proof, ...unsecured } = document;
  const { proofValue, ...options } = proof;
  const data = Buffer.concat([sha256(canonical(options)), sha256(canonical(unsecured))]);
  const key_id = (proof['verificationMethod'] as string).split('#')[1] ?? '';
  return verifyPlain(null, data, publicKeyOf(key_id), base58((proofValue as string).slice(1)));
}

function proofsOf(document: JsonObject): readonly JsonObject[] {
  const proof = document['proof'] as JsonObject | readonly JsonObject[];
  return Array.isArray(proof) ? proof : [proof as JsonObject];
}

function publicKeyOf(key_id: string): ReturnType<typeof createPublicKey> {
  const raw = base58(key_id.slice(1)).subarray(2);
  const head = Buffer.from('302a300506032b6570032100', 'hex');
  return createPublicKey({ key: Buffer.concat([head, raw]), format: 'der', type: 'spki' });
}

function base58(text: string): Buffer {
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  let number = 0n;
  for (const digit of text) number = number * 58n + BigInt(alphabet.indexOf(digit));
  const digits = number.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  const zeros = /^1*/.exec(text)?.[0].length ?? 0;
  return Buffer.concat([Buffer.alloc(zeros), bytes]);
}

/** RFC 8785 for what these documents hold: ASCII names, whole numbers. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((each: Json) => canonical(each)).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]: [string, Json]) => `${JSON.stringify(name)}:${canonical(member)}`).join()}}`;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
