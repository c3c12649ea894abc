import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
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

describe('the key of the log', () => {
  const name = 'signet/z6MkRoot';
  const checkpoint = (size: number) => ({
    name,
    text: `${name}\n${size}\n${Buffer.alloc(32, 7).toString('base64')}\n`,
  });

  /** As the function answers callers of the alias `log`: it signs what the lock row has, under the name that it knows. */
  async function openLog({ committed = 3, origin = name } = {}) {
    const { sign, verify } = await openWasmCompute();
    const newKey = () => sign.generateKey({ role: 'log', seed: random(32), exportable: false });
    let key = await newKey();
    const asked: unknown[] = [];
    const invoke: InvokeFunction = async ({ payload }) => {
      asked.push(payload);
      if (payload['operation'] === 'public_key') {
        return { key_id: key.key_id, public_key: Buffer.from(key.public_key).toString('base64') };
      }
      if (payload['size'] !== committed) return { ok: false, code: 'log.rollback' };
      const text = checkpoint(committed).text.replace(name, origin);
      const [signed] = await sign.signNotes([{ handle: key.handle, name: origin, text }]);
      return signed?.ok === true ? { ok: true, line: signed.line } : { ok: false, code: 'key.role' };
    };
    const keys = lambdaKeys({ invoke, function_name: 'sign-envelope:log', roles: ['log'], sign, verify, random });
    const [listed] = await keys.list('log');
    return { keys, key_id: listed?.key_id ?? '', asked, rotate: async () => void (key = await newKey()) };
  }

  test('signs the size and root of a checkpoint, and is never sent a text', async () => {
    const { keys, key_id, asked } = await openLog();
    expect(await keys.signNote({ key_id, ...checkpoint(3) })).toMatch(/^\u2014 signet\/z6MkRoot [A-Za-z0-9+/]+=*\n$/);
    expect(asked.at(-1)).toEqual({ operation: 'sign_checkpoint', size: 3, root: '07'.repeat(32) });
    expect((await keys.list()).map(({ role }) => role)).toEqual(['log']);
  });

  test('refuses what the lock row does not have', async () => {
    const { keys, key_id } = await openLog();
    await expect(keys.signNote({ key_id, ...checkpoint(4) })).rejects.toThrow(KeyRefusedError);
  });

  test('gives out no line under another name, and none of a key that came since', async () => {
    const other = await openLog({ origin: 'signet/other' });
    await expect(other.keys.signNote({ key_id: other.key_id, ...checkpoint(3) })).rejects.toThrow(KeyRefusedError);
    const { keys, key_id, rotate } = await openLog();
    await rotate();
    await expect(keys.signNote({ key_id, ...checkpoint(3) })).rejects.toThrow(KeyRefusedError);
  });

  test('is not the issuer: it seals no envelope, and the issuer signs no checkpoint', async () => {
    const { keys, key_id } = await openLog();
    await expect(keys.sealEnvelope({ key_id, ...grant })).rejects.toThrow(KeyRefusedError);
    const stand = await openStand();
    await expect(stand.keys.signNote({ key_id: await issuerOf(stand), ...checkpoint(3) })).rejects.toThrow(
      KeyRefusedError,
    );
  });
});
