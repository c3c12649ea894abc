// `bench.ts` with MiniStack beside it, for the functions that need a table, a bucket and a queue.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../scripts/processes.mjs';
import { buildFolder } from '../../scripts/toolchain.mjs';
import { installMinistack, startMinistack } from '../integration/emulator/ministack.mjs';

const folder = mkdtempSync(join(tmpdir(), 'signet-bench-'));
let emulator;
const close = async () => {
  await emulator?.stop();
  rmSync(folder, { recursive: true, force: true });
};
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void close().finally(() => process.exit(1)));

try {
  const program = await installMinistack({ home: join(buildFolder, 'cache', 'ministack'), run });
  emulator = await startMinistack({ program, folder });
  process.env.SIGNET_EMULATOR_URL = emulator.url;
  await import('./bench.ts');
} finally {
  await close();
}
