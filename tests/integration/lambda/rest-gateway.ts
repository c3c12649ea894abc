import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LambdaServer } from './lambda-server.ts';
import { readBody, request_bytes_max } from './wire.ts';

const delimiter = Buffer.alloc(8);

/**
 * A REST API with one proxy integration in transfer mode STREAM, as far as an HTTP client can tell: the emulators have
 * none that streams. The answer begins when its prelude is whole; what breaks before it is 502, after it the connection.
 */
export async function startRestGateway({
  server,
  function_name,
  stage,
}: {
  server: LambdaServer;
  function_name: string;
  stage: string;
}): Promise<{ url: string; stop(): Promise<void> }> {
  const gateway = createServer((incoming, response) => {
    void answer(incoming, response).catch(() => fail(response));
  });
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const event = eventOf(incoming, await readBody(incoming), stage);
    if (event === undefined) {
      response.writeHead(403, { 'content-type': 'application/json' }).end('{"message":"Missing Authentication Token"}');
      return;
    }
    let held: Buffer | undefined = Buffer.alloc(0);
    const onChunk = (chunk: Buffer): void => {
      if (held === undefined) {
        response.write(chunk);
        return;
      }
      held = Buffer.concat([held, chunk]);
      const end = held.indexOf(delimiter);
      if (end < 0) return;
      begin(response, held.subarray(0, end));
      response.write(held.subarray(end + delimiter.length));
      held = undefined;
    };
    if (Buffer.byteLength(JSON.stringify(event)) > request_bytes_max) {
      response.writeHead(413, { 'content-type': 'application/json' }).end('{"message":"Request Too Long"}');
      return;
    }
    const { kind } = await server.invoke(function_name, event, { onChunk });
    if (kind === 'error' || held !== undefined) fail(response);
    else response.end();
  }

  return {
    url: `${origin}/${stage}`,
    async stop() {
      gateway.closeAllConnections();
      await new Promise((resolve) => gateway.close(resolve));
    },
  };
}

/** Undefined for a path outside of the stage. */
function eventOf(incoming: IncomingMessage, body: Buffer, stage: string): object | undefined {
  // As the client wrote it: `URL` would take dots out of the path before the function sees them.
  const [pathname = '/', search = ''] = (incoming.url ?? '/').split(/\?(.*)/s);
  const searchParams = new URLSearchParams(search);
  if (pathname !== `/${stage}` && !pathname.startsWith(`/${stage}/`)) return undefined;
  const path = pathname.slice(stage.length + 1) || '/';
  const headers: Record<string, string[]> = {};
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    (headers[incoming.rawHeaders[at] ?? ''] ??= []).push(incoming.rawHeaders[at + 1] ?? '');
  }
  const names = [...new Set(searchParams.keys())];
  return {
    resource: '/{proxy+}',
    path,
    httpMethod: incoming.method,
    headers: Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values.at(-1)])),
    multiValueHeaders: headers,
    queryStringParameters: null,
    multiValueQueryStringParameters:
      names.length === 0 ? null : Object.fromEntries(names.map((name) => [name, searchParams.getAll(name)])),
    requestContext: {
      requestId: randomUUID(),
      stage,
      path: pathname,
      httpMethod: incoming.method,
      domainName: 'localhost',
      identity: { sourceIp: incoming.socket.remoteAddress },
    },
    body: body.length === 0 ? null : body.toString('base64'),
    isBase64Encoded: body.length > 0,
  };
}

function begin(response: ServerResponse, prelude: Buffer): void {
  const { statusCode, multiValueHeaders } = JSON.parse(prelude.toString()) as {
    readonly statusCode: number;
    readonly multiValueHeaders: Record<string, string[]>;
  };
  response.writeHead(statusCode, multiValueHeaders).flushHeaders();
}

function fail(response: ServerResponse): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(502, { 'content-type': 'application/json' }).end('{"message":"Internal server error"}');
}
