import limits from '@signet/shared/limits.json' with { type: 'json' };
import registryFile from '../../layers/models/models.json' with { type: 'json' };
import { makeApiKeys, type OwnerKeys } from '../domain/api-keys/make-api-keys.ts';
import type { ApiKeys } from '../domain/api-keys/api-keys.ts';
import type { NewId, Now, RandomBytes } from '../domain/call.ts';
import { makeChat } from '../domain/chat/make-chat.ts';
import { makeContent } from '../domain/content/content.ts';
import { makeCounts, type Counts } from '../domain/counts/make-counts.ts';
import { makeJudge } from '../domain/decisions/make-judge.ts';
import { makeEmbeddings, type InstalledModel } from '../domain/embeddings/make-embeddings.ts';
import { makeIdentities } from '../domain/identities/make-identities.ts';
import { makeMessages } from '../domain/messages/make-messages.ts';
import { makeIdempotency } from '../domain/idempotency/make-idempotency.ts';
import { logAdoption } from '../domain/identity/log-adoption.ts';
import { makeNodeKeys, type NodeKeys } from '../domain/identity/node-keys.ts';
import type { Identity } from '../domain/identity/open-identity.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Jobs, JobStep } from '../domain/jobs/jobs.ts';
import { makeJobs } from '../domain/jobs/make-jobs.ts';
import { readRegistry } from '../domain/models/registry.ts';
import type { Keys } from '../domain/ports/keys.ts';
import type { Objects } from '../domain/ports/objects.ts';
import type { PolicyEngine } from '../domain/ports/policy-engine.ts';
import type { ChatProvider } from '../domain/ports/provider.ts';
import type { Queue } from '../domain/ports/queue.ts';
import type { RemoteScriptHost, ScriptHost } from '../domain/ports/script-host.ts';
import type { Table } from '../domain/ports/table.ts';
import { listedLog, vkeyText } from '../domain/ledger/log-identity.ts';
import type { LogIdentity } from '../domain/ledger/log-identity.ts';
import type { SealingWork } from '../domain/ledger/run-sealer.ts';
import { makeReceipts } from '../domain/receipts/make-receipts.ts';
import { makeRuns, type RunsWithTools } from '../domain/runs/make-runs.ts';
import { makeScripts } from '../domain/scripts/make-scripts.ts';
import { makeTools } from '../domain/tools/make-tools.ts';
import type { CompactionRules } from '../domain/vectors/compaction-rules.ts';
import type { FindSegment } from '../domain/vectors/find-segment.ts';
import { makeVectors } from '../domain/vectors/make-vectors.ts';
import { vectorsTools } from '../domain/vectors/vectors-tools.ts';
import { makeWeb } from '../domain/web/make-web.ts';
import type { Searcher } from '../domain/web/searcher.ts';
import { tokenBuckets } from '../edge/rate-limit.ts';
import type { Services } from '../edge/services.ts';
import { embedTool, webSearchTool } from './builtin-tools.ts';
import type { ComputeSlots } from './compute-slots.ts';
import { makeLedger, trustBundle } from './ledger-parts.ts';
import { makeAdoption, type Adoption } from './make-adoption.ts';
import { makeArithmetic } from './make-arithmetic.ts';
import { makeGateServices, screensOf } from './make-gate-services.ts';
import { makeNodeReport } from './make-node-report.ts';
import { makeWitnessing, type WitnessParts } from './make-witnessing.ts';
import type { NodeLog } from './node-log.ts';

/** What differs between a laptop and the cloud: the adapters, and what is known of them. */
export interface NodeParts {
  readonly table: Table;
  readonly objects: Objects;
  /** Wakes jobs. */
  readonly queue: Pick<Queue, 'send'>;
  readonly keys: Keys;
  readonly slots: ComputeSlots;
  readonly identity: Identity;
  /** Absent where nobody seals. */
  readonly log_identity?: LogIdentity;
  /** Wakes a sealer that is elsewhere. */
  readonly onAppended?: () => void;
  /** Partitions that entries wait in, 1..8; default: one. */
  readonly pending_shards?: number;
  /** Absent where nothing is witnessed and nobody is asked. */
  readonly witnessing?: WitnessParts;
  readonly policy: PolicyEngine;
  readonly searcher: Searcher;
  /** As they are configured now. */
  readonly providers: () => readonly ChatProvider[];
  /** The embedding model that is answered with when a request names none; default: the registry's. */
  readonly embed_model?: string | undefined;
  readonly installedModels: () => readonly InstalledModel[] | Promise<readonly InstalledModel[]>;
  /** Where the bytes of a segment of vectors are. */
  readonly findSegment: FindSegment;
  /** Default: those of `limits.json`. */
  readonly compaction?: Partial<CompactionRules> | undefined;
  /** Throws `CapabilityUnavailableError` while scripts cannot run. */
  readonly scriptHost: () => ScriptHost | RemoteScriptHost;
  readonly sandboxStatus: () => JsonObject;
  readonly single_user: boolean;
  /** This process lives as long as its connections, so that it can hold event sockets. */
  readonly holds_sockets?: boolean;
  readonly now: Now;
  readonly newId: NewId;
  readonly random: RandomBytes;
  readonly log: NodeLog;
}

/** Every noun of the domain over one set of adapters. */
export interface MadeNode extends Adoption {
  readonly services: Services;
  readonly jobs: Jobs;
  readonly counts: Counts;
  readonly apiKeys: ApiKeys & OwnerKeys;
  readonly runs: RunsWithTools;
  /** Seals entries behind the requests until it is stopped; undefined where nobody seals. */
  startSealing(): SealingWork | undefined;
  /** Rotates and revokes the keys that the node document lists. */
  readonly nodeKeys: NodeKeys;
  /** Writes once into the ledger which document and constitution this node adopted. */
  logAdoption(): Promise<unknown>;
}

/** Hands domain functions to each other. Reads nothing and waits for nothing: whatever takes time is in the parts. */
export function makeNode(parts: NodeParts): MadeNode {
  const { table, objects, queue, keys, slots, identity, providers, single_user, now, newId, random, log } = parts;
  const { digest } = slots;

  const content = makeContent({ objects, digest, random });
  const sealing = makeLedger({
    table,
    objects,
    keys,
    slots,
    identity: parts.log_identity,
    now,
    onSealed: () => witnessing.onSealed(),
    log,
  });
  const { log: ledger } = sealing;
  const witnessing = makeWitnessing({
    parts: parts.witnessing,
    table,
    objects,
    keys,
    slots,
    identity,
    ledger,
    now,
    log,
  });
  const sealed = ledger === undefined ? {} : { log: ledger };
  const { onAppended = sealing.onAppended, pending_shards: shards = 1 } = parts;
  const receipts = makeReceipts({ table, keys, identity, content, ...sealed, onAppended, shards, now });
  const judge = makeJudge({ policy: parts.policy, receipts, content });
  const counts = makeCounts({ receipts, identity, now, newId });
  const apiKeys = makeApiKeys({ table, judge, now, newId, random, single_user });

  const { verify } = slots;
  const identities = makeIdentities({ table, keys, identity, verify, judge, now, newId });
  const senders = tokenBuckets({ per_s: limits.messages.rate_per_s, burst: limits.messages.rate_burst });
  const messages = makeMessages({
    table,
    objects,
    keys,
    identity,
    identities,
    receipts,
    verify,
    digest,
    judge,
    takesFrom: (iss) => senders.take(iss, now()).admitted,
    now,
    random,
  });

  const { policy } = parts;
  const gating = { table, objects, slots, identity, policy, content, receipts, judge, messages, now };

  const steps = new Map<string, JobStep>();
  const jobs = makeJobs({ table, queue, now, newId, random: Math.random, steps });

  const embeddings = makeEmbeddings({
    registry: readRegistry(registryFile, parts.embed_model),
    compute: () => slots.current('embed'),
    installed: parts.installedModels,
    served_by: () => slots.states().embed.served_by,
    judge,
    now,
  });
  const vectors = makeVectors({
    table,
    objects,
    segments: () => slots.current('segments'),
    findSegment: parts.findSegment,
    compaction: parts.compaction,
    embeddings,
    digest,
    judge,
    jobs,
    now,
    newId,
    random,
  });
  for (const [kind, step] of vectors.steps) steps.set(kind, step);
  const web = makeWeb({ searcher: parts.searcher, judge });
  const scripts = makeScripts({ table, judge, now });

  // Scripts call tools and tools run scripts: the one arrow that would close the circle is bound late.
  let runs: RunsWithTools | undefined;
  const theRuns = (): RunsWithTools => {
    if (runs === undefined) throw new Error('runs are asked for before the node is made');
    return runs;
  };
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
  const screens = screensOf({ slots, identity });
  const chat = makeChat({ providers, tools, judge, screens, table, now, newId, random, limits });
  runs = makeRuns({
    table,
    jobs,
    judge,
    screens,
    receipts,
    chat,
    tools,
    web,
    embeddings,
    scripts,
    host: parts.scriptHost,
    now,
    newId,
    random,
    limits,
  });
  steps.set('run', ({ job, signal }) =>
    theRuns().advance({ id: job.id, payload: job.payload, attempt: job.attempt, signal }),
  );

  const services: Services = {
    chat,
    tools,
    embeddings,
    vectors,
    scripts,
    runs,
    apiKeys,
    identities,
    messages,
    ...makeGateServices(gating),
    ...makeArithmetic(slots),
    receipts,
    ...(ledger === undefined
      ? {}
      : { ledger: { file: (path) => ledger.file(path), bundle: () => trustBundle(identity) } }),
    ...(witnessing.witness === undefined ? {} : { witness: witnessing.witness }),
    judge,
    idempotency: makeIdempotency({ table, now, newId }),
    counts,
    now,
    newId,
    log,
    ...makeNodeReport({
      table,
      objects,
      slots,
      identity,
      chat,
      providers,
      sandboxStatus: parts.sandboxStatus,
      ledger,
      witnesses: async () => (await witnessing.cosigner?.known()) ?? [],
      holding: parts.holds_sockets === true ? { apiKeys, log } : undefined,
      now,
    }),
  };

  const adopt = (): Promise<string | undefined> => logAdoption({ table, receipts, identity, digest, now, newId });
  return {
    services,
    jobs,
    counts,
    apiKeys,
    runs,
    startSealing() {
      const work = sealing.startSealing();
      const cosigning = work === undefined ? undefined : witnessing.startCosigning();
      if (work === undefined || cosigning === undefined) return work;
      return { wake: () => work.wake(), stop: async () => void (await Promise.all([work.stop(), cosigning.stop()])) };
    },
    logAdoption: adopt,
    ...makeAdoption({ identity, slots, policy: parts.policy, logAdoption: adopt, log }),
    nodeKeys: makeNodeKeys({
      identity,
      keys,
      vkeyOf: (key) => vkeyText({ origin: listedLog(identity.document).origin, key, digest }),
      // What waits will stand in the log before the next entry does.
      logSize: async () => {
        const totals = await ledger?.totals();
        return totals === undefined ? undefined : totals.size + totals.unsealed.length;
      },
      logAdoption: adopt,
      now,
    }),
  };
}
