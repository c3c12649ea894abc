import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { describeKeys } from '../../domain/ports/keys.contract.ts';
import { KeyRefusedError } from '../../domain/ports/keys.ts';
import { openWasmCompute } from '../wasm/wasm-compute.ts';
import type { InvokeFunction } from './function-call.ts';
import { lambdaKeys } from './lambda-keys.ts';

const random = (bytes: number) => new Uint8Array(randomBytes(bytes));
const payload_type = 'application/vnd.in-toto+json';
const statement = (predicateType: string) => ({
  payload_type,
  payload: { _type: 'https://in-toto.io/Statement/v1', predicateType },
});
const grant = statement('urn:signet:delegation:v1');

const requestSchema = z.discriminatedUnion('operation', [
  z.object({ operation: z.literal('public_key'), role: z.literal('issuer') }),
  z.object({
    operation: z.literal('seal'),
    role: z.literal('issuer'),
    payload_type: z.string(),
    payload: z.string(),
  }),
]);

/** The function as it answers, with its key in the memory of this process; `rotate` gives it another. */
async function openStand() {
  const { sign, verify } = await openWasmCompute();
  const newKey = () => sign.generateKey({ role: 'issuer', seed: random(32), exportable: false });
  let key: Awaited<ReturnType<typeof newKey>> | undefined = await newKey();
  const invoke: InvokeFunction = async ({ payload }) => {
    const request = requestSchema.parse(payload);
    if (key === undefined) return { ok: false, code: 'key.unknown' };
    if (request.operation === 'public_key') {
      return { key_id: key.key_id, public_key: Buffer.from(key.public_key).toString('base64') };
    }
    const payload_json = Buffer.from(request.payload);
    const [sealed] = await sign.sealEnvelopes([
      { handle: key.handle, payload_type: request.payload_type, payload_json },
    ]);
    if (sealed?.ok !== true) return { ok: false, code: sealed?.code ?? '' };
    return { ok: true, entry: Buffer.from(sealed.entry).toString('base64'), id: sealed.id };
  };
  const open = () => lambdaKeys({ invoke, function_name: 'sign-envelope', sign, verify, random });
  return {
    open,
    keys: open(),
    rotate: async () => void (key = await newKey()),
    lose: () => void (key = undefined),
  };
}

describeKeys(
  'sign-envelope in this process',
  async () => {
    const { open, keys } = await openStand();
    const statements = { issuer: grant, session: statement('urn:signet:decision:v1') };
    return { keys, statements, reopen: async () => open(), close: async () => undefined };
  },
  { made: ['session'], found: ['issuer'] },
);

async function issuerOf({ keys }: Awaited<ReturnType<typeof openStand>>): Promise<string> {
  const issuer = (await keys.list()).find(({ role }) => role === 'issuer');
  if (issuer === undefined) throw new Error('expected the key of the issuer');
  return issuer.key_id;
}

test('what another key has sealed since is not given out under the old name', async () => {
  const stand = await openStand();
  const old = await issuerOf(stand);
  await stand.rotate();
  await expect(stand.keys.sealEnvelope({ key_id: old, ...grant })).rejects.toThrow(KeyRefusedError);
  const { id } = await stand.keys.sealEnvelope({ key_id: await issuerOf(stand), ...grant });
  expect(id).toMatch(/^[0-9a-f]{64}$/);
});

test('a function without the key of the issuer has session keys alone', async () => {
  const stand = await openStand();
  const old = await issuerOf(stand);
  stand.lose();
  await stand.keys.create('session');
  expect((await stand.keys.list()).map(({ role }) => role)).toEqual(['session']);
  await expect(stand.keys.sealEnvelope({ key_id: old, ...grant })).rejects.toThrow(KeyRefusedError);
});
