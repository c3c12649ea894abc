import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { HomeInUseError, lockHome, readLock } from './lock-home.ts';

const facts = { started_at: Date.UTC(2030, 0, 1) };
let home: string;
let children: ChildProcess[];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-lock-'));
  children = [];
});
afterEach(async () => {
  await Promise.all(children.map(kill));
  await rm(home, { recursive: true });
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function startChild(): Promise<{ child: ChildProcess; outcome: string }> {
  const path = fileURLToPath(new URL('./lock.child.ts', import.meta.url));
  const child = spawn(process.execPath, [path, home], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [text] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  return { child, outcome: text.toString().trim() };
}

async function rewrite(change: object): Promise<void> {
  const record = JSON.parse(await readFile(join(home, 'lock'), 'utf8')) as object;
  await writeFile(join(home, 'lock'), JSON.stringify({ ...record, ...change }));
}

test('a home has one holder, whose facts others can read', async () => {
  const lock = await lockHome({ home: join(home, 'new'), facts });
  expect(await readLock(join(home, 'new'))).toEqual({ pid: process.pid, ...facts });
  await lock.update({ ...facts, port: 3001 });
  await lock.update({ ...facts, port: 3002 });
  expect(await readLock(join(home, 'new'))).toEqual({ pid: process.pid, port: 3002, ...facts });
  const refused = lockHome({ home: join(home, 'new'), facts });
  await expect(refused).rejects.toThrow(HomeInUseError);
  await expect(refused).rejects.toThrow(`is in use: process ${process.pid} holds it and listens on port 3002`);
  await expect(refused).rejects.toMatchObject({ owner: { pid: process.pid, port: 3002 } });
  await lock.release();
  await lock.release();
  expect(await readLock(join(home, 'new'))).toBeUndefined();
  expect(await readdir(join(home, 'new'))).toEqual([]);
  await expect(lock.update(facts)).rejects.toThrow('its lock was released');
});

test('a home that was never held has no owner', async () => {
  expect(await readLock(join(home, 'none'))).toBeUndefined();
});

test('another process is kept out while the holder lives, and let in after kill -9', async () => {
  const first = await startChild();
  expect(first.outcome).toBe('held');
  expect((await readLock(home))?.pid).toBe(first.child.pid);
  await expect(lockHome({ home, facts })).rejects.toThrow(HomeInUseError);
  expect((await startChild()).outcome).toBe('in use');
  await kill(first.child);
  expect(await readLock(home)).toBeUndefined();
  const lock = await lockHome({ home, facts });
  expect((await readLock(home))?.pid).toBe(process.pid);
  expect(await readdir(home)).toEqual(['lock']);
  await lock.release();
});

test('a process id that is used again does not keep a dead lock alive', async () => {
  const lock = await lockHome({ home, facts });
  await rewrite({ process: 'another-boot:1' });
  expect(await readLock(home)).toBeUndefined();
  const taken = await lockHome({ home, facts });
  // The first holder's release must not remove what is another's now.
  await lock.release();
  expect((await readLock(home))?.pid).toBe(process.pid);
  await taken.release();
});

test('of many who take over a dead lock at once exactly one gets it', async () => {
  for (let round = 0; round < 10; round += 1) {
    const dead = await lockHome({ home, facts });
    await rewrite({ process: 'another-boot:1' });
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => lockHome({ home, facts })));
    const held = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    expect(held).toHaveLength(1);
    expect(refused.every((reason) => reason instanceof HomeInUseError)).toBe(true);
    expect(await readdir(home)).toEqual(['lock']);
    await dead.release();
    await held[0]?.release();
  }
});

test('who died while taking over is taken over too', async () => {
  await lockHome({ home, facts });
  await rewrite({ process: 'another-boot:1' });
  const record = JSON.parse(await readFile(join(home, 'lock'), 'utf8')) as { token: string };
  const second = { ...record, token: '00000000-0000-4000-8000-000000000002' };
  await writeFile(join(home, `lock.${record.token}`), JSON.stringify(second));
  const lock = await lockHome({ home, facts });
  expect(await readdir(home)).toEqual(['lock']);
  await lock.release();
});

test('a file that is no lock is left alone and named', async () => {
  await writeFile(join(home, 'lock'), 'mine');
  await expect(lockHome({ home, facts })).rejects.toThrow(`${join(home, 'lock')} is not a lock of Signet`);
  expect(await readdir(home)).toEqual(['lock']);
});
