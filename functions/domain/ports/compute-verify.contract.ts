import { expect, test } from '@jest/globals';
import documents from '@signet/shared/vectors/document/cases.json' with { type: 'json' };
import signatures from '@signet/shared/vectors/ed25519/cases.json' with { type: 'json' };
import malleable from '@signet/shared/vectors/ed25519/malleable.json' with { type: 'json' };
import taming from '@signet/shared/vectors/ed25519/taming.json' with { type: 'json' };
import torsion from '@signet/shared/vectors/ed25519/torsion.json' with { type: 'json' };
import wycheproof from '@signet/shared/vectors/ed25519/wycheproof.json' with { type: 'json' };
import envelopes from '@signet/shared/vectors/envelope/cases.json' with { type: 'json' };
import payloads from '@signet/shared/vectors/envelope/payload.json' with { type: 'json' };
import { judgeSignature, type Signed } from './acceptance-rule.contract.ts';
import type { VerifyCompute } from './compute.ts';
import { expected, hex, plain, utf8 } from './vector-values.contract.ts';

/** The suite of `VerifyCompute`, inside of a `describe`. */
export function describeVerify(opened: Promise<{ readonly verify: VerifyCompute }>): void {
  test.each(families)('gives the verdicts of the family $name', async ({ cases }) => {
    const { verify } = await opened;
    const outcomes = await verify.verifySignatures(cases.map(signedOf));
    expect(named(cases, outcomes)).toEqual(named(cases, cases.map(expected)));
    // No implementation of ours: what a vector says must also follow from the rule as it is written.
    expect(
      named(
        cases,
        cases.map((one) => judgeSignature(signedOf(one))),
      ),
    ).toEqual(named(cases, cases.map(expected)));
  });

  test('a signature has one verdict, whatever stands beside it', async () => {
    const { verify } = await opened;
    // Cofactored batches let residues of small order cancel each other; each of these would be such a batch.
    const cases = torsion.cases.filter((one) => one.code === 'sig.invalid').slice(0, 24);
    for (const one of cases) {
      const [alone] = await verify.verifySignatures([signedOf(one)]);
      const beside = await verify.verifySignatures(Array.from({ length: 8 }, () => signedOf(one)));
      expect(beside).toEqual(Array.from({ length: 8 }, () => alone));
    }
  });

  test("judges signatures of callers' payloads, each alone", async () => {
    const { verify } = await opened;
    const cases = payloads.cases.filter((one) => one.operation === 'verify');
    const items = cases.map((one) => ({
      public_key: hex(one.public_key),
      payload_type: one.payload_type,
      payload: hex(one.payload),
      signature: hex(one.signature),
    }));
    expect((await verify.verifyPayloads(items)).map(plain)).toEqual(cases.map(expected));
  });

  test('reads what an envelope names before any key is known, and gives the id that opening gives', async () => {
    const { verify } = await opened;
    const cases = envelopes.cases.filter((one) => one.operation === 'open');
    const read = await verify.readEnvelopes(cases.map((one) => utf8(one.envelope)));
    const openedOnes = await verify.openEnvelopes(
      cases.map((one) => ({ envelope: utf8(one.envelope), public_key: hex(one.public_key) })),
    );
    for (const [index, outline] of read.entries()) {
      const outcome = openedOnes[index];
      // What cannot be read cannot be opened, for the same reason; only then does the key come in.
      if (!outline.ok) expect(outcome).toEqual(outline);
      else if (outcome?.ok === true)
        expect(outline).toMatchObject({ id: outcome.id, payload_type: outcome.payload_type });
    }
    expect(read.filter(({ ok }) => ok).length).toBeGreaterThan(3);
    expect(read.filter(({ ok }) => !ok).length).toBeGreaterThan(3);
  });

  test.each(envelopes.cases.filter((one) => one.operation === 'open'))('opens: $name', async (one) => {
    const { verify } = await opened;
    const item = { envelope: utf8(one.envelope), public_key: hex(one.public_key) };
    const [outcome] = await verify.openEnvelopes([item]);
    expect(plain(outcome)).toEqual(expected(one));
  });

  test('refuses an envelope with any single bit flipped', async () => {
    const { verify } = await opened;
    const good = envelopes.cases.find((one) => one.name === 'as it was sealed');
    const bytes = utf8(good?.envelope);
    const public_key = hex(good?.public_key);
    const flipped = Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const copy = bytes.slice();
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return { envelope: copy, public_key };
    });
    const outcomes = await verify.openEnvelopes([...flipped, { envelope: bytes, public_key }]);
    expect(outcomes.flatMap((one, bit) => (one.ok ? [bit] : []))).toEqual([flipped.length]);
  });

  test.each(documents.cases.filter((one) => one.operation === 'verify'))('verifies documents: $name', async (one) => {
    const { verify } = await opened;
    const item = { document_json: utf8(one.document), public_key: hex(one.public_key) };
    const [outcome] = await verify.verifyDocuments([item]);
    expect(outcome).toEqual(expected(one));
  });

  test('refuses a document with any single bit flipped', async () => {
    const { verify } = await opened;
    const good = documents.cases.find((one) => one.name === 'as it was signed');
    const bytes = utf8(good?.document);
    const public_key = hex(good?.public_key);
    const flipped = Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const copy = bytes.slice();
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return { document_json: copy, public_key };
    });
    const outcomes = await verify.verifyDocuments([...flipped, { document_json: bytes, public_key }]);
    expect(outcomes.flatMap((one, bit) => (one.ok ? [bit] : []))).toEqual([flipped.length]);
  });

  test('names of keys are read in both forms, and only where the key is usable', async () => {
    const { verify } = await opened;
    const sealed = envelopes.cases.find((one) => one.name === 'as it was sealed');
    const key_id: string = JSON.parse(sealed?.envelope ?? '').signatures[0].keyid;
    const public_key = hex(sealed?.public_key);
    const outcomes = await verify.decodeKeyIds([key_id, `did:key:${key_id}`, '', 'z', `${key_id}1`, key_id.slice(1)]);
    const refused = { ok: false, code: 'key.malformed' };
    expect(outcomes).toEqual([{ ok: true, public_key }, { ok: true, public_key }, refused, refused, refused, refused]);
  });
}

const families = [
  { name: 'cases', cases: signatures.cases },
  { name: 'malleable', cases: malleable.cases },
  { name: 'taming', cases: taming.cases },
  { name: 'torsion', cases: torsion.cases },
  { name: 'wycheproof', cases: wycheproof.cases },
];

interface SignatureCase {
  readonly name: string;
  readonly public_key: string;
  readonly message: string;
  readonly signature: string;
}

function signedOf(one: SignatureCase): Signed {
  return { public_key: hex(one.public_key), message: hex(one.message), signature: hex(one.signature) };
}

/** So that a difference shows the case and not its place. */
function named(cases: readonly SignatureCase[], outcomes: readonly object[]): readonly object[] {
  return cases.map(({ name }, index) => ({ name, ...outcomes[index] }));
}
