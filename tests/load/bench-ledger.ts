import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileKeys } from '../../functions/adapters/files/file-keys.ts';
import { fileObjects } from '../../functions/adapters/files/file-objects.ts';
import { openNativeCompute } from '../../functions/adapters/native/native-compute.ts';
import { openDatabase } from '../../functions/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../functions/adapters/sqlite/sqlite-table.ts';
import type { Call } from '../../functions/domain/call.ts';
import { makeContent } from '../../functions/domain/content/content.ts';
import { openIdentity } from '../../functions/domain/identity/open-identity.ts';
import { openLogIdentity } from '../../functions/domain/ledger/log-identity.ts';
import { makeLog } from '../../functions/domain/ledger/make-log.ts';
import { makeSealer } from '../../functions/domain/ledger/make-sealer.ts';
import { runSealer } from '../../functions/domain/ledger/run-sealer.ts';
import { makeReceipts } from '../../functions/domain/receipts/make-receipts.ts';
import { countsType } from '../../functions/domain/receipts/statement-types.ts';
import type { Figure } from './record.ts';

const entries = 12_000;
const at_once = 256;
const rounds = 3;

/**
 * Entries of 1 KB a second of one core, embedded adapters on this disk, every fsync included: appended (signed, stored,
 * acknowledged), and appended while they are sealed, until the last one stands under a published checkpoint. Both in
 * processor time of all threads; the note has the wall's, which the disk and other work share.
 */
export async function benchLedger({ addon_path }: { addon_path: string }): Promise<readonly Figure[]> {
  const home = await mkdtemp(join(tmpdir(), 'signet-bench-'));
  const world = await openWorld(home, addon_path);
  try {
    const appended: Rate[] = [];
    const sealed: Rate[] = [];
    await world.append(at_once);
    await world.sealAll();
    for (let round = 0; round < rounds; round += 1) {
      appended.push(await rateOf(() => world.append(entries)));
      await world.sealAll();
      sealed.push(await rateOf(() => world.appendAndSeal(entries)));
    }
    return [
      figure('ledger: entries of 1 KB appended, durable', appended, 10_000),
      figure('ledger: entries of 1 KB appended and sealed, to the published checkpoint', sealed, 10_000),
    ];
  } finally {
    await world.close();
    await rm(home, { recursive: true });
  }
}

interface Rate {
  readonly core: number;
  readonly wall: number;
}

function figure(name: string, rates: readonly Rate[], target: number): Figure {
  const median = (values: readonly number[]) => Math.round(values.toSorted((a, b) => a - b)[rates.length >> 1] ?? 0);
  const core = median(rates.map((rate) => rate.core));
  const wall = median(rates.map((rate) => rate.wall)).toLocaleString('en');
  const note = `${wall}/s by the wall; ${(core / (10_000 / 7)).toFixed(2)} × Tessera POSIX for each core (its own figure: 10,000/s on 7)`;
  return { name, value: core, unit: '/core s', target, larger_is_better: true, note };
}

async function rateOf(work: () => Promise<void>): Promise<Rate> {
  const [cpu, began] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { core: (entries * 1e6) / (user + system), wall: (entries * 1000) / (performance.now() - began) };
}

async function openWorld(home: string, addon_path: string) {
  const now = Date.now;
  const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
  const database = await openDatabase({ path: join(home, 'signet.db') });
  const table = sqliteTable(database);
  const objects = fileObjects({ root: join(home, 'objects') });
  const compute = openNativeCompute({ addon_path });
  const { verify, digest } = compute;
  const keys = fileKeys({ folder: join(home, 'identities'), sign: () => compute.sign, random });
  const identity = await openIdentity({ table, keys, verify, digest, now, newId: randomUUID });
  const log = await openLogIdentity({ keys, identity, digest, now });
  const content = makeContent({ objects, digest, random });
  const sealer = makeSealer({ table, objects, keys, ledger: verify.ledger, log, now });
  let wake = (): void => {};
  const parts = { table, keys, identity, content, now, onAppended: () => wake() };
  const receipts = makeReceipts({ ...parts, log: makeLog({ table, objects, ledger: verify.ledger, log, now }) });
  let statements = 0;
  const call: Call = {
    principal: { kind: 'key', id: 'bench', tenant: 'default', scopes: [] },
    request_id: randomUUID(),
    nextStatement: () => (statements += 1),
    depth: 0,
    signal: new AbortController().signal,
  };

  async function append(count: number): Promise<void> {
    let left = count;
    const one = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await receipts.append(call, statement);
      }
    };
    await Promise.all(Array.from({ length: at_once }, one));
  }

  async function sealAll(): Promise<void> {
    while ((await sealer.seal()).kind !== 'idle');
  }

  return {
    append,
    sealAll,
    async appendAndSeal(count: number): Promise<void> {
      const failures: unknown[] = [];
      const work = runSealer({ sealer, onError: (error) => failures.push(error) });
      wake = () => work.wake();
      await append(count);
      wake = () => {};
      await work.stop();
      if (failures.length > 0) throw failures[0];
      await sealAll();
    },
    close: () => database.close(),
  };
}

/** An envelope of 1 KB, as most of a node's are. */
const statement = {
  subject: [{ name: 'request', digest: { sha256: 'c'.repeat(64) } }],
  predicate_type: countsType,
  predicate: { counts: { malformed: 1 }, note: 'x'.repeat(100) },
};
