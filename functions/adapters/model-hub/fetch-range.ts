export interface RangeAnswer {
  /** `rest` continues at the asked byte; `whole` starts at the first. */
  readonly kind: 'rest' | 'whole';
  /** Strong ETag, else Last-Modified: proves at the next resume that the file is still the same. */
  readonly validator?: string;
  readonly body: AsyncIterable<Uint8Array>;
}

const redirects_max = 5;
/** A source that sends nothing for this long is given up. */
const idle_ms = 30_000;

/**
 * GETs a file from byte `from`. Follows at most five redirects, each to HTTPS; sends no credentials or cookies.
 * `if_range`: the rest only if the file is still the one with this validator, else all of it.
 */
export async function fetchRange(request: {
  url: string;
  from: number;
  if_range?: string;
  allow_http: boolean;
  signal?: AbortSignal;
}): Promise<RangeAnswer> {
  const { from, if_range, allow_http } = request;
  const idle = new AbortController();
  const signal = request.signal === undefined ? idle.signal : AbortSignal.any([request.signal, idle.signal]);
  const watch = idleWatch(idle);
  // A range counts bytes of the file, so the file must come as it is and not compressed.
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (from > 0) headers['range'] = `bytes=${from}-`;
  if (from > 0 && if_range !== undefined) headers['if-range'] = if_range;
  try {
    let url = new URL(request.url);
    for (let redirects = 0; ; redirects += 1) {
      if (url.protocol !== 'https:' && !(allow_http && url.protocol === 'http:')) {
        throw new Error(`expected an https address, got \`${url.protocol}//${url.host}\``);
      }
      const response = await fetch(url, { headers, redirect: 'manual', signal, credentials: 'omit' });
      if (response.status === 416 && from > 0) {
        // The file behind the address has become shorter than what is here.
        await response.body?.cancel();
        watch.stop();
        return await fetchRange({ ...request, from: 0 });
      }
      if (response.status < 300 || response.status >= 400) return answerOf(response, from, url, watch);
      await response.body?.cancel();
      const location = response.headers.get('location');
      if (location === null) throw new Error(`${url.host} redirects to nowhere (${response.status})`);
      if (redirects === redirects_max) throw new Error(`more than ${redirects_max} redirects from ${request.url}`);
      url = new URL(location, url);
    }
  } catch (error) {
    watch.stop();
    throw error;
  }
}

function answerOf(response: Response, from: number, url: URL, watch: IdleWatch): RangeAnswer {
  const isRest = response.status === 206 && startOf(response.headers.get('content-range')) === from;
  if ((response.status !== 200 && !isRest) || response.body === null) {
    throw new Error(`${url.host} answered ${response.status} for ${url.pathname}`);
  }
  const etag = response.headers.get('etag');
  const validator = etag !== null && !etag.startsWith('W/') ? etag : response.headers.get('last-modified');
  return {
    kind: isRest && from > 0 ? 'rest' : 'whole',
    ...(validator === null ? {} : { validator }),
    body: watched(response.body, watch),
  };
}

/** First byte of `bytes 100-199/200`. */
function startOf(content_range: string | null): number | undefined {
  const match = /^bytes (\d+)-/.exec(content_range ?? '');
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

async function* watched(body: ReadableStream<Uint8Array>, watch: IdleWatch): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of body) {
      watch.touch();
      yield chunk;
    }
  } finally {
    watch.stop();
  }
}

interface IdleWatch {
  touch(): void;
  stop(): void;
}

function idleWatch(idle: AbortController): IdleWatch {
  const timer = setTimeout(() => idle.abort(new Error(`the source sent nothing for ${idle_ms / 1000} s`)), idle_ms);
  return { touch: () => void timer.refresh(), stop: () => clearTimeout(timer) };
}
