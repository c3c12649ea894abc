/** The part of `ws` that is used here; the package brings no types. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events';
  import type { IncomingMessage } from 'node:http';
  import type { Duplex } from 'node:stream';

  export interface WebSocketEvents {
    open: [];
    message: [data: Buffer, isBinary: boolean];
    close: [code: number, reason: Buffer];
    error: [error: Error];
    ping: [data: Buffer];
    pong: [data: Buffer];
    'unexpected-response': [request: unknown, answer: IncomingMessage];
  }

  export class WebSocket extends EventEmitter<WebSocketEvents> {
    constructor(
      url: string,
      protocols?: readonly string[],
      options?: {
        readonly headers?: { readonly [name: string]: string };
        readonly handshakeTimeout?: number;
        readonly maxPayload?: number;
        readonly followRedirects?: boolean;
        readonly perMessageDeflate?: boolean;
        readonly autoPong?: boolean;
      },
    );
    readonly bufferedAmount: number;
    readonly protocol: string;
    readonly readyState: number;
    send(data: string | Uint8Array, done?: (error?: Error) => void): void;
    ping(): void;
    pause(): void;
    resume(): void;
    close(code?: number, reason?: string): void;
    terminate(): void;
  }

  export class WebSocketServer extends EventEmitter<{
    wsClientError: [error: Error, socket: Duplex, request: IncomingMessage];
  }> {
    constructor(options: {
      readonly noServer: true;
      readonly clientTracking: boolean;
      readonly maxPayload: number;
      readonly maxFragments?: number;
      readonly closeTimeout?: number;
      readonly perMessageDeflate: boolean;
      readonly handleProtocols: (offered: ReadonlySet<string>) => string | false;
    });
    handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, done: (opened: WebSocket) => void): void;
  }
}
