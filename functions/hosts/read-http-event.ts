/** An HTTP request as a REST API's proxy integration or a function URL hands it to a function. */
export interface HttpEvent {
  /** Which of the two asks: they want their answers in different shapes. */
  readonly form: 'rest' | 'url';
  /** @throws {TypeError} when method, URL or a header is none that `fetch` knows */
  toRequest(signal: AbortSignal): Request;
  /** What the public path begins with before ours does: the stage of a REST API, such as `/dev`; else empty. */
  readonly prefix: string;
  /** Of the peer, from the platform; what a client says of itself in headers is not believed. */
  readonly source_ip: string;
  /** The gateway's own id of the request, as its access log has it. */
  readonly gateway_request_id: string;
}

/** The function was invoked with something that is no HTTP request. */
export class UnknownEventError extends TypeError {
  override readonly name = 'UnknownEventError';

  constructor(expected: string) {
    super(`expected ${expected}`);
  }
}

/** @throws {UnknownEventError} */
export function readHttpEvent(event: unknown): HttpEvent {
  if (isUrlEvent(event)) {
    const { requestContext, rawPath, rawQueryString = '', headers, cookies = [] } = event;
    const cookie: [string, string][] = cookies.length > 0 ? [['cookie', cookies.join('; ')]] : [];
    return {
      form: 'url',
      toRequest: (signal) =>
        requestOf({
          method: requestContext.http.method,
          url: urlOf(requestContext.domainName, rawPath, rawQueryString),
          headers: [...Object.entries(headers), ...cookie],
          body: bodyOf(event),
          signal,
        }),
      prefix: '',
      source_ip: requestContext.http.sourceIp,
      gateway_request_id: requestContext.requestId,
    };
  }
  if (isRestEvent(event)) {
    const { requestContext, path, httpMethod } = event;
    return {
      form: 'rest',
      toRequest: (signal) =>
        requestOf({
          method: httpMethod,
          url: urlOf(requestContext.domainName, path, encodeQuery(event)),
          headers: repeated(event.multiValueHeaders, event.headers),
          body: bodyOf(event),
          signal,
        }),
      prefix: prefixOf(event),
      source_ip: requestContext.identity.sourceIp,
      gateway_request_id: requestContext.requestId,
    };
  }
  throw new UnknownEventError('an event of a REST API (proxy) or of a function URL (payload 2.0)');
}

/** Headers that belong to one connection and not to the request or answer that travels on it (RFC 9110, 7.6.1). */
export const hop_by_hop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

type Single = { readonly [name: string]: string } | null | undefined;
type Repeated = { readonly [name: string]: readonly string[] } | null | undefined;
interface Body {
  readonly body?: string | null;
  readonly isBase64Encoded?: boolean;
}

interface RestEvent extends Body {
  readonly httpMethod: string;
  /** Still percent-encoded, without the stage. */
  readonly path: string;
  readonly headers?: Single;
  readonly multiValueHeaders?: Repeated;
  /** Decoded already. */
  readonly queryStringParameters?: Single;
  readonly multiValueQueryStringParameters?: Repeated;
  readonly requestContext: {
    readonly requestId: string;
    readonly domainName?: string;
    /** As the client wrote it, with the stage. */
    readonly path?: string;
    readonly identity: { readonly sourceIp: string };
  };
}

interface UrlEvent extends Body {
  readonly version: '2.0';
  readonly rawPath: string;
  readonly rawQueryString?: string;
  /** Repeated ones are joined with commas. */
  readonly headers: { readonly [name: string]: string };
  readonly cookies?: readonly string[];
  readonly requestContext: {
    readonly requestId: string;
    readonly domainName?: string;
    readonly http: { readonly method: string; readonly sourceIp: string };
  };
}

function isUrlEvent(event: unknown): event is UrlEvent {
  const { version, rawPath, headers, requestContext } = asObject(event);
  const { http, requestId } = asObject(requestContext);
  const { method, sourceIp } = asObject(http);
  return (
    version === '2.0' &&
    [rawPath, requestId, method, sourceIp].every((one) => typeof one === 'string') &&
    typeof headers === 'object' &&
    headers !== null
  );
}

function isRestEvent(event: unknown): event is RestEvent {
  const { httpMethod, path, requestContext } = asObject(event);
  const { identity, requestId } = asObject(requestContext);
  const { sourceIp } = asObject(identity);
  return [httpMethod, path, requestId, sourceIp].every((one) => typeof one === 'string');
}

function asObject(value: unknown): { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null ? (value as { readonly [name: string]: unknown }) : {};
}

/**
 * What cannot stand in an encoded path is encoded: a gateway that hands out a decoded one would else let a `?` of the
 * path start the query.
 */
function urlOf(domain = 'localhost', path: string, query: string): URL {
  const encoded = path.replace(/[^!$&-;=@-Z_a-z~%]|%(?![0-9A-Fa-f]{2})/gu, (one) =>
    encodeURIComponent(one.toWellFormed()),
  );
  const url = new URL(`https://${domain}${encoded.startsWith('/') ? '' : '/'}${encoded}`);
  url.search = query;
  return url;
}

function prefixOf({ path, requestContext }: RestEvent): string {
  const whole = requestContext.path ?? path;
  return whole.endsWith(path) ? whole.slice(0, whole.length - path.length) : '';
}

function encodeQuery({ multiValueQueryStringParameters, queryStringParameters }: RestEvent): string {
  return repeated(multiValueQueryStringParameters, queryStringParameters)
    .map((pair) => pair.map((text) => encodeURIComponent(text.toWellFormed())).join('='))
    .join('&');
}

/** The map with several values a name where it is there, else the one that holds the last of them. */
function repeated(several: Repeated, single: Single): [string, string][] {
  if (several !== null && several !== undefined) {
    return Object.entries(several).flatMap(([name, values]) => values.map((value): [string, string] => [name, value]));
  }
  return Object.entries(single ?? {});
}

function bodyOf({ body, isBase64Encoded }: Body): Uint8Array<ArrayBuffer> | undefined {
  if (body === null || body === undefined || body === '') return undefined;
  return new Uint8Array(Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8'));
}

function requestOf(parts: {
  method: string;
  url: URL;
  headers: readonly (readonly [string, string])[];
  body: Uint8Array<ArrayBuffer> | undefined;
  signal: AbortSignal;
}): Request {
  const { method, url, body, signal } = parts;
  const named = parts.headers.filter(([name]) => name.toLowerCase() === 'connection');
  const connection = new Set(named.flatMap(([, value]) => value.toLowerCase().split(/\s*,\s*/)));
  const headers = new Headers();
  for (const [name, value] of parts.headers) {
    const lower = name.toLowerCase();
    if (hop_by_hop.has(lower) || connection.has(lower) || isHearsay(lower)) continue;
    headers.append(name, value);
  }
  // The gateway's number counts base64, or is of a body that it has put together itself.
  headers.delete('content-length');
  const takes_body = method !== 'GET' && method !== 'HEAD';
  if (takes_body && body !== undefined) headers.set('content-length', String(body.length));
  return new Request(url, { method, headers, signal, ...(takes_body && body !== undefined ? { body } : {}) });
}

/** What a client or a proxy says about where a request came from: whoever reads it would believe strangers. */
function isHearsay(name: string): boolean {
  return name.startsWith('x-forwarded-') || name === 'forwarded' || name === 'x-real-ip' || name === 'true-client-ip';
}
