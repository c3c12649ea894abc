import { randomUUID } from 'node:crypto';
import type { Call } from '../../domain/call.ts';
import type { CountedKind } from '../../domain/counts/make-counts.ts';
import type { Judged } from '../../domain/decisions/judge.ts';
import { SignetError } from '../../domain/errors.ts';
import type { Begun, StoredAnswer } from '../../domain/idempotency/make-idempotency.ts';
import type { Run } from '../../domain/runs/runs.ts';
import type { Scope } from '../../domain/scopes.ts';
import { scopes } from '../../domain/scopes.ts';
import { makeVectorOps } from '../../domain/vectors/make-vector-ops.ts';
import type { Collection } from '../../domain/vectors/vectors.ts';
import type { Services } from '../services.ts';

/** What reached the domain, in order: `noun.verb` and the request. */
export interface Reached {
  readonly verb: string;
  readonly request: unknown;
  readonly call?: Call;
}

export const receipt = 'a'.repeat(64);
export const ownerToken = 'sg_owner';

/** A bearer that holds exactly these scopes. */
export function tokenWith(...held: readonly Scope[]): string {
  return `sg_${held.join('+')}`;
}

/**
 * The edge's tests need a domain that answers at once, remembers what reached it, and does nothing: the edge decides
 * nothing on its own, so what it hands on is all there is to see.
 */
export function recordedServices(changes: Partial<Services> = {}): Services & {
  readonly reached: Reached[];
  readonly counted: CountedKind[];
} {
  const reached: Reached[] = [];
  const counted: CountedKind[] = [];
  const rows = new Map<string, { digest: string; answer?: StoredAnswer; done: boolean }>();

  function judged<T>(verb: string, value: T) {
    return (call: Call, request: unknown): Promise<Judged<T>> => {
      reached.push({ verb, request, call });
      return Promise.resolve({ value, receipt });
    };
  }
  function plain<T>(verb: string, value: T) {
    return (call: Call, request?: unknown): Promise<T> => {
      reached.push({ verb, request, call });
      return Promise.resolve(value);
    };
  }

  return {
    reached,
    counted,
    counts: { note: (kind) => counted.push(kind) },
    version: '0.0.0-test',
    now: () => Date.now(),
    newId: () => randomUUID(),
    log: { info() {}, warn() {}, error() {} },
    limits: { rate_per_s: 1e9, rate_burst: 1e9, stranger_per_s: 1e9, stranger_burst: 1e9, sync_wait_ms: 10 },
    apiKeys: {
      authenticate: (bearer) => {
        const held = bearer === ownerToken ? scopes : bearer.slice(3).split('+');
        const known = held.filter((one): one is Scope => scopes.includes(one as Scope));
        if (!bearer.startsWith('sg_') || (known.length === 0 && bearer !== 'sg_none'))
          return Promise.resolve(undefined);
        return Promise.resolve({ kind: 'key', id: bearer, tenant: 'default', scopes: known, unlimited_rate: false });
      },
      create: judged('apiKeys.create', { ...apiKey, token: 'sg_secret' }),
      list: plain('apiKeys.list', [apiKey]),
      revoke: judged('apiKeys.revoke', null),
      rotate: judged('apiKeys.rotate', { ...apiKey, token: 'sg_secret' }),
    },
    identities: {
      generate: judged('identities.generate', managed),
      list: plain('identities.list', [managed]),
      find: () => Promise.resolve(managed),
      sign: judged('identities.sign', {
        signature: 'ab'.repeat(64),
        public_key: managed.public_key,
        payload_type: 'text/plain',
        key_id: managed.key_id,
        id: receipt,
        envelope: {},
      }),
      verify: (items) => {
        reached.push({ verb: 'identities.verify', request: items });
        return Promise.resolve(items.map(({ payload }) => (payload.length === 0 ? 'sig.invalid' : 'ok')));
      },
      revoke: judged('identities.revoke', managed),
    },
    messages: {
      create: judged('messages.create', {
        id: receipt,
        public_key: managed.public_key,
        signature: 'ab'.repeat(64),
        ttl: 60,
        timestamp: 1,
        content_hash: receipt,
        digests: { sha256: receipt, blake3: receipt },
        envelope: {},
      }),
      verify: (envelope) => {
        reached.push({ verb: 'messages.verify', request: envelope });
        return Promise.resolve({ valid: true, checks: [], id: receipt });
      },
      isSeen: () => Promise.resolve(false),
      consume: (call, envelope) => {
        reached.push({ verb: 'messages.consume', request: envelope, call });
        return Promise.resolve({ verdict: { valid: true, checks: [], id: receipt }, receipt });
      },
    },
    gates: {
      check: judged('gates.check', {
        id: receipt,
        passed: true,
        chain: [],
        ihsan: 10_000,
        con: receipt,
        record: { claimed: {} },
      }),
    },
    constitutions: {
      get: (version) => {
        reached.push({ verb: 'constitutions.get', request: version });
        return Promise.resolve({
          version: 1,
          con: receipt,
          ihsan_threshold: 1,
          snr_threshold: 1,
          rules: [],
          penalties: [],
          document: {},
          adopted: { effective: 1 },
        });
      },
      check: judged('constitutions.check', { compliant: false, con: receipt, checks: [] }),
    },
    judge: {
      decide: (call, judgement) => {
        reached.push({ verb: 'judge.decide', request: judgement, call });
        const error = new SignetError({ code: 'policy_denied', detail: 'policy does not allow this' });
        error.receipt = receipt;
        return Promise.reject(error);
      },
    },
    idempotency: {
      begin: ({ principal, key, digest }): Promise<Begun> => {
        const name = `${principal.id} ${key}`;
        const row = rows.get(name);
        if (row !== undefined && row.digest !== digest) {
          return Promise.reject(new SignetError({ code: 'idempotency_mismatch', detail: 'another request' }));
        }
        if (row?.answer !== undefined) return Promise.resolve({ kind: 'stored', answer: row.answer });
        if (row !== undefined) {
          const code = row.done ? 'replay' : 'idempotency_in_progress';
          return Promise.reject(new SignetError({ code, detail: 'seen' }));
        }
        rows.set(name, { digest, done: false });
        return Promise.resolve({
          kind: 'fresh',
          finish: (answer) => {
            rows.set(name, { digest, done: true, ...(answer === undefined ? {} : { answer }) });
            return Promise.resolve();
          },
          abandon: () => {
            rows.delete(name);
            return Promise.resolve();
          },
        });
      },
    },
    chat: {
      complete: async (call, request) => ({
        ...(await judged('chat.complete', completion)(call, request)),
        ...routed,
        stop: 'max_steps',
      }),
      stream: (call, request) => {
        reached.push({ verb: 'chat.stream', request, call });
        return Promise.resolve({ receipt, ...routed, events: twoChunks() });
      },
      routeOf: () => Promise.resolve({ kind: 'none', candidates: [] }),
      models: plain('chat.models', [
        {
          id: 'edge/signet-edge-1',
          provider: 'edge',
          tier: 'edge' as const,
          capabilities: ['chat' as const],
          rules: true,
          owned_by: 'signet',
          permitted: true,
        },
      ]),
    },
    embeddings: {
      embed: async (call, request) => ({
        receipt,
        value: {
          model: request.model ?? 'tiny',
          model_digest: 'd'.repeat(64),
          precision: 'fp32',
          dimension: 3,
          vectors:
            (reached.push({ verb: 'embeddings.embed', request, call }),
            request.texts.map(() => new Float32Array([0.1, -0.5, 1]))),
          tokens: request.texts.map(() => 4),
          truncated: [],
          served_by: 'native',
        },
      }),
      vectorsOf: () => Promise.reject(new Error('the edge embeds nothing on its own')),
      models: () =>
        Promise.resolve([
          {
            id: 'tiny',
            dimension: 3,
            max_tokens: 256,
            installed: true,
            pinned: true,
            precisions: ['fp32' as const],
            default_precision: 'fp32' as const,
            checked: [],
            truncatable: [],
            default: true,
            license: 'MIT',
            aliases: ['small'],
            permitted: true,
          },
        ]),
    },
    tools: {
      list: plain('tools.list', []),
      get: plain('tools.get', tool),
      put: judged('tools.put', tool),
      delete: judged('tools.delete', null),
      invoke: (call, request) => {
        reached.push({ verb: 'tools.invoke', request, call });
        return Promise.resolve({ kind: 'result', value: 42, truncated: false, receipt });
      },
      offered: () => Promise.resolve([]),
      nameFromModel: (name) => name,
    },
    scripts: {
      list: plain('scripts.list', [{ name: 's', digest: 'd'.repeat(64), created: 1 }]),
      get: plain('scripts.get', { name: 's', digest: 'd'.repeat(64), created: 1, source: '1' }),
      put: judged('scripts.put', { name: 's', digest: 'd'.repeat(64), created: 1, source: '1' }),
      byDigest: () => Promise.resolve(undefined),
    },
    runs: {
      create: judged('runs.create', { ...run, state: 'queued' as const, receipts: [] }),
      get: plain('runs.get', run),
      cancel: judged('runs.cancel', { ...run, state: 'cancelled' as const }),
      events: (call, request) => {
        reached.push({ verb: 'runs.events', request, call });
        return Promise.resolve(runEvents(request.after));
      },
      answerCall: (frame) => {
        reached.push({ verb: 'runs.answerCall', request: frame });
        return Promise.resolve({ kind: 'value', value: 1 });
      },
      answerEngine: (request) => {
        reached.push({ verb: 'runs.answerEngine', request });
        return Promise.resolve({ kind: 'watch', cancelled: false });
      },
      advance: () => Promise.resolve({ kind: 'done' }),
    },
    vectorOps: makeVectorOps({
      compute: {
        comparePairs: (request) => {
          reached.push({ verb: 'arithmetic.comparePairs', request });
          return Promise.resolve(new Float32Array(1));
        },
        normalise: ({ rows }) => Promise.resolve(rows),
        findTop: () => Promise.resolve({ rows: new Uint32Array(0), scores: new Float32Array(0) }),
        describeKernels: () => Promise.resolve({ isa: 'simd128' }),
      },
      version: '0.0.0-test',
      platform: 'test',
      served_by: () => 'wasm',
    }),
    vectors: {
      create: judged('vectors.create', collection),
      list: plain('vectors.list', { collections: [collection] }),
      describe: plain('vectors.describe', collection),
      drop: judged('vectors.drop', null),
      put: judged('vectors.put', { seq: 1, upserted: 1, ids: ['a'], truncated: [] }),
      query: judged('vectors.query', {
        hits: [],
        score_kind: 'cosine' as const,
        seq: 1,
        generation: 0,
        snapshot: 'x',
      }),
      get: plain('vectors.get', { found: [], missing: [] }),
      delete: judged('vectors.delete', { seq: 1, deleted: 1 }),
      patch: judged('vectors.patch', { seq: 1, patched: ['a'], missing: [] }),
      count: plain('vectors.count', { count: 1, seq: 1 }),
      ids: plain('vectors.ids', { ids: ['a'] }),
      stats: plain('vectors.stats', { namespaces: [] }),
      compact: judged('vectors.compact', { state: 'acquired' as const }),
      dropNamespace: judged('vectors.dropNamespace', null),
    },
    witness: {
      addCheckpoint: async (body) => {
        reached.push({ verb: 'witness.addCheckpoint', request: body });
        return { kind: 'cosigned', line: '— w CGFh\n', size: 1 };
      },
      facts: async () => ({ name: 'w', vkey: 'w+00000000+BA==' }),
      logs: async () => [],
    },
    receipts: {
      get: (id) =>
        Promise.resolve(
          id === receipt ? { entry: 'ZQ==', delegation: 'ZA==', document: { b: 1, a: [true, null] } } : undefined,
        ),
      proof: (id) => Promise.resolve(id === receipt ? { kind: 'sealed', text: 'proof' } : undefined),
    },
    ledger: {
      bundle: () => ({ node_id: 'did:key:z6Mk', documents: [] }),
      file: (path) =>
        Promise.resolve(
          path === 'checkpoint' || path === 'tile/0/000.p/1'
            ? { bytes: new Uint8Array([10]), is_immutable: path !== 'checkpoint' }
            : undefined,
        ),
    },
    status: plain('status', {
      node_id: 'did:key:z6Mk',
      version: '0.0.0-test',
      uptime_secs: 1,
      uptime_seconds: 1,
      total_requests: 1,
      identity_initialized: true,
      inference_ready: false,
      federation_connected: false,
      con: 'c',
      constitution_version: 1,
      ledger: { pending: 0 },
      compute: {
        sign: { served_by: 'wasm' as const },
        verify: { served_by: 'wasm' as const },
        digest: { served_by: 'wasm' as const },
        score: { served_by: 'wasm' as const },
        gates: { served_by: 'unavailable' as const, reason: 'not built' },
        arithmetic: { served_by: 'wasm' as const },
        segments: { served_by: 'wasm' as const },
        embed: { served_by: 'unavailable' as const, reason: 'building' },
        run: { served_by: 'unavailable' as const, reason: 'building' },
      },
      providers: [],
      sandbox: {},
    }),
    health: () =>
      Promise.resolve({
        status: 'healthy',
        version: '0.0.0-test',
        checks: [{ name: 'table', state: 'ok', ms: 1 }],
        checked_at: 1,
      }),
    build: { version: '0.0.0-test' },
    metrics: () =>
      Promise.resolve([{ name: 'up', type: 'gauge', help: 'up', samples: [{ labels: {}, value: 1 }] } as const]),
    inference: {
      generate: (call, request) => {
        reached.push({ verb: 'inference.generate', request, call });
        return Promise.resolve({ ...generated, text: 'hey', receipt });
      },
      stream: (call, request) => {
        reached.push({ verb: 'inference.stream', request, call });
        return Promise.resolve({ receipt, route: generated.model, events: generationEvents() });
      },
      models: plain('inference.models', [
        { name: 'a/one', tier: 'pool' as const, provider: 'a', available: true, probed_at: 1 },
        { name: 'b/two', tier: 'local' as const, provider: 'b', available: false, probed_at: 1 },
        { name: 'edge/signet-edge-1', tier: 'edge' as const, provider: 'edge' },
      ]),
      recommend: plain('inference.recommend', {
        recommended_tier: 'edge' as const,
        model: generated.model,
        complexity: 0,
        reasoning: ['1 of 1 models can serve this request'],
        features: { prompt_tokens: 1, answer_tokens: 512, lines: 1, questions: 0, has_code: false },
        estimates: { nanousd: 0 },
      }),
    },
    events: {
      follow: (call, request) => {
        reached.push({ verb: 'events.follow', request, call });
        return followedEvents();
      },
    },
    sockets: {
      count: 0,
      open: () => ({ receive: () => undefined, gone: () => undefined }),
      audit: () => Promise.resolve(),
      close: () => undefined,
    },
    federation: {
      status: () =>
        Promise.resolve({
          connected: false,
          node_id: 'did:key:z6Mk',
          peer_count: 0,
          gossip_round: 0,
          consensus_height: 0,
          pattern_count: 0,
          peers: 0,
          witnesses: [],
        }),
      peers: () =>
        Promise.resolve(
          ['w1', 'w2', 'w3'].map((node_id) => ({
            node_id,
            address: `https://${node_id}.example`,
            state: node_id === 'w3' ? ('alive' as const) : ('unknown' as const),
            role: 'witness' as const,
          })),
        ),
    },
    ...changes,
  };
}

const routed = { route: 'edge/signet-edge-1', tier: 'edge', candidates: [] } as const;

const generated = {
  model: 'edge/signet-edge-1',
  tier: 'edge' as const,
  prompt_tokens: 1,
  completion_tokens: 1,
  duration_ms: 2,
  tokens_per_second: 500,
  finish_reason: 'stop' as const,
  route: [],
};

async function* followedEvents() {
  yield { kind: 'reset' as const, oldest: 3 };
  const event = { topic: 'run.completed' as const, occurred_at: 1, subject: 'run-1', data: { run: 'run-1' } };
  yield { kind: 'event' as const, seq: 3, cursor: 3, id: `${receipt}.run.completed`, receipt_id: receipt, ...event };
}

async function* generationEvents() {
  yield { kind: 'text' as const, text: 'hey' };
  yield { kind: 'done' as const, receipt, ...generated };
}

async function* twoChunks() {
  yield {
    kind: 'chunk' as const,
    chunk: { id: 'c', choices: [{ index: 0, delta: { role: 'assistant', content: 'he' } }] },
  };
  yield {
    kind: 'chunk' as const,
    chunk: { id: 'c', choices: [{ index: 0, delta: { content: 'y' }, finish_reason: 'stop' }] },
  };
  yield { kind: 'comment' as const, text: `signet-receipt ${receipt}` };
}

async function* runEvents(after: number) {
  for (let id = after + 1; id <= 3; id += 1) {
    yield { id, event: id === 3 ? 'done' : 'stdout', data: id === 3 ? {} : { text: `${id}` } };
  }
}

const managed = {
  node_id: 'did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp',
  key_id: 'z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp',
  public_key: 'ab'.repeat(32),
  custody: 'file' as const,
  purpose: 'agent' as const,
  created: 1,
  expires_at: 2,
  delegation: receipt,
};

const apiKey = {
  id: '0'.repeat(32),
  label: 'l',
  tenant: 'default',
  scopes: ['chat' as const],
  created: 1,
  unlimited_rate: false,
};

const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion' as const,
  created: 1,
  model: 'edge/signet-edge-1',
  choices: [
    {
      index: 0,
      message: { role: 'assistant' as const, content: 'hey', refusal: null },
      logprobs: null,
      finish_reason: 'stop' as const,
    },
  ],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
};

const tool = {
  name: 'soma',
  description: 'adds',
  version: '1',
  parameters: { type: 'object' },
  side_effects: 'compute' as const,
  timeout_ms: 1000,
  idempotent: true,
  allow_parallel: true,
  target: { kind: 'builtin' as const, name: 'soma' },
};

export const collection: Collection = {
  name: 'notes',
  metric: 'cosine',
  dimension: 3,
  stored_rows: 'f16',
  text: false,
  recall_sample: 0.01,
  rows: 0,
  seq: 0,
  created: 1,
};

export const run: Run = {
  id: 'run-1',
  state: 'succeeded',
  exit_code: 0,
  stdout: '42\n',
  stderr: '',
  stdout_truncated: false,
  stderr_truncated: false,
  limits: {},
  digests: {},
  receipts: ['b'.repeat(64), 'c'.repeat(64)],
  created_at: 1,
  ended_at: 2,
  attempt: 1,
};
