import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNode } from '../e2e/running-node.ts';
import { hostileCases } from './hostile-cases.ts';

/** A node as a user starts it. */
hostileCases(async () => {
  const home = await mkdtemp(join(tmpdir(), 'signet-hostile-'));
  const { url, owner_key, output, stop } = await startNode({ home });
  return {
    url,
    owner_key,
    output,
    async stop() {
      await stop();
      await rm(home, { recursive: true, force: true });
    },
  };
});
