import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode, syncFolder, writeNewFile } from '@signet/functions/adapters/files/durable-files.ts';
import { fileKeys } from '@signet/functions/adapters/files/file-keys.ts';
import { lockHome } from '@signet/functions/adapters/files/lock-home.ts';
import { ensureOwnerKey, readKey } from '@signet/functions/assembly/owner-key.ts';
import { pinOwnNode } from '@signet/functions/assembly/own-trust.ts';
import { newToken, readToken, secretDigest, tokenText } from '@signet/functions/domain/api-keys/token.ts';
import type { NewId, Now, RandomBytes } from '@signet/functions/domain/call.ts';
import { readGenesis, type Genesis } from '@signet/functions/domain/identity/genesis.ts';
import { makeGenesis } from '@signet/functions/domain/identity/make-genesis.ts';
import { listedKeys, nodeIdOf } from '@signet/functions/domain/identity/node-document.ts';
import { vkeyText } from '@signet/functions/domain/ledger/log-identity.ts';
import type { DigestCompute, SignCompute, VerifyCompute } from '@signet/functions/domain/ports/compute.ts';
import type { KeyRole, PublicKey } from '@signet/functions/domain/ports/keys.ts';
import type { StagePlaces } from './stage-places.ts';

/** What a stage begins with, as it was found or made. */
export interface StageFacts {
  readonly stage: string;
  /** `made` now, `restored` from this machine's copy, or `verified` as it was there. */
  readonly genesis: 'made' | 'restored' | 'verified';
  readonly genesis_path: string;
  readonly node_id: string;
  /** Key ids of the issuer keys in KMS that the node document lists. */
  readonly issuers: readonly string[];
  /** Key ids of the log keys that it lists; with none, nothing is sealed there. */
  readonly logs: readonly string[];
  /** Whether KMS was asked, so that the first of them is known to be its key. */
  readonly issuer_checked: boolean;
  /** `here`, or `elsewhere`: on the machine on which the stage began. */
  readonly root_key: 'here' | 'elsewhere';
  readonly owner_key: 'here' | 'elsewhere';
  readonly owner_key_path: string;
  readonly home: string;
}

/** Files that should say the same do not: nothing was written. Says what to do. */
export class StageRefusedError extends Error {
  override readonly name = 'StageRefusedError';
}

/**
 * Begins a stage, once: root key and owner's key are made on this machine, and the genesis, which is public, names them
 * and the issuer key in KMS. Each step leaves what the next run finds, so one that died is taken up again; a genesis that
 * was published is verified and never written anew, because the node it began knows no other.
 *
 * @param request.issuer asks KMS for the issuer's public half; undefined when nothing says where it is
 * @param request.log the same of the log's key; a genesis that was made without it stays without it
 */
export async function beginStage(request: {
  stage: string;
  places: StagePlaces;
  issuer: (() => Promise<PublicKey>) | undefined;
  log: (() => Promise<PublicKey>) | undefined;
  sign: SignCompute;
  verify: VerifyCompute;
  digest: DigestCompute;
  now: Now;
  newId: NewId;
  random: RandomBytes;
}): Promise<StageFacts> {
  const { stage, places, verify, now } = request;
  const lock = await lockHome({ home: places.home, facts: { started_at: now() } });
  try {
    const published = await readText(places.genesis);
    const kept = await readText(places.genesis_kept);
    if (published !== undefined && kept !== undefined && published !== kept) {
      throw new StageRefusedError(
        `expected ${places.genesis} to be what this machine published (${places.genesis_kept}), it differs; restore it from version control`,
      );
    }
    const text = published ?? kept ?? (await make(request));
    const genesis = await readGenesis({ text, stage, verify });
    const issuer = await request.issuer?.();
    refuseOtherIssuer({ genesis, issuer, places });
    const facts = await lookForKeys({ ...request, genesis });
    if (published === undefined) await publish(places.genesis, text);
    await pinOwnNode({
      home: places.home,
      documents: [genesis.node_document],
      now,
    });
    return {
      ...facts,
      genesis: published !== undefined ? 'verified' : kept !== undefined ? 'restored' : 'made',
      issuer_checked: issuer !== undefined,
    };
  } finally {
    await lock.release();
  }
}

/** Makes the keys that are not there yet, signs, and keeps the text beside them before anybody else sees it. */
async function make({
  stage,
  places,
  issuer,
  log,
  sign,
  digest,
  now,
  newId,
  random,
}: Parameters<typeof beginStage>[0]): Promise<string> {
  if (issuer === undefined) {
    throw new StageRefusedError(
      `expected the issuer key of the deployed State stack; deploy it first (\`npm run deploy -- --stage ${stage}\` does all), or name the key by --issuer-key`,
    );
  }
  // Asked before anything is made: a wrong account or region leaves nothing behind.
  const [issuer_key, log_key] = await Promise.all([issuer(), log?.()]);
  await ensureOwnerKey(places.owner_key, async () => tokenText(newToken({ newId, random })));
  const genesis = await makeGenesis({
    stage,
    keys: fileKeys({ folder: places.identities, sign: () => sign, random }),
    issuer: issuer_key,
    ...(log_key === undefined ? {} : { log: { key: log_key, vkeyOf: (named) => vkeyText({ ...named, digest }) } }),
    owner_token: await readKey(places.owner_key),
    now: now(),
  });
  const text = `${JSON.stringify(genesis, null, 2)}\n`;
  await publish(places.genesis_kept, text);
  return text;
}

function refuseOtherIssuer({
  genesis,
  issuer,
  places,
}: {
  genesis: Genesis;
  issuer: PublicKey | undefined;
  places: StagePlaces;
}): void {
  if (issuer === undefined || issuersOf(genesis).includes(issuer.key_id)) return;
  throw new StageRefusedError(
    `expected the issuer key ${issuersOf(genesis).join(' or ')} of ${places.genesis} in KMS, got ${issuer.key_id}: ` +
      'this genesis began another State stack; deploy to its account and region, or, if that stack is gone for good, ' +
      `move ${places.genesis} and ${places.home} away to begin anew`,
  );
}

async function lookForKeys({
  genesis,
  stage,
  places,
  sign,
  random,
}: Parameters<typeof beginStage>[0] & { genesis: Genesis }): Promise<Omit<StageFacts, 'genesis' | 'issuer_checked'>> {
  const node_id = genesis.node_document.id;
  const roots = (await fileKeys({ folder: places.identities, sign: () => sign, random }).list()).filter(
    ({ role }) => role === 'root',
  );
  if (roots.length > 0 && !roots.some(({ key_id }) => nodeIdOf(key_id) === node_id)) {
    throw new StageRefusedError(
      `expected the root key of ${node_id} in ${places.identities}, found ${roots.map(({ key_id }) => key_id).join(', ')}; move the folder away, or restore the right one`,
    );
  }
  const token = readToken(await readKey(places.owner_key));
  if (token !== undefined && secretDigest(token.secret).toString('hex') !== genesis.owner_key.secret_sha256) {
    throw new StageRefusedError(
      `expected the owner's key that ${places.genesis} names in ${places.owner_key}, found another; move it away, or restore the right one`,
    );
  }
  return {
    stage,
    genesis_path: places.genesis,
    node_id,
    issuers: issuersOf(genesis),
    logs: keysOf(genesis, 'log'),
    root_key: roots.length > 0 ? 'here' : 'elsewhere',
    owner_key: token !== undefined ? 'here' : 'elsewhere',
    owner_key_path: places.owner_key,
    home: places.home,
  };
}

function issuersOf(genesis: Genesis): readonly string[] {
  return keysOf(genesis, 'issuer');
}

function keysOf(genesis: Genesis, wanted: KeyRole): readonly string[] {
  return listedKeys(genesis.node_document)
    .filter(({ role, revoked }) => role === wanted && !revoked)
    .map(({ key_id }) => key_id);
}

/** The whole file under its name or nothing; one that is there stays, whoever wrote it. */
async function publish(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const partial = join(dirname(path), `.${randomUUID()}.new`);
  try {
    await writeNewFile(partial, Buffer.from(text));
    await link(partial, path);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    throw new StageRefusedError(`expected no ${path} yet, another process wrote it a moment ago; run this again`);
  } finally {
    await rm(partial, { force: true });
  }
  await syncFolder(dirname(path));
}

async function readText(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
}
