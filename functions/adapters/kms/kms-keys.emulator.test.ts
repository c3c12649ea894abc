import { randomBytes } from 'node:crypto';
import { KMSClient } from '@aws-sdk/client-kms';
import { expect, test } from '@jest/globals';
import { emulatorSettings, newName } from '../../../tests/integration/emulator/emulator-clients.ts';
import { failBy, seededPlan } from '../../../tests/integration/emulator/failing-client.ts';
import { ComputeRefusedError } from '../../domain/ports/compute.ts';
import { describeKeys } from '../../domain/ports/keys.contract.ts';
import { KeyRefusedError } from '../../domain/ports/keys.ts';
import { openWasmCompute } from '../wasm/wasm-compute.ts';
import { kmsKeys } from './kms-keys.ts';

const random = (bytes: number) => new Uint8Array(randomBytes(bytes));
const payload_type = 'application/vnd.in-toto+json';
const payload = (predicateType: string) => ({ _type: 'https://in-toto.io/Statement/v1', predicateType });

async function openStand() {
  const client = new KMSClient(emulatorSettings());
  // A lost answer of `CreateKey` is not survived: the key has no name yet.
  failBy(client, seededPlan({ one_in: 5, spared: ['CreateKeyCommand'] }));
  const compute = await openWasmCompute();
  const alias_prefix = `alias/${newName('signet')}/`;
  const open = () => kmsKeys({ client, alias_prefix, compute, random, rules: { wait_ms_base: 2 } });
  return { client, compute, open, keys: open() };
}

describeKeys(
  'kms that throttles, breaks and loses answers',
  async () => {
    const { client, open, keys } = await openStand();
    return {
      keys,
      statements: {
        issuer: { payload_type, payload: payload('urn:signet:delegation:v1') },
        session: { payload_type, payload: payload('urn:signet:decision:v1') },
      },
      reopen: async () => open(),
      close: async () => client.destroy(),
    };
  },
  { made: ['root', 'issuer', 'session'], found: [] },
);

test('a second proof stands beside the first, and both hold', async () => {
  const { client, compute, keys } = await openStand();
  const [old_root, new_root] = [await keys.create('root'), await keys.create('root')];
  let document: Parameters<typeof keys.signDocument>[0]['document'] = { '@context': ['a', 'b'], id: 'x', n: 1.5 };
  for (const { key_id } of [old_root, new_root]) {
    const verification_method = `did:key:${key_id}#${key_id}`;
    document = await keys.signDocument({ key_id, verification_method, document, created: '2030-01-01T00:00:00Z' });
  }
  const document_json = Buffer.from(JSON.stringify(document));
  const items = [old_root, new_root].map(({ public_key }) => ({ document_json, public_key }));
  expect(await compute.verify.verifyDocuments(items)).toEqual([{ ok: true }, { ok: true }]);
  client.destroy();
});

test('an issuer seals grants alone, and none that is too long', async () => {
  const { client, keys } = await openStand();
  const { key_id } = await keys.create('issuer');
  const decision = { key_id, payload_type, payload: payload('urn:signet:decision:v1') };
  await expect(keys.sealEnvelope(decision)).rejects.toThrow(KeyRefusedError);
  const long = { ...payload('urn:signet:delegation:v1'), text: 'x'.repeat(3900) };
  const refusal = await keys.sealEnvelope({ key_id, payload_type, payload: long }).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ComputeRefusedError);
  expect(refusal).toMatchObject({ code: 'envelope.payload_size' });
  client.destroy();
});
