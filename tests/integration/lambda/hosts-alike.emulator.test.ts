import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import type { OutgoingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readSettings } from '../../../functions/assembly/read-settings.ts';
import { startNode } from '../../../functions/assembly/start-node.ts';
import { repository } from '../../e2e/running-node.ts';
import { startHttpGateway } from './http-gateway.ts';
import { openStage } from './open-stage.ts';

// The same requests to a node of this machine and to `serve-api` behind each kind of gateway, whole and streaming: status,
// headers and the shape of the body are the same, but for what a connection adds.

interface Host {
  readonly url: string;
  readonly owner_key: string;
}

let local: Host;
const deployed = new Map<string, Host>();
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  const emulator_url = process.env['SIGNET_EMULATOR_URL'] ?? '';
  const home = await mkdtemp(join(tmpdir(), 'signet-alike-'));
  const [node, streaming, whole] = await Promise.all([
    startLocal(home),
    openStage({ emulator_url }),
    openStage({ emulator_url, has_streaming: false }),
  ]);
  local = node;
  const [url_streaming, url_whole] = await Promise.all(
    [streaming, whole].map(({ server }) => startHttpGateway({ server, function_name: 'serve-api' })),
  );
  for (const [name, url, { owner_token }] of [
    ['a REST API that streams', streaming.url, streaming],
    ['a REST API', whole.url, whole],
    ['a function URL that streams', url_streaming?.url ?? '', streaming],
    ['a function URL', url_whole?.url ?? '', whole],
  ] as const) {
    deployed.set(name, { url, owner_key: owner_token });
  }
  closers.push(() => node.stop());
  closers.push(() => rm(home, { recursive: true, force: true }));
  for (const one of [url_streaming, url_whole, streaming, whole]) closers.push(async () => one?.stop());
}, 120_000);

afterAll(async () => {
  for (const close of closers) await close();
});

async function startLocal(home: string): Promise<Host & { stop(): Promise<void> }> {
  const environment = { SIGNET_HOME: home, SIGNET_LOG: 'silent', SIGNET_PORT: '0' };
  const settings = await readSettings({ environment, overrides: {} });
  const build_folder = join(repository, '.signet-build');
  const { url, node, stop } = await startNode({
    settings,
    environment,
    build_folder,
    repository,
    tell: () => undefined,
  });
  return { url, owner_key: (await readFile(node.owner_key.path, 'utf8')).trim(), stop };
}

const chat = { model: 'auto', messages: [{ role: 'user', content: 'hello' }] };
const json = { 'content-type': 'application/json' };

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  /** `false`: nobody's request. */
  readonly bearer?: false;
}

const asked: readonly Asked[] = [
  { path: '/healthz', bearer: false },
  { path: '/api/v1/health', bearer: false },
  { method: 'HEAD', path: '/openapi.json', bearer: false },
  { method: 'HEAD', path: '/healthz', bearer: false },
  { method: 'HEAD', path: '/v1/models' },
  { method: 'HEAD', path: '/v1/chat/completions' },
  { method: 'OPTIONS', path: '/v1/models' },
  { method: 'OPTIONS', path: '/v1/models', bearer: false, headers: { origin: 'https://example.org' } },
  { method: 'PATCH', path: '/v1/models', headers: json, body: '{}' },
  { method: 'PROPFIND', path: '/v1/models' },
  { method: 'DELETE', path: '/healthz', bearer: false },
  { path: '/v1/models' },
  { path: '/v1/models/edge/signet-edge-1' },
  { path: '/v1/models/edge%2Fsignet-edge-1' },
  { path: '/v1/models/edge%2fsignet-edge-1' },
  { path: '/v1/models/no%20such%3Fmodel%23x' },
  { path: '/v1/models/caf%C3%A9+x' },
  { path: '/v1/models/a%zz' },
  { path: '/v1/models/' },
  { path: '//v1/models' },
  { path: '/v1/models/..%2f..%2fowner.key' },
  { path: '/v1/./models' },
  { path: '/nowhere', bearer: false },
  { path: '/v1/nowhere', bearer: false },
  { path: '/v1/nowhere' },
  { path: '/v1/models?' },
  { path: '/v1/models?a=1' },
  { path: '/api/v1/receipts/x' },
  { path: `/api/v1/receipts/${'0'.repeat(64)}` },
  { path: '/api/v1/runs/none/events?after=1&after=2' },
  { path: '/api/v1/runs/none?wait_ms=%31' },
  { path: '/v1/models', headers: { 'x-request-id': 'mine-1' } },
  { path: '/v1/models', headers: { 'x-request-id': 'not one\u00e9' } },
  { path: '/v1/models', headers: { cookie: 'a=1; b=2', 'accept-encoding': 'gzip' } },
  { path: '/v1/models', headers: { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9' } },
  { path: '/v1/models', headers: { authorization: 'Basic eDp5' }, bearer: false },
  { path: '/v1/models', headers: { 'x-long': 'a'.repeat(7_000) } },
  { path: '/v1/models', headers: json, body: '{"a":1}' },
  { method: 'POST', path: '/v1/chat/completions', headers: json, body: JSON.stringify(chat) },
  { method: 'POST', path: '/v1/chat/completions', headers: json, body: JSON.stringify({ ...chat, stream: true }) },
  {
    method: 'POST',
    path: '/v1/chat/completions',
    headers: { 'content-type': 'application/json; charset=utf-8', expect: '100-continue' },
    body: JSON.stringify({ ...chat, messages: [{ role: 'user', content: '\u{1f600} \u0000é'.replace('\u0000', '') }] }),
  },
  { method: 'POST', path: '/v1/chat/completions', headers: json },
  { method: 'POST', path: '/v1/chat/completions', body: JSON.stringify(chat) },
  { method: 'POST', path: '/v1/chat/completions', headers: { ...json, 'content-encoding': 'gzip' }, body: 'x' },
  { method: 'POST', path: '/v1/chat/completions', headers: json, body: new Uint8Array([0x22, 0xff, 0x22]) },
  { method: 'POST', path: '/v1/chat/completions', headers: json, body: JSON.stringify(chat), bearer: false },
  { method: 'POST', path: '/v1/embeddings', headers: json, body: '{"model":"all-MiniLM-L6-v2","input":"a"}' },
  { method: 'POST', path: '/v1/embeddings', headers: json, body: '{"model":"none","input":"a"}' },
  { method: 'POST', path: '/api/v1/embeddings', headers: json, body: '{"inputs":["a"],"encoding":"int8"}' },
  { method: 'PUT', path: '/api/v1/scripts/alike', headers: json, body: '{"source":"print(42)"}' },
  { path: '/api/v1/scripts/alike' },
  { method: 'POST', path: '/api/v1/runs', headers: json, body: '{"script":"print(42)","mode":"async"}' },
  {
    method: 'POST',
    path: '/api/v1/vectors/collections',
    headers: { ...json, 'idempotency-key': 'alike-1' },
    body: '{"name":"alike","dimension":2}',
  },
  {
    method: 'POST',
    path: '/api/v1/vectors/collections',
    headers: { ...json, 'idempotency-key': 'alike-1' },
    body: '{"name":"alike","dimension":2}',
  },
  {
    method: 'POST',
    path: '/api/v1/vectors/collections',
    headers: { ...json, 'idempotency-key': 'alike-1' },
    body: '{"name":"other","dimension":2}',
  },
  {
    method: 'POST',
    path: '/api/v1/vectors/collections/alike/put',
    headers: json,
    body: '{"vectors":[{"id":"a","vector":[1,0]}]}',
  },
  {
    method: 'POST',
    path: '/api/v1/vectors/collections/alike/query',
    headers: json,
    body: '{"vector":[1,0],"k":1}',
  },
  { method: 'DELETE', path: '/api/v1/vectors/collections/alike' },
  { method: 'POST', path: '/internal/runs/x/frames', headers: json, body: '{}' },
];

describe.each(['a REST API that streams', 'a REST API', 'a function URL that streams', 'a function URL'])(
  '%s answers like a node of this machine',
  (name) => {
    const named = asked.map((one) => ({ ...one, what: `${one.method ?? 'GET'} ${one.path}` }));
    test.each(named)(
      '$what',
      async (one) => {
        const host = deployed.get(name) ?? { url: '', owner_key: '' };
        // The node of this machine has been asked before where it keeps something: it is asked under another name.
        const [here, there] = await Promise.all([send(local, own(one, name)), send(host, own(one, name))]);
        expect(there).toEqual(here);
      },
      10_000,
    );
  },
);

/** The request with names that this host alone is asked for. */
function own(one: Asked, name: string): Asked {
  const mine = (text: string) => text.replaceAll('alike', `alike-${[...deployed.keys()].indexOf(name)}`);
  const key = one.headers?.['idempotency-key'];
  return {
    ...one,
    path: mine(one.path),
    ...(typeof one.body === 'string' ? { body: mine(one.body) } : {}),
    ...(typeof key === 'string' ? { headers: { ...one.headers, 'idempotency-key': mine(key) } } : {}),
  };
}

interface Told {
  readonly status: number | undefined;
  readonly headers: { readonly [name: string]: unknown };
  readonly body: unknown;
}

function send({ url, owner_key }: Host, { method = 'GET', path, headers = {}, body, bearer }: Asked): Promise<Told> {
  const { hostname, port, pathname } = new URL(url);
  const sent = {
    ...(bearer === false ? {} : { authorization: `Bearer ${owner_key}` }),
    ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
    ...headers,
  };
  const options = { hostname, port, method, path: `${pathname === '/' ? '' : pathname}${path}`, headers: sent };
  return new Promise((resolve, reject) => {
    const request = httpRequest(options, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(pieces).toString();
        resolve({
          status: response.statusCode,
          headers: headersOf(response.headers),
          body: shapeOf(text.replaceAll(url, 'URL'), response.headers['content-type'] ?? ''),
        });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Of one connection, or of the moment. */
const passing = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding', 'content-length']);
const volatile = new Set([
  'x-request-id',
  'signet-receipt',
  'location',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
]);

function headersOf(headers: OutgoingHttpHeaders): Told['headers'] {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !passing.has(name))
      .map(([name, value]) => [name, volatile.has(name) ? 'some' : value]),
  );
}

/** JSON with the kinds of its values, but the words by which a program tells answers apart; other text as it is. */
function shapeOf(text: string, type: string): unknown {
  if (type.startsWith('text/event-stream')) {
    return text.split('\n\n').map((event) => event.replace(/\{.*\}/s, '{}').replace(/[0-9a-f]{64}/g, 'receipt'));
  }
  if (text === '' || !/json/.test(type)) return text;
  return kindsOf(JSON.parse(text));
}

const told_words = new Set([
  'code',
  'reason',
  'type',
  'title',
  'detail',
  'message',
  'object',
  'model',
  'try',
  'status',
]);

function kindsOf(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return value.length > 0 && name !== 'try' ? [kindsOf(value[0], name)] : value;
  if (typeof value !== 'object' || value === null) return told_words.has(name) ? value : typeof value;
  return Object.fromEntries(Object.entries(value).map(([one, inner]) => [one, kindsOf(inner, one)]));
}
