import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, writeNewFile } from './durable-files.ts';

/** What the owner of a home tells others about itself. */
export interface HomeFacts {
  /** Where it listens, once it does. */
  readonly host?: string;
  readonly port?: number;
  /** Unix milliseconds. */
  readonly started_at: number;
}

export interface HomeOwner extends HomeFacts {
  readonly pid: number;
}

export interface Lock {
  /** Replaces the facts that others read; atomic. */
  update(facts: HomeFacts): Promise<void>;
  /** Gives the home back. Twice is fine. */
  release(): Promise<void>;
}

/** A live process holds the home; `owner` says which. */
export class HomeInUseError extends Error {
  override readonly name = 'HomeInUseError';
  readonly owner: HomeOwner;

  constructor(home: string, owner: HomeOwner) {
    const where = owner.port === undefined ? '' : ` and listens on port ${owner.port}`;
    super(`${home} is in use: process ${owner.pid} holds it${where}`);
    this.owner = owner;
  }
}

/** The file that should be the lock is none of ours, or damaged. */
export class LockRefusedError extends Error {
  override readonly name = 'LockRefusedError';
}

interface LockRecord extends HomeOwner {
  /** Names this holding of the lock. */
  readonly token: string;
  /** Boot and start time of the process where the system tells them: a process id alone is used again. */
  readonly process: string;
}

/**
 * Takes `home` for this process alone, by the file `lock` in it; the home is made when it is not there.
 * A lock whose process is gone (`kill -9`, a power cut) is taken over. Throws `HomeInUseError` when its process lives.
 *
 * Taking over: replacing a dead lock could replace the fresh lock of someone who was faster. So whoever wants to first
 * links a record under `lock.<token of the dead lock>`, which only one process can do, and then looks at `lock` again.
 * The faster one put its own record there before it removed that name, so the slower one sees another token and starts over.
 * A process that died in between counts as the next dead owner in that chain.
 */
export async function lockHome({ home, facts }: { home: string; facts: HomeFacts }): Promise<Lock> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const token = randomUUID();
  const own = { pid: process.pid, token, process: (await describeProcess(process.pid)) ?? '' };
  const path = join(home, 'lock');
  const scratch = join(home, `lock.${token}.new`);
  let released = false;

  try {
    await writeNewFile(scratch, encode({ ...own, ...facts }));
    while (!(await tryLock(home, path, scratch)));
  } finally {
    await rm(scratch, { force: true });
  }

  return {
    async update(next) {
      if (released) throw new Error(`expected to hold ${home}, but its lock was released`);
      await rm(scratch, { force: true });
      await writeNewFile(scratch, encode({ ...own, ...next }));
      await rename(scratch, path);
    },

    async release() {
      if (released) return;
      released = true;
      if ((await readRecord(path))?.token === token) await rm(path, { force: true });
    },
  };
}

/** The live owner of `home`; undefined when nobody holds it. */
export async function readLock(home: string): Promise<HomeOwner | undefined> {
  const record = await readRecord(join(home, 'lock'));
  return record !== undefined && (await isAlive(record)) ? ownerOf(record) : undefined;
}

/** False: somebody else changed the lock meanwhile, look again. */
async function tryLock(home: string, path: string, scratch: string): Promise<boolean> {
  if (await linkNew(scratch, path)) return true;
  const dead = await readRecord(path);
  if (dead === undefined) return false;
  if (await isAlive(dead)) throw new HomeInUseError(home, ownerOf(dead));

  const claims: string[] = [];
  for (let last: LockRecord | undefined = dead; last !== undefined; ) {
    const claim = join(home, `lock.${last.token}`);
    claims.push(claim);
    last = await readRecord(claim);
    if (last !== undefined && (await isAlive(last))) throw new HomeInUseError(home, ownerOf(last));
  }
  const claim = claims.at(-1);
  if (claim === undefined || !(await linkNew(scratch, claim))) return false;
  if ((await readRecord(path))?.token !== dead.token) {
    await rm(claim, { force: true });
    return false;
  }
  await rename(scratch, path);
  for (const name of claims) await rm(name, { force: true });
  return true;
}

async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (cause) {
    if (errorCode(cause) === 'EEXIST') return false;
    throw cause;
  }
}

async function readRecord(path: string): Promise<LockRecord | undefined> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw cause;
  });
  if (text === undefined) return undefined;
  try {
    const record = JSON.parse(text) as LockRecord;
    if (Number.isInteger(record.pid) && record.pid > 0 && /^[0-9a-f-]{36}$/.test(record.token)) return record;
  } catch {
    // Answered below: records are put in place whole, so this is not one that is still being written.
  }
  throw new LockRefusedError(`${path} is not a lock of Signet; remove it when no Signet runs on this home`);
}

function ownerOf({ pid, host, port, started_at }: LockRecord): HomeOwner {
  return { pid, started_at, ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) };
}

function encode(record: LockRecord): Buffer {
  return Buffer.from(`${JSON.stringify(record)}\n`);
}

async function isAlive({ pid, process: described }: LockRecord): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (cause) {
    // EPERM: it lives, as another user.
    if (errorCode(cause) !== 'EPERM') return false;
  }
  const now = await describeProcess(pid);
  return described === '' || now === undefined || now === described;
}

/** `<boot id>:<start in clock ticks since boot>`; undefined where the system has no /proc. */
async function describeProcess(pid: number): Promise<string | undefined> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in parentheses and may hold spaces; the start time is the 22nd.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; it only waits for its parent to notice.
    return fields[0] === 'Z' ? `${boot.trim()}:ended` : `${boot.trim()}:${fields[19]}`;
  } catch {
    return undefined;
  }
}
