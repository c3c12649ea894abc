import { expect, test } from '@jest/globals';
import { byteStream, chatPieces, runPieces } from './event-stream.ts';

const facts = { request_id: 'r', signal: new AbortController().signal, onError() {} };

async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  return new Response(stream).text();
}

test('asks for the next piece only when the last was taken', async () => {
  let asked = 0;
  const source = (async function* () {
    for (asked = 1; asked <= 3; asked += 1) yield { text: `${asked}` };
  })();
  const reader = byteStream(source, { beat_ms: 10_000 }).getReader();
  await new Promise((resolve) => setImmediate(resolve));
  expect(asked).toBe(0);
  await reader.read();
  expect(asked).toBe(1);
  await reader.read();
  expect(asked).toBe(2);
  await reader.cancel();
});

test.each([0, 1])('a reader that leaves after %d pieces lets the source close what it opened', async (reads) => {
  let closed = false;
  const source = (async function* () {
    try {
      for (;;) yield { kind: 'chunk' as const, chunk: {} };
    } finally {
      closed = true;
    }
  })();
  const reader = byteStream(chatPieces(source, facts), { beat_ms: 10_000 }).getReader();
  for (let count = 0; count < reads; count += 1) await reader.read();
  await reader.cancel();
  expect(closed).toBe(true);
});

test('a line end in a comment or in data starts no field of its own', async () => {
  const source = (async function* () {
    yield { kind: 'comment' as const, text: 'step\r\ndata: {"forged":true}' };
    yield { kind: 'chunk' as const, chunk: { text: 'a\n\ndata: [DONE]' } };
  })();
  expect(await textOf(byteStream(chatPieces(source, facts), { beat_ms: 10_000 }))).toBe(
    ': step data: {"forged":true}\n\ndata: {"text":"a\\n\\ndata: [DONE]"}\n\ndata: [DONE]\n\n',
  );
});

test('an error in the events of a run is a problem event, and says nothing of what is ours', async () => {
  const thrown: unknown[] = [];
  const source = (async function* () {
    yield { id: 1, event: 'stdout', data: {} };
    throw new Error('secret');
  })();
  const pieces = runPieces(source, { ...facts, onError: (_, cause) => thrown.push(cause) });
  const text = await textOf(byteStream(pieces, { beat_ms: 10_000 }));
  expect(text).toMatch(/^id: 1\nevent: stdout\ndata: \{\}\n\nevent: error\ndata: \{.*"code":"internal".*\}\n\n$/);
  expect(text).not.toContain('secret');
  expect(thrown).toHaveLength(1);
});
