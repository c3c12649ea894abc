import type { ApiKeys } from '../domain/api-keys/api-keys.ts';
import type { Now } from '../domain/call.ts';
import type { Chat } from '../domain/chat/chat.ts';
import { contentObjectKey, nodeTenant } from '../domain/content/keys.ts';
import { makeEvents } from '../domain/events/make-events.ts';
import { makeToldLog } from '../domain/events/told-log.ts';
import { makeFederation } from '../domain/federation/federation.ts';
import { nodeKey } from '../domain/identity/keys.ts';
import type { Identity } from '../domain/identity/open-identity.ts';
import { makeInference } from '../domain/inference/make-inference.ts';
import { makeProbes } from '../domain/inference/probes.ts';
import type { JsonObject } from '../domain/json.ts';
import { oldestDue } from '../domain/jobs/oldest-due.ts';
import type { Log } from '../domain/ledger/log.ts';
import { collectMetrics } from '../domain/metrics/collect-metrics.ts';
import { makeDurations } from '../domain/metrics/durations.ts';
import { makeReadLog } from '../domain/metrics/read-log.ts';
import { requestsOf } from '../domain/metrics/tally.ts';
import { makeHealth } from '../domain/node/health.ts';
import type { Objects } from '../domain/ports/objects.ts';
import type { ChatProvider } from '../domain/ports/provider.ts';
import type { Table } from '../domain/ports/table.ts';
import type { WitnessState } from '../domain/witness/make-cosigner.ts';
import type { Services } from '../edge/services.ts';
import type { SocketFacts } from '../edge/socket/socket-hub.ts';
import version from '../package.json' with { type: 'json' };
import type { ComputeSlots } from './compute-slots.ts';
import { makeSockets } from './make-sockets.ts';
import type { NodeLog } from './node-log.ts';

/** A probe that is older does not say that a provider is ready. */
const probe_ms_max = 50_000;

/** What a node says of itself, all of it measured or read from the store. */
export function makeNodeReport(parts: {
  table: Table;
  objects: Objects;
  slots: ComputeSlots;
  identity: Identity;
  chat: Chat;
  providers: () => readonly ChatProvider[];
  sandboxStatus: () => JsonObject;
  /** Absent where nobody seals. */
  ledger: Log | undefined;
  /** Those that are configured for our log. */
  witnesses: () => Promise<readonly WitnessState[]>;
  /** Given where this process stays, times its answers and can hold sockets: who asks whether the key of one is still good, and hears of failures. */
  holding: { readonly apiKeys: Pick<ApiKeys, 'authenticate'>; readonly log: NodeLog } | undefined;
  now: Now;
}): Pick<
  Services,
  | 'version'
  | 'build'
  | 'health'
  | 'metrics'
  | 'status'
  | 'inference'
  | 'federation'
  | 'events'
  | 'sockets'
  | 'durations'
> {
  const { table, objects, slots, identity, chat, providers, ledger, witnesses, now } = parts;
  const started_at = now();

  const probes = makeProbes({ providers, table, now });
  const federation = makeFederation({ table, node_id: identity.node_id, witnesses, now });
  const readLog = makeReadLog({ log: ledger, table, now });
  const told = ledger === undefined ? undefined : makeToldLog({ log: ledger, verify: slots.verify, table, now });
  const { holding } = parts;
  const sockets =
    told === undefined || holding === undefined
      ? undefined
      : makeSockets({ ...holding, told, facts: socketFacts, now });

  const durations = holding === undefined ? undefined : makeDurations({ elapsed: () => performance.now() });

  return {
    version: version.version,
    build: { version: version.version, node: process.version, platform: `${process.platform}-${process.arch}` },
    inference: makeInference({ chat, probes, table, now }),
    federation,
    events: makeEvents({ log: told, now }),
    ...(sockets === undefined ? {} : { sockets }),
    ...(durations === undefined ? {} : { durations }),
    health: makeHealth({
      version: version.version,
      now,
      checks: [
        { name: 'table', is_vital: true, run: () => table.get({ pk: 'health', sk: '-' }, now()) },
        { name: 'signing', is_vital: true, run: () => identity.session() },
        // Where this role may look; nothing is there.
        { name: 'objects', is_vital: false, run: () => objects.head(contentObjectKey(nodeTenant, 'health')) },
        { name: 'digest', is_vital: true, run: () => slots.digest.digest([new Uint8Array(0)]) },
      ],
    }),
    async metrics() {
      const [reading, states, overdue_ms] = await Promise.all([readLog(), witnesses(), oldestDue({ table, now })]);
      const { size = 0 } = reading.ledger;
      const lags = states.map(({ name, size: cosigned }) => [name, Math.max(0, size - cosigned)] as const);
      return collectMetrics({
        uptime_s: (now() - started_at) / 1000,
        version: version.version,
        constitution: identity.constitution,
        ...(sockets === undefined ? {} : { ws_connections: sockets.count }),
        queues: { jobs: overdue_ms / 1000 },
        ...(durations === undefined ? {} : { durations: durations.read() }),
        tally: reading.tally,
        ledger: { ...reading.ledger, witness_lag: Object.fromEntries(lags) },
      });
    },
    async status(call) {
      const [models, { tally, ledger: entries }, owner, ready, { connected }] = await Promise.all([
        chat.models(call),
        readLog(),
        table.get(nodeKey(), now()),
        probes.latest(probe_ms_max),
        federation.status(),
      ]);
      const uptime_secs = Math.floor((now() - started_at) / 1000);
      return {
        node_id: identity.node_id,
        version: version.version,
        uptime_secs,
        uptime_seconds: uptime_secs,
        total_requests: requestsOf(tally),
        identity_initialized: owner?.['node_id'] === identity.node_id,
        inference_ready: ready.some(({ answered, tier }) => answered && tier !== 'edge'),
        federation_connected: connected,
        con: identity.con,
        constitution_version: identity.constitution_version,
        ledger: entries,
        compute: slots.states(),
        providers: providers().map(({ name, tier }) => ({
          name,
          tier,
          models: models.filter(({ provider }) => provider === name).length,
        })),
        sandbox: parts.sandboxStatus(),
      };
    },
  };

  async function socketFacts(): Promise<SocketFacts> {
    const { tally, ledger: entries } = await readLog();
    return {
      version: version.version,
      node_id: identity.node_id,
      uptime_secs: Math.floor((now() - started_at) / 1000),
      requests: requestsOf(tally),
      head: { size: entries.size ?? 0, root: entries.root ?? '' },
    };
  }
}
