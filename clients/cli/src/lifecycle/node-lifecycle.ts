import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import template from '@signet/functions/domain/constitution/template.json' with { type: 'json' };
import type { SnrScore } from '@signet/functions/domain/ports/gates-compute.ts';
import type { JsonObject } from '@signet/functions/domain/json.ts';
import { answerOf, askNode, type NodeRequest } from './ask-node.ts';
import { followEvents } from './follow-events.ts';
import { openInProcess } from './in-process.ts';
import type { AdvisoryCheck, HealthState, NodeLifecycle, NodeLifecycleOptions } from './lifecycle-types.ts';
import { NodeError } from './node-error.ts';
import { serveProcess, type ServeProcess } from './serve-process.ts';

const ask_ms_max = 10_000;
const generate_ms_max = 60_000;
const drain_ms_max = 5_000;

/**
 * A node as a program holds it: started, watched, asked, ended. What can be computed here is, by the same code as the
 * node's; where neither can, the answer is an error and never a pass.
 *
 * @example
 * const node = await createNodeLifecycle({ autoStart: true });
 * const { passed } = await node.checkGates({ content: 'some text' });
 * await node.stop();
 */
export async function createNodeLifecycle(options: NodeLifecycleOptions = {}): Promise<NodeLifecycle> {
  const { apiPort = 3001, compute = 'auto', autoStart = false, healthIntervalMs = 30_000 } = options;
  const home = resolve(options.home ?? process.env['SIGNET_HOME'] ?? '.signet');
  const inProcess = await openInProcess(compute);
  const listeners = new Set<(state: HealthState) => void>();
  const inFlight = new Set<Promise<unknown>>();
  let url = (options.baseUrl ?? `http://127.0.0.1:${apiPort}`).replace(/\/+$/, '');
  let token = options.token;
  let state: HealthState = 'unknown';
  let owned: ServeProcess | undefined;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  let watch: NodeJS.Timeout | undefined;

  const node: NodeLifecycle = {
    get inProcess() {
      return { available: inProcess.available, kind: inProcess.kind };
    },
    get apiHealthy() {
      return state === 'healthy';
    },
    health,
    onHealth(call) {
      listeners.add(call);
      watch ??= setInterval(() => void health(), healthIntervalMs).unref();
      return () => {
        listeners.delete(call);
        if (listeners.size === 0) unwatch();
      };
    },
    start: () => (starting ??= start().finally(() => (starting = undefined))),
    stop: () => (stopping ??= stop().finally(() => (stopping = undefined))),
    isRunning: () => owned?.isAlive() === true,
    uptime: () => (owned?.isAlive() === true ? Math.floor((Date.now() - owned.started_at) / 1000) : 0),
    checkSnr: (score, threshold = template.thresholds.snr / 10_000) => advisory(score, threshold),
    checkIhsan: (score, threshold = template.thresholds.ihsan / 10_000) => advisory(score, threshold),
    async digest(content) {
      if (!inProcess.available) throw unavailable('digests', inProcess.reason);
      const [digest] = await inProcess.digest.digest([bytesOf(content)]);
      if (digest === undefined) throw unavailable('digests', 'none came back');
      return digest;
    },
    async verify({ message, signature, public_key }) {
      if (inProcess.available) {
        const item = {
          public_key: hexBytes(public_key, 32),
          payload_type: textType,
          payload: bytesOf(message),
          signature: hexBytes(signature, 64),
        };
        const [verdict] = await inProcess.verify.verifyPayloads([item]);
        return verdict?.ok === true;
      }
      const body = { message, signature, public_key };
      const answer = await orUnavailable('verification', ask('POST', '/api/v1/identity/verify', body));
      return answer['valid'] === true;
    },
    async scoreText(text) {
      if (inProcess.available) {
        const [score] = await inProcess.gates.scoreSnr([bytesOf(text)]);
        if (score === undefined) throw unavailable('scores', 'none came back');
        return toldScore(score);
      }
      const verdict = await orUnavailable('scores', ask('POST', '/api/v1/pci/gates/check', { content: text }));
      const snr_bp = verdict['snr_bp'];
      return typeof snr_bp === 'number' ? { scored: true, snr_bp } : { scored: false };
    },
    sign: (message, key_id) =>
      ask('POST', '/api/v1/identity/sign', { message, ...(key_id === undefined ? {} : { key_id }) }),
    checkGates: (request) => ask('POST', '/api/v1/pci/gates/check', request),
    generate: (request) => ask('POST', '/api/v1/inference/generate', request, generate_ms_max),
    async models() {
      const models: JsonObject[] = [];
      let cursor: unknown;
      do {
        const page = await ask(
          'GET',
          `/api/v1/inference/models${typeof cursor === 'string' ? `?cursor=${cursor}` : ''}`,
        );
        if (Array.isArray(page['models'])) models.push(...(page['models'] as readonly JsonObject[]));
        cursor = page['cursor'];
      } while (typeof cursor === 'string');
      return models;
    },
    status: () => ask('GET', '/api/v1/status'),
    federationStatus: () => ask('GET', '/api/v1/federation/status'),
    events: (request) => followEvents(address, request),
    stats: () => ({
      inProcess: node.inProcess,
      apiHealthy: node.apiHealthy,
      apiPort: Number(new URL(url).port || (url.startsWith('https') ? 443 : 80)),
      processRunning: node.isRunning(),
      processUptimeS: node.uptime(),
      lastHealth: state,
      running: state === 'healthy' || state === 'degraded',
    }),
  };
  if (autoStart) await node.start();
  return node;

  function change(next: HealthState): HealthState {
    if (next === state) return state;
    state = next;
    for (const call of listeners) call(next);
    return state;
  }

  async function health(): Promise<HealthState> {
    if (starting !== undefined && owned === undefined) return state;
    if (owned !== undefined && !owned.isAlive()) return change('stopped');
    const seen = await look();
    // Ended while it was asked: its silence is no illness.
    if (state === 'stopped' && seen === 'unhealthy') return state;
    return change(seen);
  }

  async function look(): Promise<'healthy' | 'degraded' | 'unhealthy'> {
    try {
      const request: NodeRequest = { method: 'GET', path: '/api/v1/health', wait_ms: ask_ms_max };
      const { status, body } = await answerOf({ url, token: undefined }, request);
      return status === 200 && body['status'] === 'healthy' ? 'healthy' : 'degraded';
    } catch (error) {
      return error instanceof NodeError && error.kind === 'malformed' ? 'degraded' : 'unhealthy';
    }
  }

  async function start(): Promise<void> {
    await stopping;
    if (owned?.isAlive() === true) return;
    const before = await look();
    if (before !== 'unhealthy') {
      change(before);
      return;
    }
    change('starting');
    try {
      owned = await serveProcess({ home, port: apiPort });
    } catch (error) {
      change('stopped');
      throw error;
    }
    const begun = owned;
    begun.onExit(() => {
      if (owned === begun) change('stopped');
    });
    url = begun.url;
    token = options.token ?? (await ownerToken(home));
    change(await look());
  }

  async function stop(): Promise<void> {
    unwatch();
    await starting?.catch(() => undefined);
    await settled([...inFlight], drain_ms_max);
    const mine = owned;
    if (mine === undefined) return;
    await mine.stop();
    change('stopped');
  }

  function unwatch(): void {
    clearInterval(watch);
    watch = undefined;
  }

  /** Where the node is now, and the key for it: both may be known only after its start. */
  async function address(): Promise<{ url: string; token: string | undefined }> {
    token ??= await ownerToken(home);
    return { url, token };
  }

  async function ask(
    method: NodeRequest['method'],
    path: string,
    body?: unknown,
    wait_ms = ask_ms_max,
  ): Promise<JsonObject> {
    const asked = askNode(await address(), { method, path, wait_ms, ...(body === undefined ? {} : { body }) });
    inFlight.add(asked);
    try {
      const answer = await asked;
      return answer.receipt === undefined ? answer.body : { ...answer.body, receipt: answer.receipt };
    } finally {
      inFlight.delete(asked);
    }
  }
}

const textType = 'application/vnd.signet.text.v1';

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? new TextEncoder().encode(content) : content;
}

/** @throws {TypeError} where it is no hex of so many bytes: the caller's bug, not a bad signature */
function hexBytes(text: string, bytes: number): Uint8Array {
  if (!/^[0-9a-f]*$/i.test(text) || text.length !== bytes * 2) throw new TypeError(`expected ${bytes} bytes in hex`);
  return new Uint8Array(Buffer.from(text, 'hex'));
}

function advisory(score: number, threshold: number): AdvisoryCheck {
  // NaN passes no threshold.
  return { passed: score >= threshold && score <= 1, advisory: true, score, threshold };
}

function toldScore(score: SnrScore): { snr_bp?: number; scored: boolean; reason?: string } {
  return score.scored ? { scored: true, snr_bp: score.score } : { scored: false, reason: score.reason };
}

function unavailable(what: string, reason: string, cause?: unknown): NodeError {
  const detail = `nothing here or at the node gives ${what}: ${reason}`;
  return new NodeError({ kind: 'unavailable', code: 'gate.unavailable', detail }, { cause });
}

/** A node that says no has answered; one that does not answer leaves nobody who could. */
async function orUnavailable<T>(what: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof NodeError && error.kind !== 'refused') throw unavailable(what, error.message, error);
    throw error;
  }
}

async function ownerToken(home: string): Promise<string | undefined> {
  return readFile(join(home, 'owner.key'), 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
}

/** Resolves when all have ended, however, or the time is over. */
async function settled(work: readonly Promise<unknown>[], ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([Promise.allSettled(work), late]);
  clearTimeout(timer);
}
