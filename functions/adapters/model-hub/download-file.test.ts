import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DownloadedFileWrongError, downloadFile } from './download-file.ts';

const file = randomBytes(300_000);
const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let folder: string;
let server: Server;
let origin: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let requests: { url: string; range: string | undefined }[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-download-'));
  requests = [];
  answer = serve(file, '"one"');
  server = createServer((request, response) => {
    requests.push({ url: request.url ?? '', range: request.headers.range });
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

/** A server of one file that knows ranges and validators. */
function serve(bytes: Buffer, etag: string) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const isSame = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
    if (from === 0 || !isSame) return void response.writeHead(200, { etag }).end(bytes);
    const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
    response.writeHead(206, { etag, 'content-range': range }).end(bytes.subarray(from));
  };
}

/** Takes one download up to its first bytes and breaks the connection there. */
async function breakOff(bytes: Buffer, etag: string): Promise<void> {
  let cut = (): void => undefined;
  answer = (_, response) => {
    cut = () => response.destroy();
    response.writeHead(200, { etag, 'content-length': bytes.length });
    response.write(bytes.subarray(0, 100_000));
  };
  await expect(downloadFile(wanted({ onProgress: () => cut() }))).rejects.toThrow();
}

const wanted = (more: Partial<Parameters<typeof downloadFile>[0]> = {}) => ({
  url: `${origin}/model.safetensors`,
  target: join(folder, 'model.safetensors'),
  sha256: sha256Of(file),
  bytes: file.length,
  allow_http: true,
  ...more,
});

const target = () => readFile(join(folder, 'model.safetensors'));

test('fetches a file once, leaves nothing beside it, and knows it again', async () => {
  const seen: number[] = [];
  const first = await downloadFile(wanted({ onProgress: ({ bytes }) => seen.push(bytes) }));
  expect(first).toEqual({ kind: 'downloaded' });
  expect(seen.at(-1)).toBe(file.length);
  expect((await target()).equals(file)).toBe(true);
  expect(await readdir(folder)).toEqual(['model.safetensors']);
  expect(await downloadFile(wanted())).toEqual({ kind: 'present' });
  expect(requests).toHaveLength(1);
});

test('goes on where a broken download ended', async () => {
  await breakOff(file, '"one"');
  answer = serve(file, '"one"');
  await downloadFile(wanted());
  const from = Number(/\d+/.exec(requests[1]?.range ?? '')?.[0]);
  expect(from).toBeGreaterThan(0);
  expect((await target()).equals(file)).toBe(true);
});

test('starts again when the file behind the address has changed meanwhile', async () => {
  await breakOff(randomBytes(300_000), '"old"');
  answer = serve(file, '"new"');
  await downloadFile(wanted());
  expect(requests[1]?.range).toBeDefined();
  expect((await target()).equals(file)).toBe(true);
});

test('starts again when the server takes no ranges, or has a shorter file now', async () => {
  await breakOff(file, '"one"');
  answer = (_, response) => void response.writeHead(200).end(file);
  await downloadFile(wanted());
  await rm(join(folder, 'model.safetensors'));

  await breakOff(file, '"one"');
  answer = (request, response) =>
    void (request.headers.range === undefined ? response.writeHead(200).end(file) : response.writeHead(416).end());
  await downloadFile(wanted());
  expect((await target()).equals(file)).toBe(true);
});

test('removes a file with another digest and names both digests', async () => {
  answer = serve(Buffer.from(file).fill(0, 7, 8), '"one"');
  const refused = downloadFile(wanted());
  await expect(refused).rejects.toBeInstanceOf(DownloadedFileWrongError);
  await expect(refused).rejects.toThrow(sha256Of(file));
  expect(await readdir(folder)).toEqual([]);
});

test('reads no more than the pinned size', async () => {
  answer = (_, response) => void response.writeHead(200).end(Buffer.concat([file, Buffer.of(1)]));
  await expect(downloadFile(wanted())).rejects.toThrow('got more');
  expect(await readdir(folder)).toEqual([]);
  await expect(downloadFile(wanted({ bytes: 3 * 1024 ** 3 }))).rejects.toThrow('expected at most');
});

test('follows five redirects and no sixth', async () => {
  const redirect = (count: number) => (request: IncomingMessage, response: ServerResponse) => {
    const step = Number(/\d+$/.exec(request.url ?? '')?.[0] ?? 0);
    if (step >= count) return serve(file, '"one"')(request, response);
    response.writeHead(302, { location: `/hop-${step + 1}` }).end();
  };
  answer = redirect(6);
  await expect(downloadFile(wanted())).rejects.toThrow('more than 5 redirects');
  answer = redirect(5);
  expect(await downloadFile(wanted())).toEqual({ kind: 'downloaded' });
});

test('takes https only, also behind a redirect', async () => {
  await expect(downloadFile(wanted({ allow_http: false }))).rejects.toThrow('expected an https address');
  answer = (_, response) => void response.writeHead(302, { location: 'ftp://127.0.0.1/model' }).end();
  await expect(downloadFile(wanted())).rejects.toThrow('expected an https address');
  expect(requests).toHaveLength(1);
});

test('an error of the server leaves nothing that looks like the file', async () => {
  answer = (_, response) => void response.writeHead(404).end('not here');
  await expect(downloadFile(wanted())).rejects.toThrow('answered 404');
  expect(await readdir(folder)).toEqual([]);
});

test('an aborted download stops and can be resumed', async () => {
  const abort = new AbortController();
  answer = (_, response) => {
    response.writeHead(200, { etag: '"one"' });
    response.write(file.subarray(0, 1000));
  };
  const refused = downloadFile(wanted({ signal: abort.signal, onProgress: () => abort.abort(new Error('enough')) }));
  await expect(refused).rejects.toThrow('enough');
  answer = serve(file, '"one"');
  await downloadFile(wanted());
  expect(requests[1]?.range).toBe('bytes=1000-');
});

test('a lock of a dead process is taken over', async () => {
  const dead = spawn(process.execPath, ['-e', '']);
  await once(dead, 'exit');
  await writeFile(join(folder, 'model.safetensors.lock'), String(dead.pid));
  expect(await downloadFile(wanted())).toEqual({ kind: 'downloaded' });
});

test('eight processes download once', async () => {
  const code = `
    import { downloadFile } from ${JSON.stringify(join(import.meta.dirname, 'download-file.ts'))};
    console.log((await downloadFile(${JSON.stringify(wanted())})).kind);`;
  const args = ['--no-warnings', '--input-type=module', '-e', code];
  const outputs = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
      await once(child, 'close');
      return output.trim();
    }),
  );
  expect(outputs.toSorted()).toEqual(['downloaded', ...Array(7).fill('present')]);
  expect(requests).toHaveLength(1);
}, 30_000);
