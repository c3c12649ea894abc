import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Principal } from '../domain/call.ts';
import type { SocketHub, SocketWire } from '../edge/socket/socket-hub.ts';

/** What the application is given beside a request that wants to become a socket. */
export interface UpgradeEnvironment {
  readonly incoming: IncomingMessage;
  /** Called by the route that says yes; its answer is then not sent. */
  readonly acceptSocket: (principal: Principal) => void;
}

export interface ServeSocketsOptions {
  readonly fetch: (request: Request, environment: UpgradeEnvironment) => Response | Promise<Response>;
  readonly hub: Pick<SocketHub, 'open' | 'close'>;
  /** Name of the host for requests that have none. */
  readonly host: string;
  readonly beat_ms?: number;
}

export interface ServedSockets {
  /** For the server's `upgrade` event. */
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Tells all that the node restarts. Twice is fine. */
  close(): void;
}

export const socketPath = '/api/v1/ws';
export const socketProtocol = 'signet.v1';

/** Whether a request wants to become an event socket; any other wish to upgrade is ignored, as HTTP allows. */
export function isSocketRequest({ url = '', headers }: Pick<IncomingMessage, 'url' | 'headers'>): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' && url.split('?')[0] === socketPath;
}

/**
 * Binds the hub to `ws`. A request for a socket takes the road of every other request first: key, rate, scope, and its
 * refusals are ordinary answers. A browser, which cannot set headers, offers `signet.v1, bearer.<token>` as sub-protocols
 * and is answered `signet.v1`.
 */
export function serveSockets({
  fetch,
  hub,
  host,
  beat_ms = limits.socket.beat_ms,
}: ServeSocketsOptions): ServedSockets {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: limits.socket.message_bytes_max,
    maxFragments: fragments_max,
    closeTimeout: close_ms_max,
    // Messages are small, and a compressor for each connection would cost more memory than all else of it.
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(socketProtocol) ? socketProtocol : false),
  });
  server.on('wsClientError', (error, socket) => refuse(socket, problemAnswer(error.message.toLowerCase())));

  return {
    upgrade(incoming, socket, head) {
      const ignore = (): void => void socket.destroy();
      socket.once('error', ignore);
      answer(incoming, socket, head)
        .catch(() => refuse(socket, problemAnswer('the request target is not a URL')))
        .finally(() => socket.off('error', ignore));
    },
    close: () => hub.close(),
  };

  async function answer(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { headers, bearer, offered } = headersOf(incoming);
    const url = new URL(incoming.url ?? '/', `http://${incoming.headers.host ?? host}`);
    let principal: Principal | undefined;
    const acceptSocket = (accepted: Principal): void => void (principal = accepted);
    const method = incoming.method ?? 'GET';
    const said = await fetch(new Request(url, { method, headers }), { incoming, acceptSocket });
    const accepted = principal;
    if (accepted === undefined || bearer === undefined) return refuse(socket, said);
    if (offered.length > 0 && !offered.includes(socketProtocol)) {
      return refuse(socket, problemAnswer(`expected the sub-protocol ${socketProtocol} to be offered`));
    }
    server.handleUpgrade(incoming, socket, head, (opened) => carry(opened, accepted, bearer));
  }

  function carry(socket: WebSocket, principal: Principal, bearer: string): void {
    const { wire, sent } = wireOf(socket);
    const open = hub.open({ wire, principal, bearer });
    let isAlive = true;
    const beat = setInterval(() => {
      if (!isAlive) return socket.terminate();
      isAlive = false;
      socket.ping();
    }, beat_ms);
    socket.on('pong', () => (isAlive = true));
    socket.on('message', (data, isBinary) => open.receive(isBinary ? 'binary' : data));
    // A frame that breaks the protocol, or a message that is too large: `ws` closes with 1002, 1007 or 1009.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(beat);
      sent();
      open.gone();
    });
  }
}

/** A socket that is not read must not be waited for: what is queued is counted, and nothing blocks. */
function wireOf(socket: WebSocket): { wire: SocketWire; sent: () => void } {
  let messages = 0;
  const waiting: (() => void)[] = [];
  const sent = (): void => {
    for (const resolve of waiting.splice(0)) resolve();
  };
  const isDrained = (): boolean => socket.bufferedAmount < drained_bytes && messages < drained_messages;
  const wire: SocketWire = {
    send(text) {
      messages += 1;
      socket.send(text, () => {
        messages -= 1;
        if (isDrained()) sent();
      });
    },
    queued: () => ({ bytes: socket.bufferedAmount, messages }),
    drained: () =>
      isDrained() || socket.readyState !== open_state
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push(resolve)),
    close(code, reason) {
      sent();
      socket.close(code, reason);
    },
  };
  return { wire, sent };
}

/** The key from wherever the client could put it, as the one header that the application reads. */
function headersOf({ headers: given }: IncomingMessage): {
  headers: Headers;
  bearer: string | undefined;
  offered: readonly string[];
} {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && !kept.has(name)) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  const offered = (given['sec-websocket-protocol'] ?? '').split(/[, \t]+/).filter((text) => text !== '');
  const token = offered.find((text) => text.startsWith('bearer.'))?.slice('bearer.'.length);
  if (token !== undefined && !headers.has('authorization')) headers.set('authorization', `Bearer ${token}`);
  const bearer = /^bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1];
  return { headers, bearer, offered };
}

/** What belongs to this connection alone; a key in a sub-protocol goes no further than here. */
const kept = new Set(['connection', 'upgrade', 'sec-websocket-protocol', 'content-length', 'transfer-encoding']);

/** Writes an answer where there is no response object: the connection was to become something else. */
function refuse(socket: Duplex, answer: Response): void {
  void write(socket, answer);
}

async function write(socket: Duplex, answer: Response): Promise<void> {
  const body = await answer.text();
  if (socket.destroyed || !socket.writable) return;
  const lines = [...answer.headers].filter(([name]) => !kept.has(name)).map(([name, value]) => `${name}: ${value}`);
  const head = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}`,
    ...lines,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function problemAnswer(detail: string): Response {
  const body = { type: 'urn:signet:problem:invalid_request', status: 400, code: 'invalid_request', detail };
  return Response.json(body, { status: 400, headers: { 'content-type': 'application/problem+json' } });
}

const fragments_max = 64;
const close_ms_max = 2_000;
const drained_bytes = 16_384;
const drained_messages = 64;
const open_state = 1;
