import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { JsonObject } from '../../domain/json.ts';
import { ComputeRefusedError } from '../../domain/ports/compute.ts';
import type { OpenedKey, Outcome, SignCompute } from '../../domain/ports/compute.ts';
import { KeyRefusedError } from '../../domain/ports/keys.ts';
import type { KeyRole, Keys, PublicKey } from '../../domain/ports/keys.ts';
import { errorCode, syncFolder, writeNewFile } from './durable-files.ts';

export interface FileKeysOptions {
  /** `SIGNET_HOME/identities`; made with mode 0700 when it is not there. */
  readonly folder: string;
  /** Who signs at the moment. When the answer changes, file keys are opened again there; session keys stay where they are. */
  readonly sign: () => SignCompute;
  /** That many bytes from a cryptographic source. */
  readonly random: (bytes: number) => Uint8Array;
}

/** A key in the memory of the instance that opened it. */
interface Held {
  readonly role: KeyRole;
  readonly custody: 'file' | 'memory';
  readonly sign: SignCompute;
  readonly opened: OpenedKey;
  /** Signatures under way; a replaced handle is closed when they have ended. */
  users: number;
  replaced: boolean;
}

const file_name = /^(root|issuer|session|agent|log|witness)-(z[1-9A-HJ-NP-Za-km-z]{1,80})\.pem$/;
const pem_bytes_max = 4096;

/**
 * Keys in PKCS#8 PEM files `<role>-<key_id>.pem` (mode 0600, folder 0700), session keys in memory alone. Private bytes
 * pass through a buffer that is zeroed, never through a string. A file or folder that others could read or replace is
 * refused with `KeyRefusedError`: a key that may have leaked must not sign on quietly.
 */
export function fileKeys({ folder, sign, random }: FileKeysOptions): Keys {
  const held = new Map<string, Held>();
  const opening = new Map<string, Promise<Held>>();

  async function create(role: KeyRole): Promise<PublicKey> {
    const instance = sign();
    const exportable = role !== 'session';
    const seed = random(32);
    const { pkcs8_pem, ...opened } = await instance.generateKey({ role, seed, exportable }).finally(() => seed.fill(0));
    const key: Held = {
      role,
      custody: exportable ? 'file' : 'memory',
      sign: instance,
      opened,
      users: 0,
      replaced: false,
    };
    if (exportable) {
      if (pkcs8_pem === undefined) throw new Error('the signer made a key for a file and kept its file form');
      await saveKey(folder, `${role}-${opened.key_id}.pem`, pkcs8_pem).finally(() => pkcs8_pem.fill(0));
    }
    held.set(opened.key_id, key);
    if (!exportable) setTimeout(() => void release(opened.key_id), limits.session_s_max * 1000).unref();
    return publicHalf(key);
  }

  /** The key under its current signer, opened when it is not, counted as in use until `work` ends. */
  async function withKey<T>(key_id: string, work: (key: Held) => Promise<T>): Promise<T> {
    const known = held.get(key_id);
    const is_current = known !== undefined && (known.custody === 'memory' || known.sign === sign());
    const key = is_current ? known : await openOnce(key_id);
    key.users += 1;
    try {
      return await work(key);
    } finally {
      key.users -= 1;
      if (key.replaced && key.users === 0) await key.sign.closeKey(key.opened.handle);
    }
  }

  function openOnce(key_id: string): Promise<Held> {
    let under_way = opening.get(key_id);
    if (under_way === undefined) {
      under_way = openFile(key_id).finally(() => opening.delete(key_id));
      opening.set(key_id, under_way);
    }
    return under_way;
  }

  async function openFile(key_id: string): Promise<Held> {
    const name = (await keyFiles(folder)).find((file) => file.key_id === key_id);
    if (name === undefined) throw new KeyRefusedError(`no key \`${key_id}\` is here`);
    const instance = sign();
    const pkcs8_pem = await readKey(folder, name.file);
    const opened = await instance
      .openKey({ role: name.role, pkcs8_pem })
      .catch((cause: unknown) => {
        if (!(cause instanceof ComputeRefusedError)) throw cause;
        throw new KeyRefusedError(`${join(folder, name.file)} is no key: ${cause.message}; restore it from a backup`);
      })
      .finally(() => pkcs8_pem.fill(0));
    if (opened.key_id !== key_id) {
      await instance.closeKey(opened.handle);
      throw new KeyRefusedError(`${join(folder, name.file)} holds another key, \`${opened.key_id}\``);
    }
    const key: Held = { role: name.role, custody: 'file', sign: instance, opened, users: 0, replaced: false };
    const before = held.get(key_id);
    held.set(key_id, key);
    if (before !== undefined) await retire(before);
    return key;
  }

  async function retire(key: Held): Promise<void> {
    key.replaced = true;
    if (key.users === 0) await key.sign.closeKey(key.opened.handle);
  }

  async function release(key_id: string): Promise<void> {
    const key = held.get(key_id);
    if (key?.custody !== 'memory') return;
    held.delete(key_id);
    await retire(key);
  }

  return {
    create,

    async list(role) {
      const keys = [...held.values()]
        .filter((key) => key.custody === 'memory' && (role === undefined || key.role === role))
        .map(publicHalf);
      for (const { key_id, role: kept } of await keyFiles(folder)) {
        if (role !== undefined && kept !== role) continue;
        keys.push(await withKey(key_id, async (key) => publicHalf(key)));
      }
      return keys;
    },

    async sealEnvelope({ key_id, payload_type, payload }) {
      const payload_json = Buffer.from(JSON.stringify(payload));
      const [outcome] = await withKey(key_id, ({ sign: instance, opened }) =>
        instance.sealEnvelopes([{ handle: opened.handle, payload_type, payload_json }]),
      );
      const { entry, id } = unwrap(outcome);
      return { entry, id };
    },

    async sealPayload({ key_id, payload_type, payload }) {
      const [outcome] = await withKey(key_id, ({ sign: instance, opened }) =>
        instance.sealPayloads([{ handle: opened.handle, payload_type, payload }]),
      );
      const { entry, id } = unwrap(outcome);
      return { entry, id };
    },

    async signNote({ key_id, ...note }) {
      const [outcome] = await withKey(key_id, ({ sign: instance, opened }) =>
        instance.signNotes([{ handle: opened.handle, ...note }]),
      );
      return unwrap(outcome).line;
    },

    async signDocument({ key_id, verification_method, document, created }) {
      const document_json = Buffer.from(JSON.stringify(document));
      const [outcome] = await withKey(key_id, ({ sign: instance, opened }) =>
        instance.signDocuments([{ handle: opened.handle, verification_method, document_json, created }]),
      );
      return JSON.parse(Buffer.from(unwrap(outcome).document).toString()) as JsonObject;
    },

    release,
  };
}

function publicHalf({ role, custody, opened }: Held): PublicKey {
  return { key_id: opened.key_id, role, public_key: opened.public_key, custody };
}

function unwrap<T>(outcome: Outcome<T> | undefined): T {
  if (outcome === undefined) throw new Error('the signer gave no answer');
  if (outcome.ok) return outcome;
  const message = `the signer refused: \`${outcome.code}\``;
  if (outcome.code === 'key.role') throw new KeyRefusedError(message);
  throw new ComputeRefusedError({ code: outcome.code, index: 0, message });
}

async function keyFiles(folder: string): Promise<{ file: string; role: KeyRole; key_id: string }[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    if (errorCode(cause) === 'ENOENT') return [];
    throw cause;
  });
  if (names.length > 0) await checkFolder(folder);
  return names.sort().flatMap((file) => {
    const [, role, key_id] = file_name.exec(file) ?? [];
    return role === undefined || key_id === undefined ? [] : [{ file, role: role as KeyRole, key_id }];
  });
}

/** The whole file under a name that is not read, then its real one: a crash leaves no half key behind. */
async function saveKey(folder: string, file: string, pkcs8_pem: Uint8Array): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await checkFolder(folder);
  const incoming = join(folder, `.${file}.new`);
  try {
    await rm(incoming, { force: true });
    await writeNewFile(incoming, pkcs8_pem);
    // Nothing to overwrite: the name holds the public half of a key that was made a moment ago.
    await rename(incoming, join(folder, file));
  } finally {
    await rm(incoming, { force: true });
  }
  await syncFolder(folder);
}

async function readKey(folder: string, file: string): Promise<Buffer> {
  const path = join(folder, file);
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((cause: unknown) => {
    if (errorCode(cause) === 'ELOOP')
      throw new KeyRefusedError(`${path} is a symbolic link; expected a file of mode 0600`);
    throw cause;
  });
  try {
    const { mode, uid, size, nlink } = await handle.stat();
    const is_file = (mode & constants.S_IFMT) === constants.S_IFREG;
    if (!is_file || size > pem_bytes_max) throw new KeyRefusedError(`${path} is no key file`);
    checkOwner(path, uid);
    if (nlink !== 1) throw new KeyRefusedError(`${path} has another name as well; expected one link`);
    if ((mode & 0o177) !== 0) throw new KeyRefusedError(`${path} has mode ${octal(mode)}; expected 0600 (chmod 600)`);
    const content = Buffer.alloc(size);
    await handle.read(content, 0, size, 0);
    return content;
  } finally {
    await handle.close();
  }
}

async function checkFolder(folder: string): Promise<void> {
  const facts = await lstat(folder);
  if (!facts.isDirectory()) throw new KeyRefusedError(`${folder} is not a folder; expected one of mode 0700`);
  checkOwner(folder, facts.uid);
  if ((facts.mode & 0o077) !== 0) {
    throw new KeyRefusedError(`${folder} has mode ${octal(facts.mode)}; expected 0700 (chmod 700)`);
  }
}

function checkOwner(path: string, uid: number): void {
  const own = process.geteuid?.();
  if (own !== undefined && uid !== own) {
    throw new KeyRefusedError(`${path} belongs to user ${uid}; expected ${own}, who runs Signet`);
  }
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}
