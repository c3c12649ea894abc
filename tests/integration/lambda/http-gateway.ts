import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { restEvent, urlEvent } from './gateway-events.ts';
import type { LambdaServer } from './lambda-server.ts';
import { readBody, request_bytes_max } from './wire.ts';

const delimiter = Buffer.alloc(8);

/**
 * What stands before a function, as far as an HTTP client can tell: a REST API whose one proxy integration streams, or a
 * function URL. The emulators have none that streams. The answer begins when its prelude is whole; what breaks before it
 * is 502, after it the connection. A function that answers whole is answered for whole.
 */
export async function startHttpGateway({
  server,
  function_name,
  stage,
}: {
  server: LambdaServer;
  function_name: string;
  /** Of a REST API, whose paths begin with it; without one it is a function URL. */
  stage?: string;
}): Promise<{ url: string; stop(): Promise<void> }> {
  const gateway = createServer((incoming, response) => {
    void answer(incoming, response).catch(() => refuse(response, 502, 'Internal server error'));
  });
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(incoming);
    const event = stage === undefined ? urlEvent(incoming, body) : restEvent(incoming, body, stage);
    if (event === undefined) return refuse(response, 403, 'Missing Authentication Token');
    if (Buffer.byteLength(JSON.stringify(event)) > request_bytes_max) return refuse(response, 413, 'Request Too Long');
    let held: Buffer | undefined = Buffer.alloc(0);
    const onChunk = (chunk: Buffer): void => {
      if (held === undefined) {
        response.write(chunk);
        return;
      }
      held = Buffer.concat([held, chunk]);
      const end = held.indexOf(delimiter);
      if (end < 0) return;
      begin(response, JSON.parse(held.subarray(0, end).toString()) as Head);
      response.write(held.subarray(end + delimiter.length));
      held = undefined;
    };
    const { kind, body: whole, is_streamed } = await server.invoke(function_name, event, { onChunk });
    if (kind === 'error') return refuse(response, 502, 'Internal server error');
    if (is_streamed) {
      if (held === undefined) response.end();
      else refuse(response, 502, 'Internal server error');
      return;
    }
    const answered = JSON.parse(whole.toString()) as Head & { body: string; isBase64Encoded: boolean };
    begin(response, answered);
    response.end(Buffer.from(answered.body, answered.isBase64Encoded ? 'base64' : 'utf8'));
  }

  return {
    url: stage === undefined ? origin : `${origin}/${stage}`,
    async stop() {
      gateway.closeAllConnections();
      await new Promise((resolve) => gateway.close(resolve));
    },
  };
}

interface Head {
  readonly statusCode: number;
  readonly headers?: Record<string, string>;
  readonly multiValueHeaders?: Record<string, string[]>;
  readonly cookies?: string[];
}

function begin(response: ServerResponse, { statusCode, headers, multiValueHeaders, cookies }: Head): void {
  const more = cookies === undefined ? {} : { 'set-cookie': cookies };
  response.writeHead(statusCode, { ...headers, ...multiValueHeaders, ...more }).flushHeaders();
}

function refuse(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
}
