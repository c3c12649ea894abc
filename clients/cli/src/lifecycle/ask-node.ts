import type { JsonObject } from '@signet/functions/domain/json.ts';
import { NodeError } from './node-error.ts';

/** One request to a node. */
export interface NodeRequest {
  readonly method: 'GET' | 'POST';
  /** Under the node's address: `/api/v1/status`. */
  readonly path: string;
  readonly body?: unknown;
  /** Milliseconds until `timeout`. */
  readonly wait_ms: number;
}

export interface NodeAnswer {
  readonly status: number;
  readonly body: JsonObject;
  readonly receipt?: string;
}

/** Asks and reads JSON. @throws {NodeError} for whatever is not an answer of 2xx */
export async function askNode(
  { url, token }: { url: string; token: string | undefined },
  request: NodeRequest,
): Promise<NodeAnswer> {
  const answer = await answerOf({ url, token }, request);
  if (answer.status < 200 || answer.status >= 300) throw refusalOf(answer);
  return answer;
}

/** The same, whatever its status. */
export async function answerOf(
  { url, token }: { url: string; token: string | undefined },
  { method, path, body, wait_ms }: NodeRequest,
): Promise<NodeAnswer & { readonly retry_after_s?: number }> {
  const signal = AbortSignal.timeout(wait_ms);
  try {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // A key goes to the address that was configured and to no other.
      redirect: 'error',
      signal,
    });
    const receipt = answer.headers.get('signet-receipt');
    const retry = Number(answer.headers.get('retry-after') ?? NaN);
    return {
      status: answer.status,
      body: readBody(await answer.text(), answer.status),
      ...(receipt === null ? {} : { receipt }),
      ...(Number.isFinite(retry) ? { retry_after_s: retry } : {}),
    };
  } catch (cause) {
    if (cause instanceof NodeError) throw cause;
    if (signal.aborted) {
      const detail = `${method} ${path} was not answered in ${wait_ms} ms`;
      throw new NodeError({ kind: 'timeout', code: 'node_timeout', detail }, { cause });
    }
    throw new NodeError(
      { kind: 'unavailable', code: 'node_unavailable', detail: `no node answers at ${url}` },
      { cause },
    );
  }
}

function readBody(text: string, status: number): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // Said below, as for any other text that is no object.
  }
  throw new NodeError({ kind: 'malformed', code: 'node_malformed', status, detail: 'the answer is no JSON object' });
}

/** What a node's problem document says, as an error. */
export function refusalOf({
  status,
  body,
  receipt,
  retry_after_s,
}: NodeAnswer & { readonly retry_after_s?: number }): NodeError {
  const text = (name: string): string | undefined => (typeof body[name] === 'string' ? body[name] : undefined);
  const reason = text('reason');
  const left = receipt ?? text('receipt');
  return new NodeError({
    kind: 'refused',
    status,
    code: text('code') ?? `http_${status}`,
    detail: text('detail') ?? text('title') ?? 'the node refused this',
    ...(reason === undefined ? {} : { reason }),
    ...(left === undefined ? {} : { receipt: left }),
    ...(retry_after_s === undefined ? {} : { retry_after_s }),
  });
}
