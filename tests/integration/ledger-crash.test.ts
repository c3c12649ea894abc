import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { killWriter } from '../../functions/adapters/kill-writer.ts';
import { openLogWorld } from '../fixtures/log-world.ts';

/** More for a longer hunt: `SIGNET_LEDGER_APPENDS=10000`. */
const appends_min = Number(process.env['SIGNET_LEDGER_APPENDS'] ?? 60);
const timeout_ms = 600_000 + 300 * appends_min;

test(
  'a node that is killed again and again keeps one history, with every acknowledged entry in it once',
  async () => {
    const home = await mkdtemp(join(tmpdir(), 'signet-ledger-'));
    const ids: string[] = [];
    try {
      for (let kills = 0; ids.length < appends_min || kills < 4; kills += 1) {
        ids.push(...(await killWriter(new URL('../fixtures/log.child.ts', import.meta.url), [home])));
        // Now and then the log is completed and judged between two lives; else the next life finds it as it is.
        if (kills % 3 === 2) await judge(home, ids);
      }
      await judge(home, ids);
      expect(ids.length).toBeGreaterThanOrEqual(appends_min);
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  },
  timeout_ms,
);

async function judge(home: string, ids: readonly string[]): Promise<void> {
  const world = await openLogWorld({ home });
  try {
    while ((await world.sealer().seal()).kind !== 'idle');
    expect((await world.log.totals()).unsealed).toHaveLength(0);
    await world.judge(ids);
  } finally {
    await world.close();
  }
}
