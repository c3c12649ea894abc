import limits from '@signet/shared/limits.json' with { type: 'json' };
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { v7 as uuidv7 } from 'uuid';
import { lambdaEmbed } from '../adapters/lambda/lambda-embed.ts';
import { lambdaKeys } from '../adapters/lambda/lambda-keys.ts';
import { lambdaScore } from '../adapters/lambda/lambda-score.ts';
import { lambdaScriptHost } from '../adapters/lambda/lambda-script-host.ts';
import type { InvokeFunction } from '../adapters/lambda/function-call.ts';
import { httpWitness } from '../adapters/http-witness/http-witness.ts';
import { localSearch } from '../adapters/local-search/local-search.ts';
import { openWasmCompute } from '../adapters/wasm/wasm-compute.ts';
import type { Counts } from '../domain/counts/make-counts.ts';
import { readGenesis } from '../domain/identity/genesis.ts';
import { openIdentity } from '../domain/identity/open-identity.ts';
import type { Jobs } from '../domain/jobs/jobs.ts';
import { listedLog } from '../domain/ledger/log-identity.ts';
import { makeSealerWakes, type SealerWakes } from '../domain/ledger/wake-sealer.ts';
import { makeSharedRate, type SharedRate } from '../domain/rate/shared-rate.ts';
import type { Services } from '../edge/services.ts';
import { cloudInvoke, cloudObjects, cloudQueue, cloudSecrets, cloudTable, cloudWake } from './cloud-adapters.ts';
import { segmentBytes } from '../domain/vectors/find-segment.ts';
import { computeSlots } from './compute-slots.ts';
import { makeNode } from './make-node.ts';
import type { NodeLog } from './node-log.ts';
import { makeProviders } from './providers.ts';
import type { EnvironmentOf } from './read-cloud-environment.ts';
import { readCloudSettings } from './read-cloud-settings.ts';

/** A node over AWS, open in one environment of one function. */
export interface OpenedCloud {
  readonly services: Services;
  readonly jobs: Jobs;
  readonly counts: Counts;
  readonly rate: Pick<SharedRate, 'settled'>;
  readonly wakes: Pick<SealerWakes, 'settled'>;
  readonly node_id: string;
  /** True in the one environment of all whose start made the rows of the node. */
  readonly is_new: boolean;
}

export interface OpenCloudRequest {
  readonly environment: EnvironmentOf<'serve-api'>;
  /** Root of the product's files: documentation, policies. */
  readonly repository: string;
  readonly log: NodeLog;
  /** Calls the Rust functions. Default: Lambda's own interface. */
  readonly invoke?: InvokeFunction;
}

/**
 * Opens the stage's node: storage on AWS, signing and hashing in process by WebAssembly, the rest by the Rust functions,
 * and every noun of the domain over them. Waits for the files beside it and two reads of the table; whatever else a
 * request may need is on its way meanwhile, or is loaded when it is first used.
 */
export async function openCloud({
  environment,
  repository,
  log,
  invoke = cloudInvoke(),
}: OpenCloudRequest): Promise<OpenedCloud> {
  const now = Date.now;
  const newId = (): string => uuidv7();
  const random = (length: number): Uint8Array => randomBytes(length);
  const [wasm, settings, genesisText] = await Promise.all([
    openWasmCompute(),
    readCloudSettings(environment.settings),
    readFile(environment.genesis, 'utf8'),
  ]);

  const scriptHost = lambdaScriptHost({
    invoke,
    function_name: environment.fn_run_script,
    api_url: environment.api_url,
    is_per_tenant: environment.script_isolation === 'per-tenant',
  });
  const embed = lambdaEmbed({ invoke, function_name: environment.fn_embed_text });
  const slots = computeSlots('not served here');
  for (const slot of ['sign', 'verify', 'digest', 'gates', 'arithmetic', 'segments'] as const)
    slots.use(slot, wasm[slot], 'wasm');
  slots.use('score', lambdaScore({ invoke, function_name: environment.fn_score_vectors }), 'lambda');
  slots.use('embed', embed, 'lambda');
  slots.declare('run', { served_by: 'lambda' });

  const { sign, verify, digest } = wasm;
  const { single_user } = settings;
  const table = cloudTable(environment);
  const keys = lambdaKeys({ invoke, function_name: environment.fn_sign_envelope, sign, verify, random });
  const genesis = await readGenesis({ text: genesisText, stage: environment.stage, verify });
  const [identity, policy] = await Promise.all([
    openIdentity({ table, keys, verify, digest, now, newId, genesis, single_user }),
    // Loaded here and not above: compiling Cedar takes as long as the table takes to answer.
    import('./shipped-policy.ts').then(({ shippedPolicy }) => shippedPolicy(repository)),
  ]);

  const providers = makeProviders({ settings, secrets: cloudSecrets(environment), now, random });
  const ledger = listedLog(identity.document);
  const isSealed = ledger.vkeys.length > 0;
  const wakes = makeSealerWakes({
    send: cloudWake(environment),
    now,
    onError: (error) => log.error({ err: error }, 'the sealer was not woken, the sweep will'),
  });
  const objects = cloudObjects(environment);
  const node = makeNode({
    table,
    objects,
    findSegment: segmentBytes(objects),
    queue: cloudQueue(environment),
    keys,
    slots,
    identity,
    // Sealed by `seal-ledger`, read here. A node document that lists no key of the log has none, and says so.
    ...(isSealed ? { log_identity: { ...ledger, signers: [] }, onAppended: () => wakes.wake() } : {}),
    pending_shards,
    // KMS holds no key of a witness yet: what we witness answers 501, who witnesses us is asked.
    witnessing: { settings: () => settings.witnessing, client: httpWitness(), has_keys: false },
    policy,
    searcher: localSearch({ root: repository }),
    providers: () => providers,
    installedModels: () => embed.describe(),
    scriptHost: () => scriptHost,
    sandboxStatus: () => ({}),
    single_user,
    now,
    newId,
    random,
    log,
  });

  // The first decision needs a session; it is vouched for while the first request is on its way. Nobody waits for it
  // here: what fails is tried again by whoever needs it.
  identity
    .session()
    .then(() => node.logAdoption())
    .catch((error: unknown) => log.error({ err: error }, 'no session key, or its adoption was not recorded'));

  const { jobs, counts } = node;
  // As `signet init` and `npm run deploy` make it.
  const entrance = { url: environment.api_url, home: `.signet/stages/${environment.stage}` };
  const sharedRate = makeSharedRate({ table, per_s: limits.rate_per_s, burst: limits.rate_burst });
  const services = { ...node.services, entrance, sharedRate };
  return { services, jobs, counts, rate: sharedRate, wakes, node_id: identity.node_id, is_new: identity.is_new };
}

/** A partition takes a thousand writes a second, and an entry is four of them. */
const pending_shards = 8;
