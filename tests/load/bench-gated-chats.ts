import { randomBytes, randomUUID } from 'node:crypto';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import { makeChat } from '../../functions/domain/chat/make-chat.ts';
import type { Chat } from '../../functions/domain/chat/chat.ts';
import { firstConstitution } from '../../functions/domain/constitution/constitution.ts';
import type { JsonObject } from '../../functions/domain/json.ts';
import type { GatesCompute } from '../../functions/domain/ports/gates-compute.ts';
import type { ChatProvider } from '../../functions/domain/ports/provider.ts';
import { makeTools } from '../../functions/domain/tools/make-tools.ts';
import { excerptsOf } from '../fixtures/calibration-texts.ts';
import { openScreens } from '../fixtures/open-gates.ts';
import { openTestNode, testCall, type TestNode } from '../fixtures/open-test-node.ts';
import { percentile, type Figure } from './record.ts';

const rounds = 600;
const bytes = 1_024;

/**
 * Chats of 1 KB with receipts, under the constitution of a new node and under one without gates of text, in turn in one
 * process: the difference is what the gates cost, whatever else the machine does.
 */
export async function benchGatedChats(
  builds: readonly (readonly [string, GatesCompute])[],
): Promise<readonly Figure[]> {
  const node = await openTestNode();
  try {
    const figures: Figure[] = [];
    for (const [build, compute] of builds) figures.push(...(await compared(node, build, compute)));
    return figures;
  } finally {
    await node.close();
  }
}

async function compared(node: TestNode, build: string, compute: GatesCompute): Promise<readonly Figure[]> {
  const chains = firstConstitution(1)['chains'] as JsonObject;
  const { chat: _in, 'chat.out': _out, ...others } = chains;
  const ungated = { chains: { ...others, chat: ['G0', 'G6', 'G11'] } };
  const pair = { gated: chatOver(node, compute, {}), plain: chatOver(node, compute, ungated) };
  const whole = { gated: [] as number[], plain: [] as number[] };
  const streamed = { gated: [] as number[], plain: [] as number[] };
  for (let round = 0; round < rounds + 50; round += 1) {
    for (const kind of round % 2 === 0 ? (['gated', 'plain'] as const) : (['plain', 'gated'] as const)) {
      const began = performance.now();
      await pair[kind].complete(testCall(), request);
      const between = performance.now();
      const { events } = await pair[kind].stream(testCall(), request);
      for await (const _event of events) continue;
      if (round < 50) continue;
      whole[kind].push(between - began);
      streamed[kind].push(performance.now() - between);
    }
  }
  const added = ({ gated, plain }: typeof whole, share: number): number =>
    Math.round((percentile(gated, share) - percentile(plain, share)) * 1000) / 1000;
  const ratio = ({ gated, plain }: typeof whole): number =>
    Math.round((percentile(gated, 0.5) / percentile(plain, 0.5)) * 100) / 100;
  return [
    { name: `${build}: gates of a whole chat of 1 KB, added p50`, value: added(whole, 0.5), unit: 'ms', target: 0.2 },
    { name: `${build}: the same, added p99`, value: added(whole, 0.99), unit: 'ms' },
    { name: `${build}: the same, p50 with gates over p50 without`, value: ratio(whole), unit: 'times' },
    { name: `${build}: gates of a stream of 64 pieces, added p50`, value: added(streamed, 0.5), unit: 'ms', target: 1 },
    { name: `${build}: the same, p50 with gates over p50 without`, value: ratio(streamed), unit: 'times' },
  ];
}

const words = excerptsOf('en')
  .map(({ text }) => text)
  .join(' ')
  .slice(0, bytes);
const request = { model: 'fixed/m', messages: [{ role: 'user' as const, content: words }] };

/** Answers 1 KB in 64 pieces at once. */
const fixed: ChatProvider = {
  name: 'fixed',
  tier: 'local',
  models: async () => [
    { id: 'fixed/m', provider: 'fixed', tier: 'local', capabilities: ['chat', 'stream'], owned_by: 'fixed' },
  ],
  probe: async () => ['m'],
  async *chat() {
    for (let at = 0; at < words.length; at += 16) yield { choices: [{ index: 0, text: words.slice(at, at + 16) }] };
    yield { choices: [{ index: 0, finish_reason: 'stop' }], usage: { in: 256, out: 256 } };
  },
};

function chatOver(node: TestNode, compute: GatesCompute, changed: JsonObject): Chat {
  const shared = { table: node.table, judge: node.judge, now: Date.now, newId: randomUUID, limits };
  const tools = makeTools({ ...shared, targets: { builtin: new Map(), script: async () => null } });
  const screens = openScreens(compute, { changed });
  return makeChat({ ...shared, screens, tools, providers: () => [fixed], random: randomBytes });
}
