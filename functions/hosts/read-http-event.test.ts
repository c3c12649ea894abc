import { describe, expect, test } from '@jest/globals';
import { readHttpEvent, UnknownEventError } from './read-http-event.ts';
import { queueEvent, restEvent, urlEvent } from './testing/lambda-events.ts';

const signal = new AbortController().signal;
const read = (event: object) => ({ ...readHttpEvent(event), request: readHttpEvent(event).toRequest(signal) });

describe('an event of a REST API', () => {
  test('is its request: method, host of the API, path without the stage', () => {
    const { form, request, source_ip, gateway_request_id } = read(restEvent());
    expect(form).toBe('rest');
    expect(request.method).toBe('GET');
    expect(request.url).toBe('https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/v1/models');
    expect(source_ip).toBe('198.51.100.7');
    expect(gateway_request_id).toBe('c6af9ac6-7b61-11e6-9a41-93e8deadbeef');
  });

  test('keeps repeated and encoded query strings, which the gateway decodes', () => {
    const query = { tag: ['a b', 'ü&=?', '100%'], 'odd name': [''], plus: ['1+1'] };
    const { request } = read(restEvent({ multiValueQueryStringParameters: query }));
    const { searchParams } = new URL(request.url);
    expect(searchParams.getAll('tag')).toEqual(['a b', 'ü&=?', '100%']);
    expect(searchParams.getAll('odd name')).toEqual(['']);
    expect(searchParams.get('plus')).toBe('1+1');
  });

  test('takes the single-valued maps where the others are not there', () => {
    const { request } = read(
      restEvent({ multiValueHeaders: null, headers: { 'X-One': '1' }, queryStringParameters: { a: 'b' } }),
    );
    expect(request.headers.get('x-one')).toBe('1');
    expect(new URL(request.url).search).toBe('?a=b');
  });

  test('keeps headers that come several times', () => {
    const { request } = read(restEvent({ multiValueHeaders: { 'X-Many': ['1', '2'], Cookie: ['a=1'] } }));
    expect(request.headers.get('x-many')).toBe('1, 2');
    expect(request.headers.get('cookie')).toBe('a=1');
  });

  test('has the bytes of a base64 body, and their number', async () => {
    const bytes = Buffer.from([0, 255, 128, 10]);
    const { request } = read(
      restEvent({
        httpMethod: 'POST',
        body: bytes.toString('base64'),
        isBase64Encoded: true,
        multiValueHeaders: { 'Content-Length': ['999'] },
      }),
    );
    expect(request.headers.get('content-length')).toBe('4');
    expect(Buffer.from(await request.arrayBuffer())).toEqual(bytes);
  });

  test('has a text body as UTF-8', async () => {
    const { request } = read(restEvent({ httpMethod: 'POST', body: '{"a":"ü"}' }));
    expect(request.headers.get('content-length')).toBe('10');
    expect(await request.text()).toBe('{"a":"ü"}');
  });

  test.each(['', null, undefined])('has no body for %j', async (body) => {
    const { request } = read(restEvent({ httpMethod: 'POST', body }));
    expect(request.body).toBeNull();
  });

  test('ignores a body of a GET', () => {
    expect(read(restEvent({ body: 'x' })).request.body).toBeNull();
  });
});

describe('an event of a function URL', () => {
  test('has its query verbatim', () => {
    const { form, request } = read(urlEvent({ rawQueryString: 'a=%20&a=b+c&d&%C3%BC=1' }));
    expect(form).toBe('url');
    expect(request.url).toBe('https://abc.lambda-url.eu-central-1.on.aws/v1/models?a=%20&a=b+c&d&%C3%BC=1');
  });

  test('has its cookies in one header', () => {
    expect(read(urlEvent({ cookies: ['a=1', 'b=2'] })).request.headers.get('cookie')).toBe('a=1; b=2');
  });
});

describe('of both', () => {
  test.each([
    ['/v1/models/a%2Fb%20c', '/v1/models/a%2Fb%20c'],
    ['/decoded ü/?x=1#y', '/decoded%20%C3%BC/%3Fx=1%23y'],
    ['/bare%/100%zz', '/bare%25/100%25zz'],
    ["/kept!$&'()*+,;=:@-._~", "/kept!$&'()*+,;=:@-._~"],
    ['no-slash', '/no-slash'],
    ['/back\\slash\n', '/back%5Cslash%0A'],
    ['/lone\ud800', '/lone%EF%BF%BD'],
  ])('path %j is asked for as %j', (path, expected) => {
    expect(new URL(read(restEvent({ path })).request.url).pathname).toBe(expected);
    expect(new URL(read(urlEvent({ rawPath: path })).request.url).pathname).toBe(expected);
  });

  test('a host stays a host, whatever the path begins with', () => {
    const { request } = read(urlEvent({ rawPath: '//evil.example/x' }));
    expect(new URL(request.url).host).toBe('abc.lambda-url.eu-central-1.on.aws');
  });

  test.each(['X-Forwarded-For', 'x-forwarded-host', 'X-Forwarded-Proto', 'Forwarded', 'X-Real-IP', 'True-Client-IP'])(
    'what strangers say of themselves in %s is not handed on',
    (name) => {
      expect(read(restEvent({ multiValueHeaders: { [name]: ['10.0.0.1'] } })).request.headers.has(name)).toBe(false);
      expect(read(urlEvent({ headers: { [name]: '10.0.0.1' } })).request.headers.has(name)).toBe(false);
    },
  );

  test('headers of the connection end here, and those that it names', () => {
    const multiValueHeaders = {
      Connection: ['keep-alive, X-Secret-Hop'],
      'Keep-Alive': ['timeout=5'],
      'Transfer-Encoding': ['chunked'],
      TE: ['trailers'],
      Upgrade: ['websocket'],
      'X-Secret-Hop': ['1'],
      'X-Kept': ['1'],
    };
    expect([...read(restEvent({ multiValueHeaders })).request.headers]).toEqual([['x-kept', '1']]);
  });

  test('the signal is the one of the invocation', () => {
    const stop = new AbortController();
    const request = readHttpEvent(urlEvent()).toRequest(stop.signal);
    stop.abort();
    expect(request.signal.aborted).toBe(true);
  });

  test.each([
    ['a method that fetch refuses', { httpMethod: 'TRACE' }],
    ['a header that is none', { multiValueHeaders: { 'bad name': ['1'] } }],
    ['a value beyond Latin-1', { multiValueHeaders: { 'x-a': ['\u{1F600}'] } }],
  ])('%s is no request', (_what, changes) => {
    expect(() => readHttpEvent(restEvent(changes)).toRequest(signal)).toThrow();
  });
});

test.each([undefined, null, 7, 'text', [], {}, queueEvent('{}'), { version: '2.0' }, { httpMethod: 'GET', path: '/' }])(
  'refuses %j',
  (event) => {
    expect(() => readHttpEvent(event)).toThrow(UnknownEventError);
  },
);
