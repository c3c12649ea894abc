import { randomBytes } from 'node:crypto';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { expect, test } from '@jest/globals';
import { emulatorSettings } from '../../../tests/integration/emulator/emulator-clients.ts';
import { failBy, seededPlan } from '../../../tests/integration/emulator/failing-client.ts';
import { startRustFunctions } from '../../../tests/integration/lambda/rust-functions.ts';
import { describeKeys } from '../../domain/ports/keys.contract.ts';
import { KeyRefusedError } from '../../domain/ports/keys.ts';
import { openWasmCompute } from '../wasm/wasm-compute.ts';
import { lambdaKeys } from './lambda-keys.ts';

const random = (bytes: number) => new Uint8Array(randomBytes(bytes));
const payload_type = 'application/vnd.in-toto+json';
const statement = (predicateType: string) => ({
  payload_type,
  payload: { _type: 'https://in-toto.io/Statement/v1', predicateType },
});

/** `sign-envelope` over a fresh Ed25519 key of the emulator's KMS. */
async function openStand() {
  const kms = new KMSClient(emulatorSettings());
  const made = await kms.send(new CreateKeyCommand({ KeySpec: 'ECC_NIST_EDWARDS25519', KeyUsage: 'SIGN_VERIFY' }));
  kms.destroy();
  const running = await startRustFunctions(['sign-envelope'], {
    SIGNET_KMS_ISSUER: made.KeyMetadata?.Arn ?? '',
    AWS_ENDPOINT_URL: emulatorSettings().endpoint,
  });
  const { sign, verify } = await openWasmCompute();
  const { invoke } = running;
  const open = () => lambdaKeys({ invoke, function_name: 'sign-envelope', sign, verify, random });
  return { running, verify, open, keys: open() };
}

describeKeys(
  'sign-envelope that throttles, breaks and loses answers',
  async () => {
    const { running, open, keys } = await openStand();
    failBy(running.client, seededPlan({ one_in: 5 }));
    return {
      keys,
      statements: { issuer: statement('urn:signet:delegation:v1'), session: statement('urn:signet:decision:v1') },
      reopen: async () => open(),
      close: () => running.stop(),
    };
  },
  { made: ['session'], found: ['issuer'] },
);

test('the issuer seals grants alone, none that is too long, and what it sealed verifies', async () => {
  const { running, verify, keys } = await openStand();
  const issuer = (await keys.list()).find(({ role }) => role === 'issuer');
  if (issuer === undefined) throw new Error('expected the key of the issuer');
  const { key_id, public_key } = issuer;
  const grant = statement('urn:signet:delegation:v1');
  const { entry, id } = await keys.sealEnvelope({ key_id, ...grant });
  const [opened] = await verify.openEnvelopes([{ envelope: entry, public_key }]);
  expect(opened).toMatchObject({ ok: true, id, payload_type });
  const decision = statement('urn:signet:decision:v1');
  await expect(keys.sealEnvelope({ key_id, ...decision })).rejects.toThrow(KeyRefusedError);
  const long = { ...grant, payload: { ...grant.payload, text: 'x'.repeat(3900) } };
  await expect(keys.sealEnvelope({ key_id, ...long })).rejects.toMatchObject({
    name: 'ComputeRefusedError',
    code: 'envelope.payload_size',
  });
  await running.stop();
});
