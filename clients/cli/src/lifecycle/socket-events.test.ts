import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '@signet/functions/domain/json.ts';
import { WebSocketServer, type WebSocket } from 'ws';
import { followEvents } from './follow-events.ts';

const ended: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

/** A node of which only the socket is there; `answer` is called with each message and the number of its connection. */
async function serve(answer: (socket: WebSocket, message: JsonObject, connection: number) => void): Promise<string> {
  let connections = 0;
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: 1000,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has('bearer.sg_key') ? 'signet.v1' : false),
  });
  const server: Server = createServer((_, response) => {
    response.writeHead(426, { 'content-type': 'application/problem+json' });
    response.end('{"code":"upgrade_required"}');
  });
  server.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (opened) => {
      connections += 1;
      ended.push(async () => opened.terminate());
      const number = connections;
      opened.on('message', (data) => answer(opened, JSON.parse(data.toString()) as JsonObject, number));
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ended.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const say = (socket: WebSocket, ...messages: readonly JsonObject[]): void => {
  for (const message of messages) socket.send(JSON.stringify(message));
};
const event = (topic: string, seq: number): JsonObject => ({ type: 'event', topic, seq, id: `${seq}.${topic}` });

async function take(url: string, count: number, topics: readonly string[], after?: number): Promise<JsonObject[]> {
  const gone = new AbortController();
  const found: JsonObject[] = [];
  const address = async () => ({ url, token: 'sg_key' });
  const request = { topics, signal: gone.signal, ...(after === undefined ? {} : { after }) };
  for await (const told of followEvents(address, request)) {
    found.push(told);
    if (found.length === count) gone.abort();
  }
  return found;
}

describe('events over a socket', () => {
  test('go on in each topic after its own last one, whatever ends the connection', async () => {
    const asked: JsonObject[] = [];
    const url = await serve((socket, message, connection) => {
      asked.push(message);
      const { topic, cursor } = message as { topic: string; cursor: number };
      if (topic === 'b') return say(socket, { type: 'subscribed', topic, cursor: 7, oldest: 0 });
      if (connection === 1) {
        say(socket, { type: 'subscribed', topic, cursor, oldest: 0 }, event('a', 4), event('a', 6));
        return void setTimeout(() => socket.terminate(), 20);
      }
      return say(socket, { type: 'subscribed', topic, cursor, oldest: 0 }, event('a', 9));
    });
    const told = await take(url, 3, ['a', 'b'], 3);
    expect(told.map(({ seq }) => seq)).toEqual([4, 6, 9]);
    expect(asked).toEqual([
      { type: 'subscribe', topic: 'a', cursor: 3 },
      { type: 'subscribe', topic: 'b', cursor: 3 },
      { type: 'subscribe', topic: 'a', cursor: 6 },
      { type: 'subscribe', topic: 'b', cursor: 7 },
    ]);
  });

  test('carry a cursor behind which nothing of any topic is left', async () => {
    const url = await serve((socket, { topic, type }) => {
      if (type === 'subscribe') say(socket, { type: 'subscribed', topic: topic ?? '', cursor: 3, oldest: 0 });
      if (topic !== 'b') return;
      say(socket, event('a', 5), event('b', 4), event('a', 6));
      say(socket, { type: 'status', subscriptions: [{ topic: 'b', cursor: 9 }] }, event('a', 8));
    });
    const told = await take(url, 4, ['a', 'b']);
    expect(told.map(({ seq, cursor }) => [seq, cursor])).toEqual([
      [5, 3],
      [4, 4],
      [6, 4],
      [8, 8],
    ]);
  });

  test('ask for more where a backlog is full, and hear of a reset', async () => {
    const url = await serve((socket, { cursor }) => {
      if (cursor === 0)
        say(
          socket,
          { type: 'reset', topic: 'a', oldest: 5 },
          { type: 'subscribed', topic: 'a', cursor: 4, oldest: 5 },
          event('a', 5),
          { type: 'more', topic: 'a', cursor: 5 },
        );
      if (cursor === 5) say(socket, { type: 'subscribed', topic: 'a', cursor: 5, oldest: 5 }, event('a', 6));
    });
    const told = await take(url, 3, ['a'], 0);
    expect(told.map(({ type, seq, oldest }) => [type, seq ?? oldest])).toEqual([
      ['reset', 5],
      ['event', 5],
      ['event', 6],
    ]);
  });

  test('are an error where the topic is refused, and where every connection ends at once', async () => {
    const refusing = await serve((socket) => say(socket, { type: 'error', code: 'policy_denied', detail: 'no' }));
    await expect(take(refusing, 1, ['a'])).rejects.toMatchObject({ kind: 'refused', code: 'policy_denied' });
    const ending = await serve((socket) => socket.close(1012));
    await expect(take(ending, 1, ['a'])).rejects.toMatchObject({ kind: 'unavailable' });
  });
});
