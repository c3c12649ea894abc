import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Hono } from 'hono';
import type { SocketHub } from '../edge/socket/socket-hub.ts';
import { isSocketRequest, serveSockets } from './serve-sockets.ts';

export interface LocalServerOptions {
  readonly app: Pick<Hono, 'fetch'>;
  /** Carries event sockets; without it a request for one is an ordinary request. */
  readonly sockets?: Pick<SocketHub, 'open' | 'close'> | undefined;
  /** A loopback address or name, unless `allow_remote`. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The owner named this address on purpose (`SIGNET_HOST`). */
  readonly allow_remote?: boolean;
  readonly timeouts?: Partial<LocalServerTimeouts>;
}

export interface LocalServerTimeouts {
  /** From the first byte of a request to the end of its headers. */
  readonly headers_ms: number;
  /** From the first byte of a request to the end of its body. */
  readonly request_ms: number;
  /** How long an idle connection is kept. */
  readonly keep_alive_ms: number;
  /** How often the first two are checked. */
  readonly check_ms: number;
  /** How often a socket is asked for a sign of life; one that gave none since the last time is dropped. */
  readonly beat_ms: number;
}

export interface LocalServer {
  readonly url: string;
  readonly port: number;
  /** Accepts nothing new, lets what is in flight end for at most `drain_ms`, then cuts it off. Twice is fine. */
  close(request?: { readonly drain_ms?: number }): Promise<void>;
}

/** The start stops here: the address cannot be listened on. The message says what to do. */
export class ListenRefusedError extends Error {
  override readonly name = 'ListenRefusedError';
  readonly reason: 'port_in_use' | 'not_allowed' | 'not_loopback' | 'no_such_address';

  constructor(reason: ListenRefusedError['reason'], message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.reason = reason;
  }
}

/**
 * Serves the application over HTTP/1.1 on one address.
 *
 * A client that leaves aborts its request's signal. Slow headers and bodies are cut off with 408, headers beyond 16 KiB
 * answered 431; both before the application sees anything.
 *
 * @throws {ListenRefusedError}
 * @example const { url, close } = await startLocalServer({ app, host: '127.0.0.1', port: 3001 });
 */
export async function startLocalServer(options: LocalServerOptions): Promise<LocalServer> {
  const { app, host, port, allow_remote = false } = options;
  if (!allow_remote && !isLoopback(host)) {
    throw new ListenRefusedError(
      'not_loopback',
      `\`${host}\` is reachable from other machines: set SIGNET_HOST=${host} if that is what you want`,
    );
  }
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const listener = getRequestListener(app.fetch, { hostname: host, errorHandler: refuseTarget });
  const { sockets: hub } = options;
  const carried =
    hub === undefined ? undefined : serveSockets({ fetch: app.fetch, hub, host, beat_ms: timeouts.beat_ms });
  const server = createServer(
    {
      headersTimeout: timeouts.headers_ms,
      requestTimeout: timeouts.request_ms,
      keepAliveTimeout: timeouts.keep_alive_ms,
      connectionsCheckingInterval: timeouts.check_ms,
      maxHeaderSize: 16_384,
      // Node's own refusals have no body: this one and that of an expectation are answered below.
      requireHostHeader: false,
      // Any other wish to upgrade is ignored, as HTTP allows, and answered as the request that it is.
      shouldUpgradeCallback: (incoming) => carried !== undefined && isSocketRequest(incoming),
    },
    (incoming, outgoing) => {
      if (incoming.headers.host === undefined && incoming.httpVersion === '1.1') {
        refuse(outgoing, 400, 'expected a `host` header');
      } else void listener(incoming, outgoing);
    },
  );
  server.on('checkExpectation', (_incoming, outgoing) =>
    refuse(outgoing, 417, 'expected no `expect` but 100-continue'),
  );
  if (carried !== undefined) server.on('upgrade', (...request) => carried.upgrade(...request));
  // The timer of idle connections and the one that checks for slow requests must not race each other for the socket.
  server.keepAliveTimeoutBuffer = 1_000;
  server.on('clientError', refuseConnection);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await listen(server, host, port);

  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${isIP(host) === 6 ? `[${host}]` : host}:${bound}`,
    port: bound,
    close({ drain_ms = 5_000 } = {}) {
      carried?.close();
      return (closing ??= drain(server, sockets, drain_ms));
    },
  };
}

const defaultTimeouts: LocalServerTimeouts = {
  headers_ms: 10_000,
  request_ms: 60_000,
  keep_alive_ms: 65_000,
  check_ms: 2_000,
  beat_ms: limits.socket.beat_ms,
};

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException): void => reject(explain(cause, host, port));
    server.once('error', refuse);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', refuse);
      resolve();
    });
  });
}

function explain(cause: NodeJS.ErrnoException, host: string, port: number): Error {
  if (cause.code === 'EADDRINUSE') {
    const message = `port ${port} on ${host} is in use: stop what listens there, or set SIGNET_PORT to another`;
    return new ListenRefusedError('port_in_use', message, { cause });
  }
  if (cause.code === 'EACCES') {
    return new ListenRefusedError('not_allowed', `port ${port} needs more rights: set SIGNET_PORT above 1023`, {
      cause,
    });
  }
  if (cause.code === 'EADDRNOTAVAIL' || cause.code === 'ENOTFOUND') {
    return new ListenRefusedError('no_such_address', `this machine has no address \`${host}\``, { cause });
  }
  return cause;
}

/** A request target that is no URL (a backslash, a broken host): refused before the application. */
function refuseTarget(error: unknown): Response {
  const known = error instanceof Error && error.name === 'RequestError';
  const status = known ? 400 : 500;
  const code = known ? 'invalid_request' : 'internal';
  return new Response(
    problemText(status, code, known ? 'the request target is not a URL' : 'an error of ours ended this request'),
    {
      status,
      headers: { 'content-type': 'application/problem+json', connection: 'close' },
    },
  );
}

/** A request that is HTTP and yet none for the application. */
function refuse(outgoing: ServerResponse, status: number, detail: string): void {
  outgoing.writeHead(status, { 'content-type': 'application/problem+json', connection: 'close' });
  outgoing.end(problemText(status, 'invalid_request', detail));
}

/** What the HTTP parser could not read; the socket speaks for itself, there is no response object. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const [status, phrase, code, detail] = statusOf(error.code);
  const body = problemText(status, code, detail);
  socket.end(
    `HTTP/1.1 ${status} ${phrase}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function statusOf(code: string | undefined): readonly [number, string, string, string] {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return [431, 'Request Header Fields Too Large', 'too_large', 'expected at most 16384 bytes of headers'];
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return [408, 'Request Timeout', 'invalid_request', 'the request did not arrive in time'];
  }
  return [400, 'Bad Request', 'invalid_request', 'this is not an HTTP/1.1 request'];
}

function problemText(status: number, code: string, detail: string): string {
  return JSON.stringify({ type: `urn:signet:problem:${code}`, status, code, detail });
}

/**
 * A connection whose answer ends while we drain turns idle afterwards, and Node would keep it: hence the repetition. One
 * that a client opened ahead and never used is to Node a request that is late, not an idle connection.
 */
function drain(server: Server, sockets: ReadonlySet<Socket>, drain_ms: number): Promise<void> {
  const closeIdle = (): void => {
    server.closeIdleConnections();
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  };
  return new Promise((resolve) => {
    const sweep = setInterval(closeIdle, 10);
    const cut = setTimeout(() => {
      server.closeAllConnections();
      // What became a socket is no connection to the HTTP server any more, and still keeps it from ending.
      for (const socket of sockets) socket.destroy();
    }, drain_ms);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(cut);
      resolve();
    });
    closeIdle();
  });
}
