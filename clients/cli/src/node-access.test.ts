import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { lockHome } from '@signet/functions/adapters/files/lock-home.ts';
import { runningNode } from './node-access.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-access-'));
  await writeFile(join(home, 'owner.key'), 'sg_1\n');
});
afterEach(() => rm(home, { recursive: true }));

test.each([
  ['127.0.0.2', 'http://127.0.0.2:4000'],
  ['0.0.0.0', 'http://127.0.0.1:4000'],
  ['::', 'http://[::1]:4000'],
  ['localhost', 'http://localhost:4000'],
])('a node that listens on %s is found at %s', async (host, where) => {
  const lock = await lockHome({ home, facts: { host, port: 4000, started_at: 1 } });
  expect(await runningNode({ home, json: false })).toMatchObject({ where });
  await lock.release();
  expect(await runningNode({ home, json: false })).toBeUndefined();
});

test('a process that has the home and does not listen is named', async () => {
  const lock = await lockHome({ home, facts: { started_at: 1 } });
  await expect(runningNode({ home, json: false })).rejects.toThrow(`process ${process.pid} has ${home} open`);
  await lock.release();
});
