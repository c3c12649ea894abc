import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import { environmentSecrets } from '../adapters/environment/environment-secrets.ts';
import { fileKeys } from '../adapters/files/file-keys.ts';
import { fileObjects } from '../adapters/files/file-objects.ts';
import { fileSegments } from '../adapters/files/file-segments.ts';
import { lockHome, type Lock } from '../adapters/files/lock-home.ts';
import { httpWitness } from '../adapters/http-witness/http-witness.ts';
import { localSearch } from '../adapters/local-search/local-search.ts';
import { openDatabase } from '../adapters/sqlite/open-database.ts';
import { sqliteQueue } from '../adapters/sqlite/sqlite-queue.ts';
import { sqliteTable } from '../adapters/sqlite/sqlite-table.ts';
import { openWasmCompute } from '../adapters/wasm/wasm-compute.ts';
import type { NodeKeys } from '../domain/identity/node-keys.ts';
import { openIdentity } from '../domain/identity/open-identity.ts';
import { openLogIdentity } from '../domain/ledger/log-identity.ts';
import type { RemoteScriptHost } from '../domain/ports/script-host.ts';
import type { CompactionRules } from '../domain/vectors/compaction-rules.ts';
import type { Services } from '../edge/services.ts';
import { computeSlots } from './compute-slots.ts';
import { ensureOwnerKey, readKey, refuseLostTable, type OwnerKey } from './owner-key.ts';
import { makeNode, type MadeNode } from './make-node.ts';
import { nodeLog, type NodeLog } from './node-log.ts';
import { makeProviders } from './providers.ts';
import type { Settings } from './read-settings.ts';
import { shippedPolicy } from './shipped-policy.ts';
import { takeUpArtefacts, type TakenUp } from './take-up-artefacts.ts';
import { pinOwnNode } from './own-trust.ts';
import type { Identity } from '../domain/identity/open-identity.ts';
import type { Adoption } from './make-adoption.ts';
import { startBackgroundWork } from './background-work.ts';
import { watchSettings } from './watch-settings.ts';

/** A home that is open: its services answer, its native parts are taken up as they become ready. */
export interface OpenedNode extends Adoption {
  readonly identity: Pick<Identity, 'constitution_version' | 'con'>;
  readonly services: Services;
  readonly owner_key: OwnerKey;
  readonly node_id: string;
  readonly is_new: boolean;
  readonly nodeKeys: NodeKeys;
  readonly lock: Lock;
  readonly artefacts: TakenUp;
  /** Starts what works without a request: jobs, the minute's counts, removal of expired rows. */
  startWork(): void;
  /** Ends work and storage in order; twice is fine. */
  close(): Promise<void>;
}

export interface OpenNodeRequest {
  readonly settings: Settings;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where built artefacts are published (`.signet-build`). */
  readonly build_folder: string;
  /** Root of the product's files: documentation, policies, node_modules. */
  readonly repository: string;
  /** Lines for people. */
  readonly tell: (line: string) => void;
  /** Executes the scripts in place of this node's own sandbox; its frames come by the node's HTTP. */
  readonly remoteScripts?: RemoteScriptHost;
  /** Default: those of `limits.json`. */
  readonly compaction?: Partial<CompactionRules>;
}

/** Opens `settings.home`: storage, identity, policy, compute, and every noun of the domain over them. */
export async function openNode(request: OpenNodeRequest): Promise<OpenedNode> {
  const { settings } = request;
  const { home } = settings;
  await mkdir(home, { recursive: true, mode: 0o700 });
  const lock = await lockHome({ home, facts: { started_at: Date.now() } });
  const closers: (() => Promise<unknown>)[] = [() => lock.release()];
  const close = async (): Promise<void> => {
    for (const end of closers.splice(0).reverse()) await end();
  };
  try {
    return await open(request, { lock, closers, close });
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(
  request: OpenNodeRequest,
  { lock, closers, close }: { lock: Lock; closers: (() => Promise<unknown>)[]; close: () => Promise<void> },
): Promise<OpenedNode> {
  const { settings, environment, repository, build_folder } = request;
  const { home } = settings;
  const log: NodeLog = nodeLog(settings.log_level);
  const now = Date.now;
  const newId = (): string => uuidv7();
  const random = (length: number): Uint8Array => randomBytes(length);

  const db = await openDatabase({
    path: join(home, 'signet.db'),
    log: { error: (message, facts) => log.error(facts, message) },
  });
  closers.push(() => db.close());
  const table = sqliteTable(db);
  const objects = fileObjects({ root: join(home, 'objects') });
  const owner_key_path = join(home, 'owner.key');
  await refuseLostTable({ path: owner_key_path, table, now: now() });
  const wakeups = sqliteQueue({ db, name: 'jobs', attempts_max: limits.queue.attempts_max });

  const slots = computeSlots('not built');
  const wasm = await openWasmCompute();
  for (const slot of ['sign', 'verify', 'digest', 'score', 'gates', 'arithmetic', 'segments'] as const) {
    slots.use(slot, wasm[slot], 'wasm');
  }

  const keys = fileKeys({ folder: join(home, 'identities'), sign: () => slots.current('sign'), random });
  const { verify, digest } = slots;
  const identity = await openIdentity({ table, keys, verify, digest, now, newId });
  // A key file that does not sign stops the start, not the first request.
  await identity.session();
  const log_identity = await openLogIdentity({ keys, identity, digest, now });
  await pinOwnNode({ home, documents: identity.chain, now });

  const policy = await shippedPolicy(repository);
  const secrets = environmentSecrets({ environment });
  let providers = makeProviders({ settings, secrets, now, random });
  let { witnessing } = settings;
  const unwatch = watchSettings({
    settings,
    environment,
    onChange(changed) {
      providers = makeProviders({ settings: changed, secrets, now, random });
      witnessing = changed.witnessing;
    },
    tell: request.tell,
  });
  closers.push(async () => unwatch());

  const artefacts = takeUpArtefacts({
    settings,
    build_folder,
    repository,
    slots,
    // No script runs before the node is made.
    answerCall: (frame) => node.runs.answerCall(frame),
    onSignSwitched: () => identity.renewSession(),
    tell: request.tell,
    log,
  });
  closers.push(() => artefacts.close());

  const node: MadeNode = makeNode({
    table,
    objects,
    findSegment: fileSegments({ root: join(home, 'objects') }),
    compaction: request.compaction,
    queue: wakeups,
    keys,
    slots,
    identity,
    log_identity,
    witnessing: { settings: () => witnessing, client: httpWitness(), has_keys: true },
    policy,
    searcher: localSearch({ root: repository }),
    providers: () => providers,
    embed_model: settings.embed_model,
    installedModels: () => artefacts.installedModels(),
    scriptHost: () => request.remoteScripts ?? artefacts.scriptHost(),
    sandboxStatus: () => artefacts.sandboxStatus(),
    single_user: settings.single_user,
    holds_sockets: true,
    now,
    newId,
    random,
    log,
  });
  await node.logAdoption();
  const { apiKeys, jobs, counts } = node;
  const owner_key = await ensureOwnerKey(owner_key_path, async () => {
    const { token } = await apiKeys.createOwner({ label: 'owner' });
    return token;
  });
  if ((await apiKeys.authenticate(await readKey(owner_key_path))) === undefined) {
    request.tell(`the key in ${owner_key_path} is not valid; remove the file, and the next start makes another`);
  }

  return {
    services: node.services,
    owner_key,
    node_id: identity.node_id,
    is_new: identity.is_new,
    identity,
    adoptConstitution: (offered) => node.adoptConstitution(offered),
    nodeKeys: pinnedKeys(node.nodeKeys, () => pinOwnNode({ home, documents: identity.chain, now })),
    lock,
    artefacts,
    startWork() {
      closers.push(startBackgroundWork({ db, jobs, queue: wakeups, counts, sealing: node.startSealing(), now, log }));
    },
    close,
  };
}

/** What this home's own `signet verify` knows of the node's keys follows each change of them. */
function pinnedKeys(nodeKeys: NodeKeys, pin: () => Promise<void>): NodeKeys {
  return {
    async rotate(role) {
      const changed = await nodeKeys.rotate(role);
      await pin();
      return changed;
    },
    async revoke(key_id) {
      const changed = await nodeKeys.revoke(key_id);
      await pin();
      return changed;
    },
  };
}
