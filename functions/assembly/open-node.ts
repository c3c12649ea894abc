import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import registryFile from '../../layers/models/models.json' with { type: 'json' };
import { cedarPolicy } from '../adapters/cedar/cedar-policy.ts';
import { environmentSecrets } from '../adapters/environment/environment-secrets.ts';
import { fileKeys } from '../adapters/files/file-keys.ts';
import { fileObjects } from '../adapters/files/file-objects.ts';
import { lockHome, type Lock } from '../adapters/files/lock-home.ts';
import { localSearch } from '../adapters/local-search/local-search.ts';
import { openDatabase } from '../adapters/sqlite/open-database.ts';
import { sqliteQueue } from '../adapters/sqlite/sqlite-queue.ts';
import { sqliteTable } from '../adapters/sqlite/sqlite-table.ts';
import { openWasmCompute } from '../adapters/wasm/wasm-compute.ts';
import { makeApiKeys } from '../domain/api-keys/make-api-keys.ts';
import { makeChat } from '../domain/chat/make-chat.ts';
import { makeContent } from '../domain/content/content.ts';
import { makeCounts } from '../domain/counts/make-counts.ts';
import { makeJudge } from '../domain/decisions/make-judge.ts';
import { makeEmbeddings } from '../domain/embeddings/make-embeddings.ts';
import { makeIdempotency } from '../domain/idempotency/make-idempotency.ts';
import { logAdoption } from '../domain/identity/log-adoption.ts';
import { openIdentity } from '../domain/identity/open-identity.ts';
import type { JobStep } from '../domain/jobs/jobs.ts';
import { makeJobs } from '../domain/jobs/make-jobs.ts';
import { readRegistry } from '../domain/models/registry.ts';
import type { CallFrame, ReplyFrame } from '../domain/ports/script-host.ts';
import { makeReceipts } from '../domain/receipts/make-receipts.ts';
import { makeRuns, type RunsWithTools } from '../domain/runs/make-runs.ts';
import { makeScripts } from '../domain/scripts/make-scripts.ts';
import { makeTools } from '../domain/tools/make-tools.ts';
import { makeVectors } from '../domain/vectors/make-vectors.ts';
import { vectorsTools } from '../domain/vectors/vectors-tools.ts';
import { makeWeb } from '../domain/web/make-web.ts';
import type { Services } from '../edge/services.ts';
import { computeSlots } from './compute-slots.ts';
import { ensureOwnerKey, readKey, refuseLostTable, type OwnerKey } from './owner-key.ts';
import { nodeLog, type NodeLog } from './node-log.ts';
import { makeProviders } from './providers.ts';
import type { Settings } from './read-settings.ts';
import { takeUpArtefacts, type TakenUp } from './take-up-artefacts.ts';
import { embedTool, webSearchTool } from './builtin-tools.ts';
import { pinOwnNode } from './own-trust.ts';
import { startBackgroundWork } from './background-work.ts';
import { watchSettings } from './watch-settings.ts';
import version from '../package.json' with { type: 'json' };

/** A home that is open: its services answer, its native parts are taken up as they become ready. */
export interface OpenedNode {
  readonly services: Services;
  readonly owner_key: OwnerKey;
  readonly node_id: string;
  readonly is_new: boolean;
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
  const started_at = now();

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
  slots.declare('gates', { served_by: 'unavailable', reason: 'gates are not built yet' });
  const wasm = await openWasmCompute();
  for (const slot of ['sign', 'verify', 'digest', 'score'] as const) slots.use(slot, wasm[slot], 'wasm');

  const keys = fileKeys({ folder: join(home, 'identities'), sign: () => slots.current('sign'), random });
  const { verify, digest, score } = slots;
  const identity = await openIdentity({ table, keys, verify, digest, now, newId });
  // A key file that does not sign stops the start, not the first request.
  await identity.session();
  await pinOwnNode({ home, node_id: identity.node_id, now });

  const policy = cedarPolicy({
    policies: [await readFile(join(repository, 'shared', 'policies', 'permits.cedar'), 'utf8')],
    schema: await readFile(join(repository, 'shared', 'policies', 'signet.cedarschema'), 'utf8'),
  });
  const content = makeContent({ objects, digest, random });
  const receipts = makeReceipts({ table, keys, identity, content, now });
  const judge = makeJudge({ policy, receipts, content });
  await logAdoption({ table, receipts, identity, digest, now, newId });
  const counts = makeCounts({ receipts, identity, now, newId });
  const apiKeys = makeApiKeys({ table, judge, now, newId, random, single_user: settings.single_user });
  const owner_key = await ensureOwnerKey(owner_key_path, async () => {
    const { token } = await apiKeys.createOwner({ label: 'owner' });
    return token;
  });
  if ((await apiKeys.authenticate(await readKey(owner_key_path))) === undefined) {
    request.tell(`the key in ${owner_key_path} is not valid; remove the file, and the next start makes another`);
  }

  const steps = new Map<string, JobStep>();
  const jobs = makeJobs({ table, queue: wakeups, now, newId, random: Math.random, steps });
  const secrets = environmentSecrets({ environment });
  let providers = makeProviders({ settings, secrets, now, random });
  const unwatch = watchSettings({
    settings,
    environment,
    onChange: (changed) => (providers = makeProviders({ settings: changed, secrets, now, random })),
    tell: request.tell,
  });
  closers.push(async () => unwatch());

  // Scripts call tools and tools run scripts: the one arrow that would close the circle is bound late.
  let runs: RunsWithTools | undefined;
  const theRuns = (): RunsWithTools => {
    if (runs === undefined) throw new Error('runs are asked for before the node is open');
    return runs;
  };
  const artefacts = takeUpArtefacts({
    settings,
    build_folder,
    repository,
    slots,
    answerCall: (frame: CallFrame): Promise<ReplyFrame> => theRuns().answerCall(frame),
    onSignSwitched: () => identity.renewSession(),
    tell: request.tell,
    log,
  });
  closers.push(() => artefacts.close());

  const registry = readRegistry(registryFile, settings.embed_model);
  const embeddings = makeEmbeddings({
    registry,
    compute: () => slots.current('embed'),
    installed: () => artefacts.installedModels(),
    served_by: () => slots.states().embed.served_by,
    judge,
    now,
  });
  const vectors = makeVectors({ table, score, embeddings, digest, judge, now, newId, random });
  const web = makeWeb({ searcher: localSearch({ root: repository }), judge });
  const scripts = makeScripts({ table, judge, now });
  const tools = makeTools({
    table,
    judge,
    now,
    newId,
    limits,
    targets: {
      script: (call, script) => theRuns().runScriptTool(call, script),
      builtin: new Map([...vectorsTools(vectors), ...webSearchTool(web), ...embedTool(embeddings)]),
    },
  });
  const chat = makeChat({ providers: () => providers, tools, judge, table, now, newId, random, limits });
  runs = makeRuns({
    table,
    jobs,
    judge,
    receipts,
    chat,
    tools,
    web,
    embeddings,
    scripts,
    host: () => artefacts.scriptHost(),
    now,
    newId,
    random,
    limits,
  });
  steps.set('run', async ({ job, signal }) => {
    await theRuns().advance({ id: job.id, payload: job.payload, attempt: job.attempt, signal });
    return { kind: 'done' };
  });

  const services: Services = {
    chat,
    tools,
    embeddings,
    vectors,
    scripts,
    runs,
    apiKeys,
    receipts,
    judge,
    idempotency: makeIdempotency({ table, now, newId }),
    counts,
    version: version.version,
    now,
    newId,
    log,
    async health() {
      await table.get({ pk: 'health', sk: '-' }, now());
      return { status: 'healthy', version: version.version };
    },
    async status(call) {
      const models = await chat.models(call);
      return {
        node_id: identity.node_id,
        version: version.version,
        uptime_seconds: Math.floor((now() - started_at) / 1000),
        con: identity.con,
        constitution_version: identity.constitution_version,
        ledger: { pending: await receipts.count() },
        compute: slots.states(),
        providers: providers.map(({ name, tier }) => ({
          name,
          tier,
          models: models.filter(({ provider }) => provider === name).length,
        })),
        sandbox: artefacts.sandboxStatus(),
      };
    },
  };

  return {
    services,
    owner_key,
    node_id: identity.node_id,
    is_new: identity.is_new,
    lock,
    artefacts,
    startWork() {
      closers.push(startBackgroundWork({ db, jobs, queue: wakeups, counts, now, log }));
    },
    close,
  };
}
