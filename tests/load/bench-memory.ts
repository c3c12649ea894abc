import { fork } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countableHeap, grown, heapCounts } from '../fixtures/heap-counts.ts';
import { residentMiB, withNode } from './bench-node.ts';
import { many, messages, run, startUpstream } from './gateway-load.ts';
import { repository, type Figure } from './record.ts';

const stage_s = 15;
const stages = ['plain', 'plain', 'plain', 'streamed', 'streamed'] as const;

/**
 * A soak: what a node holds after each stage of chats. Resident memory steps up once, as the engine sizes its young
 * generation; then it and the log beside the database stay where they are, and one more stage leaves no object behind.
 */
export async function benchMemory(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'signet-heap-'));
  const upstream = await startUpstream();
  const generator = fork(join(repository, 'tests', 'load', 'load-process.ts'));
  try {
    const environment = { OPENAI_BASE_URL: upstream.base_url, NODE_OPTIONS: countableHeap(folder) };
    return await withNode(environment, async (node) => {
      let chats = 0;
      const stage = async (kind: (typeof stages)[number]): Promise<number> => {
        const body = JSON.stringify({ model: 'openai/fake-1', messages, stream: kind === 'streamed' });
        const target = { url: `${node.url}/v1/chat/completions`, key: node.key, body };
        const { length } = await run(generator, { target, concurrency: many, seconds: stage_s });
        chats += length;
        return length;
      };
      const figures: Figure[] = [
        { name: 'resident memory before the load', value: await residentMiB(node.pid), unit: 'MiB' },
      ];
      for (const kind of stages) {
        await stage(kind);
        const log_bytes = (await stat(join(node.home, 'signet.db-wal'))).size;
        figures.push({
          name: `resident memory after ${chats} chats, the last ones ${kind}`,
          value: await residentMiB(node.pid),
          unit: 'MiB',
          note: `log beside the database ${Math.round(log_bytes / 2 ** 20)} MiB`,
        });
      }
      // Last, because a snapshot takes memory that is not given back at once.
      const before = await heapCounts({ pid: node.pid, folder });
      const more_chats = await stage('plain');
      const [most] = grown(before, await heapCounts({ pid: node.pid, folder }));
      figures.push({
        name: `objects of one class that ${more_chats} more chats left alive, at most`,
        value: most?.more ?? 0,
        unit: 'objects',
        note: most === undefined ? 'no class grew' : `the class is ${most.what}`,
      });
      return figures;
    });
  } finally {
    generator.kill();
    upstream.child.kill();
    await rm(folder, { recursive: true, force: true });
  }
}
