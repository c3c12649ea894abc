import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { KeyRefusedError } from './keys.ts';
import type { KeyRole, Keys, PublicKey } from './keys.ts';

export interface KeysStand {
  readonly keys: Keys;
  /** An envelope type and payload that each of the two roles may seal. */
  readonly statements: {
    readonly [R in 'issuer' | 'session']: {
      readonly payload_type: string;
      readonly payload: { readonly [name: string]: string };
    };
  };
  /** Another `Keys` over the same storage, as after a restart. */
  reopen(): Promise<Keys>;
  close(): Promise<void>;
}

/** Roles whose keys `create` makes, and roles with one key that is there from the first. */
export interface KeysRoles {
  readonly made: readonly KeyRole[];
  readonly found: readonly KeyRole[];
}

/** The suite of the Keys port. What a signature is worth is the business of the compute suites. */
export function describeKeys(
  name: string,
  open: () => Promise<KeysStand>,
  { made, found }: KeysRoles = { made: ['root', 'issuer', 'session', 'agent'], found: [] },
): void {
  const here = [...made, ...found];
  const sealers = (['issuer', 'session'] as const).filter((role) => here.includes(role));
  const testWithRoot = here.includes('root') ? test : undefined;

  describe(`Keys: ${name}`, () => {
    let stand: KeysStand;
    let keys: Keys;

    beforeAll(async () => {
      stand = await open();
      keys = stand.keys;
    });
    afterAll(() => stand.close());

    const idsOf = (listed: readonly PublicKey[]) => listed.map(({ key_id }) => key_id);
    const document = { id: 'did:key:z6Mk', note: 'não' };
    const created = '2030-01-01T00:00:00Z';
    const sign = (key_id: string, from = keys) =>
      from.signDocument({ key_id, verification_method: `did:key:${key_id}#${key_id}`, document, created });

    const keyOf = async (role: KeyRole): Promise<PublicKey> => {
      if (made.includes(role)) return keys.create(role);
      const key = (await keys.list()).find((listed) => listed.role === role);
      if (key === undefined) throw new Error(`expected a key of role ${role} to be there`);
      return key;
    };

    test.each(here)('has a key of role %s and lists it', async (role) => {
      const key = await keyOf(role);
      expect(key).toMatchObject({
        role,
        custody: expect.stringMatching(role === 'session' ? /^memory$/ : /^(file|kms)$/),
      });
      expect(key.key_id).toMatch(/^z6Mk[1-9A-HJ-NP-Za-km-z]+$/);
      expect(key.public_key).toHaveLength(32);
      expect((await keys.list()).find(({ key_id }) => key_id === key.key_id)).toEqual(key);
    });

    test('makes another key each time', async () => {
      const made = await Promise.all(Array.from({ length: 4 }, () => keys.create('session')));
      expect(new Set(idsOf(made)).size).toBe(4);
    });

    test('shows public halves alone', async () => {
      const key = await keyOf('issuer');
      for (const shown of [key, ...(await keys.list())]) {
        expect(Object.keys(shown).toSorted()).toEqual(['custody', 'key_id', 'public_key', 'role']);
      }
    });

    testWithRoot?.('signs documents with a root key, and says what it added', async () => {
      const { key_id } = await keys.create('root');
      const { proof, ...rest } = await sign(key_id);
      expect(rest).toEqual(document);
      expect(proof).toMatchObject({ cryptosuite: 'eddsa-jcs-2022', proofPurpose: 'assertionMethod', created });
    });

    test.each(sealers)('seals envelopes with a key of role %s', async (role) => {
      const { key_id } = await keyOf(role);
      const sealed = await keys.sealEnvelope({ key_id, ...stand.statements[role] });
      expect(sealed.id).toMatch(/^[0-9a-f]{64}$/);
      const envelope = JSON.parse(Buffer.from(sealed.entry).toString());
      expect(envelope).toMatchObject({
        payloadType: stand.statements[role].payload_type,
        signatures: [{ keyid: key_id }],
      });
    });

    test.each(sealers)('refuses to sign a document with a key of role %s', async (role) => {
      const { key_id } = await keyOf(role);
      await expect(sign(key_id)).rejects.toThrow(KeyRefusedError);
    });

    testWithRoot?.('refuses to seal an envelope with a root key', async () => {
      const { key_id } = await keys.create('root');
      await expect(keys.sealEnvelope({ key_id, ...stand.statements.session })).rejects.toThrow(KeyRefusedError);
    });

    const text = { payload_type: 'application/vnd.signet.text.v1', payload: new TextEncoder().encode('olá') };
    const testWithAgent = here.includes('agent') ? test : undefined;

    testWithAgent?.("seals a caller's payload with an agent key, and nothing that is not the caller's", async () => {
      const { key_id } = await keyOf('agent');
      const { entry } = await keys.sealPayload({ key_id, ...text });
      expect(JSON.parse(Buffer.from(entry).toString())).toMatchObject({
        payload: Buffer.from(text.payload).toString('base64'),
        payloadType: text.payload_type,
        signatures: [{ keyid: key_id }],
      });
      const reserved = { ...text, payload_type: 'application/vnd.in-toto+json' };
      await expect(keys.sealPayload({ key_id, ...reserved })).rejects.toMatchObject({ code: 'envelope.type' });
      await expect(keys.sealEnvelope({ key_id, ...stand.statements.session })).rejects.toThrow(KeyRefusedError);
      await expect(sign(key_id)).rejects.toThrow(KeyRefusedError);
    });

    test.each(sealers)("refuses a caller's payload with a key of role %s", async (role) => {
      const { key_id } = await keyOf(role);
      await expect(keys.sealPayload({ key_id, ...text })).rejects.toThrow(KeyRefusedError);
    });

    test('lists the keys of one role', async () => {
      for (const role of here) {
        const key = await keyOf(role);
        const listed = await keys.list(role);
        expect(idsOf(listed)).toContain(key.key_id);
        expect(listed.every((each) => each.role === role)).toBe(true);
      }
    });

    test('refuses a key that is not here, however it is named', async () => {
      for (const key_id of ['z6MkNobody', '', '../z6Mk', 'z6Mk/../x', 'root']) {
        await expect(sign(key_id)).rejects.toThrow(KeyRefusedError);
        await expect(keys.sealEnvelope({ key_id, ...stand.statements.session })).rejects.toThrow(KeyRefusedError);
        await keys.release(key_id);
      }
    });

    test('forgets a session key that was released, and only that', async () => {
      const session = await keys.create('session');
      const issuer = await keyOf('issuer');
      await keys.release(session.key_id);
      await keys.release(issuer.key_id);
      const statement = { key_id: session.key_id, ...stand.statements.session };
      await expect(keys.sealEnvelope(statement)).rejects.toThrow(KeyRefusedError);
      expect(idsOf(await keys.list())).not.toContain(session.key_id);
      await keys.sealEnvelope({ key_id: issuer.key_id, ...stand.statements.issuer });
    });

    test('keeps all but session keys over a restart', async () => {
      const session = await keys.create('session');
      const kept = await Promise.all(here.filter((role) => role !== 'session').map(keyOf));
      const reopened = await stand.reopen();
      const listed = await reopened.list();
      for (const key of kept) expect(listed.find(({ key_id }) => key_id === key.key_id)).toEqual(key);
      expect(idsOf(listed)).not.toContain(session.key_id);
      const root = kept.find(({ role }) => role === 'root');
      if (root !== undefined) expect(await sign(root.key_id, reopened)).toEqual(await sign(root.key_id));
      const issuer = await keyOf('issuer');
      const statement = { key_id: issuer.key_id, ...stand.statements.issuer };
      expect(await reopened.sealEnvelope(statement)).toEqual(await keys.sealEnvelope(statement));
    });

    for (const role of (['root', 'issuer', 'agent'] as const).filter((role) => !made.includes(role))) {
      test(`refuses to make a key of role ${role}`, async () => {
        await expect(keys.create(role)).rejects.toThrow(KeyRefusedError);
      });
    }
  });
}
