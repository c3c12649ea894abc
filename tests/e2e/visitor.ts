import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from '@jest/globals';
import { repository } from './running-node.ts';

const execute = promisify(execFile);

/** Somebody with a key, and the command beside it: what a journey needs of a node, wherever it runs. */
export interface Visitor {
  readonly url: string;
  readonly key: string;
  /** Folder of this journey: its home, whose `trust/` pins the node, and the place of what it stores. */
  readonly home: string;
  request(method: string, path: string, body?: unknown, key?: string): Promise<Response>;
  /** The JSON of an answer that must be good. */
  json(method: string, path: string, body?: unknown): Promise<unknown>;
  /** The command of this checkout with `--home`; rejects with its `code`, `stdout` and `stderr`. */
  signet(
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
  ): Promise<{ stdout: string; stderr: string }>;
  /** The receipt in a file, checked by the command in a process that dies if it opens a socket. */
  verifyOffline(id: string): Promise<string>;
}

export function makeVisitor({ url, key, home }: { url: string; key: string; home: string }): Visitor {
  const visitor: Visitor = {
    url,
    key,
    home,
    async request(method, path, body, other_key = key) {
      return await fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${other_key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    },
    async json(method, path, body) {
      const answer = await visitor.request(method, path, body);
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
      return JSON.parse(text) as unknown;
    },
    async signet(args, environment = {}) {
      const command = join(repository, 'clients/cli/bin/signet.mjs');
      const kept = ['PATH', 'HOME', 'NODE_EXTRA_CA_CERTS'].map((name) => [name, process.env[name]]);
      return await execute(process.execPath, [command, ...args, '--home', home], {
        cwd: repository,
        env: { ...Object.fromEntries(kept), ...environment },
      });
    },
    async verifyOffline(id) {
      const answer = await visitor.request('GET', `/api/v1/receipts/${id}`);
      // A log proof, or JSON while the log does not have it yet: the command reads both.
      expect([200, 202]).toContain(answer.status);
      const file = join(home, `${id}.receipt`);
      await writeFile(file, Buffer.from(await answer.arrayBuffer()));
      const { stdout } = await visitor.signet(['verify', file], {
        NODE_OPTIONS: `--import=${join(repository, 'tests/e2e/without-sockets.mjs')}`,
      });
      expect(stdout).toContain('valid');
      return file;
    },
  };
  return visitor;
}
