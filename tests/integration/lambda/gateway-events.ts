import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Undefined for a path outside of the stage. */
export function restEvent(incoming: IncomingMessage, body: Buffer, stage: string): object | undefined {
  const { pathname, search } = partsOf(incoming);
  if (pathname !== `/${stage}` && !pathname.startsWith(`/${stage}/`)) return undefined;
  const query = new URLSearchParams(search);
  const names = [...new Set(query.keys())];
  const headers = headersOf(incoming);
  return {
    resource: '/{proxy+}',
    path: pathname.slice(stage.length + 1) || '/',
    httpMethod: incoming.method,
    headers: Object.fromEntries([...headers].map(([name, values]) => [name, values.at(-1)])),
    multiValueHeaders: Object.fromEntries(headers),
    queryStringParameters: null,
    multiValueQueryStringParameters:
      names.length === 0 ? null : Object.fromEntries(names.map((name) => [name, query.getAll(name)])),
    requestContext: {
      requestId: randomUUID(),
      stage,
      path: pathname,
      httpMethod: incoming.method,
      domainName: 'localhost',
      identity: { sourceIp: incoming.socket.remoteAddress },
    },
    ...bodyOf(body),
  };
}

/** Names in lower case, repeated ones joined with commas, cookies apart; the query as it was written. */
export function urlEvent(incoming: IncomingMessage, body: Buffer): object {
  const { pathname, search } = partsOf(incoming);
  const joined = new Map<string, string>();
  for (const [name, values] of headersOf(incoming)) {
    const lower = name.toLowerCase();
    joined.set(lower, [...(joined.has(lower) ? [joined.get(lower)] : []), ...values].join(','));
  }
  const cookies = joined.get('cookie')?.split(/;\s*/);
  joined.delete('cookie');
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: pathname,
    rawQueryString: search,
    ...(cookies === undefined ? {} : { cookies }),
    headers: Object.fromEntries(joined),
    requestContext: {
      requestId: randomUUID(),
      domainName: 'localhost',
      http: { method: incoming.method, path: pathname, sourceIp: incoming.socket.remoteAddress },
    },
    ...bodyOf(body),
  };
}

/** As the client wrote them: `URL` would take dots out of the path before the function sees them. */
function partsOf({ url = '/' }: IncomingMessage): { pathname: string; search: string } {
  const [pathname = '/', search = ''] = url.split(/\?(.*)/s);
  return { pathname, search };
}

function headersOf({ rawHeaders }: IncomingMessage): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    headers.set(name, [...(headers.get(name) ?? []), value]);
  }
  return headers;
}

function bodyOf(body: Buffer): { body: string | null; isBase64Encoded: boolean } {
  return { body: body.length === 0 ? null : body.toString('base64'), isBase64Encoded: body.length > 0 };
}
