import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import type { Principal } from '../domain/call.ts';
import { makeEventFeed } from '../domain/events/event-feed.ts';
import type { JsonObject } from '../domain/json.ts';
import { makeApp } from '../edge/make-app.ts';
import { makeSocketHub, type SocketHub, type SocketHubOptions } from '../edge/socket/socket-hub.ts';
import { ownerToken, recordedServices } from '../edge/testing/recorded-services.ts';
import { plainToldLog } from '../edge/testing/told-log.ts';
import { startLocalServer } from './local-server.ts';

const ended: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

/** A server over a log that the test appends to. */
async function serve(changes: Partial<SocketHubOptions> & { beat_ms?: number; limits?: object } = {}): Promise<{
  url: string;
  port: number;
  log: ReturnType<typeof plainToldLog>;
  hub: SocketHub;
  close: () => Promise<void>;
}> {
  const { beat_ms = 30_000, limits = {}, ...options } = changes;
  const log = plainToldLog();
  const services = recordedServices();
  const hub = makeSocketHub({
    log,
    feed: makeEventFeed({ log, onError: () => undefined, look_every_ms: 2 }),
    facts: async () => ({ version: '1', node_id: 'did', uptime_secs: 1, requests: 2, head: await log.head() }),
    authenticate: (bearer) => services.apiKeys.authenticate(bearer),
    now: Date.now,
    onError: () => undefined,
    audit_every_ms: 5,
    ...options,
  });
  const app = makeApp({ ...services, sockets: hub, limits: { ...services.limits, ...limits } });
  const server = await startLocalServer({ app, host: '127.0.0.1', port: 0, sockets: hub, timeouts: { beat_ms } });
  const close = () => server.close({ drain_ms: 1_000 });
  ended.push(close);
  return { url: `ws://127.0.0.1:${server.port}/api/v1/ws`, port: server.port, log, hub, close };
}

interface Client {
  readonly socket: WebSocket;
  readonly heard: JsonObject[];
  say(message: unknown): void;
  /** The first message of this type that was not waited for yet. */
  next(type: string): Promise<JsonObject>;
  readonly closed: Promise<number>;
}

async function open(url: string, token: string | null = ownerToken, protocols: string[] = []): Promise<Client> {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const socket = new WebSocket(url, protocols, { headers });
  ended.push(async () => socket.terminate());
  const heard: JsonObject[] = [];
  const waiting: (() => void)[] = [];
  let seen = 0;
  socket.on('message', (data) => {
    heard.push(JSON.parse(data.toString()) as JsonObject);
    for (const wake of waiting.splice(0)) wake();
  });
  const closed = new Promise<number>((resolve) => socket.on('close', (code) => resolve(code)));
  socket.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    socket.on('open', () => resolve());
    socket.on('unexpected-response', (_, answer) => reject(new Error(`${answer.statusCode}`)));
    socket.on('error', reject);
  });
  return {
    socket,
    heard,
    closed,
    say: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async next(type) {
      for (;;) {
        const at = heard.findIndex((message, index) => index >= seen && message['type'] === type);
        if (at >= 0) {
          seen = at + 1;
          return heard[at] ?? {};
        }
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
  };
}

const topic = 'run.completed';

describe('a socket', () => {
  test('is welcomed, answers, tells the backlog and then what comes', async () => {
    const { url, log } = await serve();
    for (let count = 0; count < 3; count += 1) log.append();
    const client = await open(url);
    expect(await client.next('welcome')).toEqual({
      type: 'welcome',
      version: '1',
      node_id: 'did',
      head: { size: 3, root: 'root-3', counts: {} },
      limits: {
        message_bytes: 32_768,
        topics: 32,
        messages_per_s: 20,
        backlog: 10_000,
        queued_bytes: 1_048_576,
        queued: 1_000,
      },
    });
    client.say({ type: 'ping' });
    expect((await client.next('pong'))['timestamp']).toBeGreaterThan(1.7e9);
    client.say({ type: 'subscribe', topic, cursor: 0 });
    expect(await client.next('subscribed')).toEqual({ type: 'subscribed', topic, cursor: 0, oldest: 0 });
    expect((await client.next('event'))['seq']).toBe(1);
    expect((await client.next('event'))['seq']).toBe(2);
    log.append();
    expect((await client.next('event'))['seq']).toBe(3);
    client.say({ type: 'status' });
    expect(await client.next('status')).toMatchObject({
      uptime_secs: 1,
      requests: 2,
      subscriptions: [{ topic, cursor: 3 }],
    });
    client.say({ type: 'unsubscribe', topic });
    expect(await client.next('unsubscribed')).toEqual({ type: 'unsubscribed', topic, cursor: 3 });
  });

  test('without a cursor tells what comes; one that is ahead of the log is waited for', async () => {
    const { url, log } = await serve();
    log.append();
    const client = await open(url);
    client.say({ type: 'subscribe', topic });
    expect(await client.next('subscribed')).toMatchObject({ cursor: 0 });
    log.append();
    expect((await client.next('event'))['seq']).toBe(1);
    client.say({ type: 'subscribe', topic, cursor: 2 });
    expect(await client.next('subscribed')).toMatchObject({ cursor: 2 });
    for (let count = 0; count < 2; count += 1) log.append();
    expect((await client.next('event'))['seq']).toBe(3);
  });

  test('with a cursor before what is told is reset', async () => {
    const { url, log } = await serve();
    for (let count = 0; count < 5; count += 1) log.append();
    log.oldest_index = 3;
    const client = await open(url);
    client.say({ type: 'subscribe', topic, cursor: 0 });
    expect(await client.next('reset')).toEqual({ type: 'reset', topic, oldest: 3 });
    expect(await client.next('subscribed')).toEqual({ type: 'subscribed', topic, cursor: 2, oldest: 3 });
    expect((await client.next('event'))['seq']).toBe(3);
  });

  test('tells the size of the log, the newest one at once', async () => {
    const { url, log } = await serve();
    log.append();
    log.append();
    const client = await open(url);
    client.say({ type: 'subscribe', topic: 'ledger.sealed', cursor: -1 });
    expect(await client.next('event')).toMatchObject({ topic: 'ledger.sealed', seq: 1, data: { size: 2 } });
    log.append();
    expect(await client.next('event')).toMatchObject({ topic: 'ledger.sealed', seq: 2, data: { size: 3 } });
  });

  test('has a backlog that ends with `more`, at its bound', async () => {
    const bounds = { topics_max: 32, messages_per_s: 20, backlog_max: 300, queued_bytes_max: 1e9, queued_max: 1e9 };
    const { url, log } = await serve({ bounds });
    for (let count = 0; count < 700; count += 1) log.append();
    const client = await open(url);
    const heard = () => client.heard.filter(({ type }) => type === 'event').map(({ seq }) => seq);
    client.say({ type: 'subscribe', topic, cursor: -1 });
    expect(await client.next('more')).toEqual({ type: 'more', topic, cursor: 299 });
    client.say({ type: 'subscribe', topic, cursor: 299 });
    expect(await client.next('more')).toEqual({ type: 'more', topic, cursor: 599 });
    client.say({ type: 'subscribe', topic, cursor: 599 });
    client.say({ type: 'ping' });
    await client.next('pong');
    expect(heard()).toEqual(Array.from({ length: 700 }, (_, seq) => seq));
  });

  test('hears nothing of another tenant', async () => {
    const { url, log } = await serve();
    const client = await open(url);
    client.say({ type: 'subscribe', topic });
    await client.next('subscribed');
    log.append({ tenant: 'acme' });
    log.append({ tenant: '_node' });
    expect((await client.next('event'))['seq']).toBe(1);
    expect(client.heard.filter(({ type }) => type === 'event')).toHaveLength(1);
  });
});

describe('who may', () => {
  test('a key in the header, or as a sub-protocol that is not told back', async () => {
    const { url } = await serve();
    expect((await open(url)).socket.protocol).toBe('');
    expect((await open(url, null, ['signet.v1', `bearer.${ownerToken}`])).socket.protocol).toBe('signet.v1');
    expect((await open(url, ownerToken, ['signet.v1'])).socket.protocol).toBe('signet.v1');
  });

  test.each<[string, string, string | null, string[]]>([
    ['no key', '401', null, []],
    ['a key that is none', '401', 'sg_nothing-known', []],
    ['no key in the sub-protocol', '401', null, ['signet.v1']],
    ['a key without `events`', '403', 'sg_chat', []],
    ['another sub-protocol', '400', ownerToken, ['chat.v9']],
    ['a key alone as sub-protocol', '400', null, [`bearer.${ownerToken}`]],
  ])('%s is answered %s', async (_, status, token, protocols) => {
    const { url } = await serve();
    await expect(open(url, token, protocols)).rejects.toThrow(status);
  });

  test('a key in the URL is refused, not read', async () => {
    const { url } = await serve();
    await expect(open(`${url}?token=${ownerToken}`, null)).rejects.toThrow('401');
    await expect(open(`${url}?token=${ownerToken}`)).rejects.toThrow('400');
  });

  test('a page of another origin is refused', async () => {
    const { port } = await serve();
    const asked = (origin: string): Promise<number | undefined> =>
      new Promise((resolve) => {
        const headers = {
          authorization: `Bearer ${ownerToken}`,
          connection: 'upgrade',
          upgrade: 'websocket',
          origin,
          'sec-websocket-version': '13',
          'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        };
        const client = httpRequest({ port, path: '/api/v1/ws', headers });
        client.on('response', (answer) => resolve(answer.statusCode));
        client.on('upgrade', (_, socket) => (socket.destroy(), resolve(101)));
        client.end();
      });
    expect(await asked('https://example.com')).toBe(403);
    expect(await asked(`http://localhost:${port}`)).toBe(101);
  });

  test('a request that asks for no socket is 426; another path is not upgraded', async () => {
    const { port } = await serve();
    const headers = { authorization: `Bearer ${ownerToken}` };
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/ws`, { headers });
    expect([answer.status, await answer.json()]).toEqual([426, expect.objectContaining({ code: 'upgrade_required' })]);
    await expect(open(`ws://127.0.0.1:${port}/api/v1/status`)).rejects.toThrow('200');
    await expect(open(`ws://127.0.0.1:${port}/api/v1/nothing`)).rejects.toThrow('404');
  });

  test.each([
    ['no key of a handshake', 'sec-websocket-version: 13', '400'],
    ['another version', 'sec-websocket-version: 7\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==', '400'],
    ['a broken host', 'sec-websocket-version: 13', '400'],
  ])('%s is answered with a problem', async (name, lines, status) => {
    const { port } = await serve();
    const host = name === 'a broken host' ? 'a b' : 'a';
    const said = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(
          `GET /api/v1/ws HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${ownerToken}\r\nconnection: upgrade\r\nupgrade: websocket\r\n${lines}\r\n\r\n`,
        ),
      );
      socket.on('data', (data) => (text += data.toString()));
      socket.on('close', () => resolve(text));
    });
    expect(said).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(said).toContain('urn:signet:problem:');
  });

  test('a key that is asked too often is refused like any other request', async () => {
    const { url } = await serve({ limits: { rate_per_s: 0.001, rate_burst: 1 } });
    await open(url);
    await expect(open(url)).rejects.toThrow('429');
  });
});

describe('a socket ends', () => {
  test.each<[string, number, Principal | undefined]>([
    ['its key expired or was revoked', 4401, undefined],
    ['its key may no longer follow', 1008, { kind: 'key', id: 'k', tenant: 'default', scopes: ['events'] }],
  ])('when %s', async (_, code, left) => {
    let is_over = false;
    const asked = recordedServices().apiKeys;
    const { url, hub } = await serve({ authenticate: async (bearer) => (is_over ? left : asked.authenticate(bearer)) });
    const client = await open(url);
    client.say({ type: 'subscribe', topic });
    await client.next('subscribed');
    is_over = true;
    expect(await client.closed).toBe(code);
    expect(hub.count).toBe(0);
  });

  test('when a message is too large, or no text', async () => {
    const { url } = await serve();
    const large = await open(url);
    large.say('x'.repeat(32_769));
    expect(await large.closed).toBe(1009);
    const full = await open(url);
    full.say('x'.repeat(32_768));
    expect(await full.next('error')).toMatchObject({ code: 'invalid_json' });
    full.socket.send(Buffer.from([1, 2]));
    expect(await full.next('error')).toMatchObject({ code: 'invalid_request' });
  });

  test('when it sends faster than 20 messages a second', async () => {
    const { url } = await serve();
    const client = await open(url);
    for (let count = 0; count < 60; count += 1) client.say({ type: 'ping' });
    expect(await client.closed).toBe(4429);
  });

  test('when the node does: it is told so, and the server ends', async () => {
    const { url, close, hub } = await serve();
    const clients = await Promise.all([open(url), open(url)]);
    await Promise.all(clients.map((client) => client.next('welcome')));
    const closing = close();
    expect(await Promise.all(clients.map((client) => client.closed))).toEqual([1012, 1012]);
    await closing;
    expect(hub.count).toBe(0);
  });

  test('when it gives no sign of life', async () => {
    const { url, hub } = await serve({ beat_ms: 20 });
    const socket = new WebSocket(url, [], { headers: { authorization: `Bearer ${ownerToken}` }, autoPong: false });
    const lively = await open(url);
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(1006);
    while (hub.count > 1) await new Promise((resolve) => setTimeout(resolve, 1));
    lively.say({ type: 'ping' });
    expect(await lively.next('pong')).toBeDefined();
  });

  test('when it does not read, and delays nobody', async () => {
    const { url, log, hub } = await serve();
    const slow = await open(url);
    const quick = await open(url);
    for (const client of [slow, quick]) {
      client.say({ type: 'subscribe', topic });
      await client.next('subscribed');
    }
    slow.socket.pause();
    let told = 0;
    // Whatever the kernel takes is taken; then the queue grows.
    while (hub.count === 2) {
      for (let count = 0; count < 20; count += 1) log.append({ more: 20_000 });
      for (let count = 0; count < 20; count += 1) expect((await quick.next('event'))['seq']).toBe(told++);
    }
    slow.socket.resume();
    expect([4408, 1006]).toContain(await slow.closed);
    log.append();
    expect((await quick.next('event'))['seq']).toBe(told);
  });
});

test('a reader that pauses in its backlog is waited for, and told all of it', async () => {
  const { url, log, hub } = await serve();
  for (let count = 0; count < 2_000; count += 1) log.append({ more: 5_000 });
  const client = await open(url);
  await client.next('welcome');
  client.say({ type: 'subscribe', topic, cursor: -1 });
  await client.next('event');
  client.socket.pause();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(hub.count).toBe(1);
  client.socket.resume();
  for (let seq = 1; seq < 2_000; seq += 1) expect((await client.next('event'))['seq']).toBe(seq);
});

test('a thousand connections hear every event, each once and in order', async () => {
  const { url, log, hub } = await serve({ audit_every_ms: 1_000 });
  const clients: Client[] = [];
  for (let group = 0; group < 20; group += 1) {
    clients.push(...(await Promise.all(Array.from({ length: 50 }, () => open(url)))));
  }
  for (const client of clients) client.say({ type: 'subscribe', topic });
  await Promise.all(clients.map((client) => client.next('subscribed')));
  expect(hub.count).toBe(1_000);
  for (let seq = 0; seq < 10; seq += 1) log.append();
  for (const client of clients) {
    for (let seq = 0; seq < 10; seq += 1) expect((await client.next('event'))['seq']).toBe(seq);
  }
  for (const client of clients) client.socket.close();
  await Promise.all(clients.map((client) => client.closed));
  while (hub.count > 0) await new Promise((resolve) => setTimeout(resolve, 1));
});
