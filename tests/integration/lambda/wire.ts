import type { IncomingMessage, ServerResponse } from 'node:http';

/** Lambda's quotas: 6 MiB to and from a caller who waits (an answer may have 100 bytes more), 1 MiB of an event. */
export const request_bytes_max = 6_291_456;
export const response_bytes_max = request_bytes_max + 100;
export const event_bytes_max = 1_048_576;

/** The whole body, each piece also to `onChunk` as it comes. */
export async function readBody(request: IncomingMessage, onChunk?: (chunk: Buffer) => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
    onChunk?.(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  const text = JSON.stringify(body);
  const length = Buffer.byteLength(text);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': length, ...headers }).end(text);
}
