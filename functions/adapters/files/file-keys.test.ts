import { createHash, createPrivateKey, createPublicKey, randomBytes, sign as signBytes } from 'node:crypto';
import { chmod, link, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { describeKeys } from '../../domain/ports/keys.contract.ts';
import { ComputeRefusedError } from '../../domain/ports/compute.ts';
import type { OpenedKey, SignCompute } from '../../domain/ports/compute.ts';
import { KeyRefusedError } from '../../domain/ports/keys.ts';
import type { KeyRole, Keys } from '../../domain/ports/keys.ts';
import { openWasmCompute } from '../wasm/wasm-compute.ts';
import { fileKeys } from './file-keys.ts';

const statement = { payload_type: 'application/vnd.in-toto+json', payload: { _type: 'x' } };

/**
 * A signer with the rules that this adapter relies on (handles, roles, forms) and Node's own Ed25519. Its envelopes are
 * no DSSE: the compute suites judge those.
 */
function plainSigner() {
  const open = new Map<number, { role: KeyRole; pem: string }>();
  const seen: Uint8Array[] = [];
  let last = 0;

  function openPem(role: KeyRole, pem: string): OpenedKey {
    const public_key = new Uint8Array(
      createPublicKey(createPrivateKey(pem)).export({ format: 'der', type: 'spki' }).subarray(12),
    );
    const handle = (last += 1);
    open.set(handle, { role, pem });
    return { handle, public_key, key_id: `z6Mk${Buffer.from(public_key).toString('hex').replaceAll('0', 'z')}` };
  }

  function use<T>(handle: number, may: boolean, work: (key: { role: KeyRole; pem: string }) => T) {
    const key = open.get(handle);
    if (key === undefined) throw new Error('the handle is closed');
    const allowed = may === (key.role === 'root');
    return allowed ? ({ ok: true, ...work(key) } as const) : ({ ok: false, code: 'key.role' } as const);
  }

  const signer: SignCompute = {
    async generateKey({ role, seed, exportable }) {
      const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
      const pem = String(
        createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' }),
      );
      const pkcs8_pem = new Uint8Array(Buffer.from(pem));
      seen.push(seed, pkcs8_pem);
      return exportable ? { ...openPem(role, pem), pkcs8_pem } : openPem(role, pem);
    },
    async openKey({ role, pkcs8_pem }) {
      seen.push(pkcs8_pem);
      return openPem(role, Buffer.from(pkcs8_pem).toString());
    },
    async closeKey(handle) {
      open.delete(handle);
    },
    async sealPayloads(requests) {
      return requests.map(() => ({ ok: false, code: 'key.role' }));
    },
    async sealEnvelopes(requests) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      return requests.map(({ handle, payload_type, payload_json }) =>
        use(handle, false, ({ pem }) => {
          const sig = signBytes(null, payload_json, pem).toString('base64');
          const payload = Buffer.from(payload_json).toString('base64');
          const { key_id: keyid } = openPem('session', pem);
          const entry = Buffer.from(
            JSON.stringify({ payload, payloadType: payload_type, signatures: [{ keyid, sig }] }),
          );
          return { entry, id: createHash('sha256').update(entry).digest('hex') };
        }),
      );
    },
    async signNotes(requests) {
      return requests.map(({ name, text }) => ({ ok: true, line: `— ${name} ${text.length}\n` }) as const);
    },
    async signDocuments(requests) {
      return requests.map(({ handle, document_json, created }) =>
        use(handle, true, ({ pem }) => {
          const proofValue = signBytes(null, document_json, pem).toString('hex');
          const proof = { cryptosuite: 'eddsa-jcs-2022', proofPurpose: 'assertionMethod', created, proofValue };
          const document = { ...(JSON.parse(Buffer.from(document_json).toString()) as object), proof };
          return { document: Buffer.from(JSON.stringify(document)) };
        }),
      );
    },
  };
  return { signer, open, seen };
}

const random = (bytes: number) => new Uint8Array(randomBytes(bytes));

describeKeys('files', async () => {
  const folder = join(await mkdtemp(join(tmpdir(), 'signet-keys-')), 'identities');
  const { sign } = await openWasmCompute();
  const payload = (predicateType: string) => ({ _type: 'https://in-toto.io/Statement/v1', predicateType });
  const payload_type = 'application/vnd.in-toto+json';
  return {
    keys: fileKeys({ folder, sign: () => sign, random }),
    statements: {
      issuer: { payload_type, payload: payload('urn:signet:delegation:v1') },
      session: { payload_type, payload: payload('urn:signet:decision:v1') },
    },
    reopen: async () => fileKeys({ folder, sign: () => sign, random }),
    close: () => rm(join(folder, '..'), { recursive: true }),
  };
});

describe('key files', () => {
  let home: string;
  let folder: string;
  let signer: ReturnType<typeof plainSigner>;
  let current: SignCompute;
  let keys: Keys;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'signet-keys-'));
    folder = join(home, 'identities');
    signer = plainSigner();
    current = signer.signer;
    keys = fileKeys({ folder, sign: () => current, random });
  });
  afterEach(() => rm(home, { recursive: true }));

  const reopened = () => fileKeys({ folder, sign: () => current, random });
  const seal = (key_id: string, from = keys) => from.sealEnvelope({ key_id, ...statement });

  test('have modes that keep others out, and names that say what they are', async () => {
    const { key_id } = await keys.create('issuer');
    await keys.create('session');
    expect(await readdir(folder)).toEqual([`issuer-${key_id}.pem`]);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, `issuer-${key_id}.pem`))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(folder, `issuer-${key_id}.pem`), 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  });

  test('leave no private byte in a buffer that was passed on', async () => {
    const { key_id } = await keys.create('issuer');
    await seal(key_id, reopened());
    expect(signer.seen).toHaveLength(3);
    expect(signer.seen.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
  });

  test.each([
    ['0640', 0o640],
    ['0604', 0o604],
    ['0700', 0o700],
  ])('of mode %s are refused, and the message says what to do', async (mode, bits) => {
    const { key_id } = await keys.create('issuer');
    const path = join(folder, `issuer-${key_id}.pem`);
    await chmod(path, bits);
    await expect(seal(key_id, reopened())).rejects.toThrow(KeyRefusedError);
    await expect(reopened().list()).rejects.toThrow(`${path} has mode ${mode}; expected 0600 (chmod 600)`);
  });

  test('of more bytes than a key has are not read', async () => {
    const { key_id } = await keys.create('issuer');
    const path = join(folder, `issuer-${key_id}.pem`);
    await writeFile(path, `${await readFile(path, 'utf8')}${'\n'.repeat(4096)}`);
    await expect(seal(key_id, reopened())).rejects.toThrow(`${path} is no key file`);
  });

  test('in a folder that others may enter are refused', async () => {
    const { key_id } = await keys.create('issuer');
    await chmod(folder, 0o750);
    await expect(seal(key_id, reopened())).rejects.toThrow(`${folder} has mode 0750; expected 0700 (chmod 700)`);
    await expect(keys.create('issuer')).rejects.toThrow(KeyRefusedError);
  });

  test('that are symbolic links, or have a second name, are refused', async () => {
    const { key_id } = await keys.create('issuer');
    const path = join(folder, `issuer-${key_id}.pem`);
    await link(path, join(home, 'copy'));
    await expect(seal(key_id, reopened())).rejects.toThrow('has another name as well');
    await rm(path);
    await symlink(join(home, 'copy'), path);
    await expect(seal(key_id, reopened())).rejects.toThrow('is a symbolic link; expected a file of mode 0600');
  });

  test('whose folder is a symbolic link are refused', async () => {
    const { key_id } = await keys.create('issuer');
    await rename(folder, join(home, 'elsewhere'));
    await symlink(join(home, 'elsewhere'), folder);
    await expect(seal(key_id, reopened())).rejects.toThrow('is not a folder; expected one of mode 0700');
  });

  test('that hold another key than their name says are refused', async () => {
    const [a, b] = [await keys.create('issuer'), await keys.create('issuer')];
    await rename(join(folder, `issuer-${a.key_id}.pem`), join(folder, `issuer-${b.key_id}.pem`));
    await expect(seal(b.key_id, reopened())).rejects.toThrow('holds another key');
    await expect(seal(a.key_id, reopened())).rejects.toThrow(KeyRefusedError);
  });

  test('that the signer cannot read are refused by their path', async () => {
    const { key_id } = await keys.create('issuer');
    const path = join(folder, `issuer-${key_id}.pem`);
    const openKey = () => Promise.reject(new ComputeRefusedError({ code: 'key.malformed', message: 'expected a key' }));
    current = { ...signer.signer, openKey };
    await expect(seal(key_id, reopened())).rejects.toThrow(KeyRefusedError);
    await expect(seal(key_id, reopened())).rejects.toThrow(`${path} is no key: expected a key`);
  });

  test('that belong to someone else are refused', async () => {
    const { key_id } = await keys.create('issuer');
    const geteuid = process.geteuid;
    process.geteuid = () => 12_345;
    try {
      await expect(seal(key_id, reopened())).rejects.toThrow('expected 12345, who runs Signet');
    } finally {
      if (geteuid !== undefined) process.geteuid = geteuid;
    }
  });

  test('stand beside other files, which are left alone', async () => {
    const { key_id } = await keys.create('root');
    await writeFile(join(folder, 'README'), 'mine');
    await writeFile(join(folder, '.root-z6MkHalf.pem.new'), 'half');
    expect((await reopened().list()).map((key) => key.key_id)).toEqual([key_id]);
  });

  test('are opened once, however many signatures ask at once', async () => {
    const { key_id } = await keys.create('issuer');
    const before = signer.seen.length;
    const fresh = reopened();
    await Promise.all(Array.from({ length: 8 }, () => seal(key_id, fresh)));
    expect(signer.seen.length - before).toBe(1);
  });

  test('are opened again by the signer that takes over; the old handle is closed when its last signature is done', async () => {
    const { key_id } = await keys.create('issuer');
    const session = await keys.create('session');
    const before = signer.open.size;
    const under_way = seal(key_id);
    const successor = plainSigner();
    current = successor.signer;
    await Promise.all([seal(key_id), under_way, seal(key_id)]);
    expect(successor.open.size).toBeGreaterThan(0);
    // The session key stays with the signer that made it.
    await seal(session.key_id);
    const left = [...signer.open.values()].filter(({ role }) => role === 'issuer');
    expect(left).toEqual([]);
    expect(before).toBe(2);
  });
});
