import { withNode } from './bench-node.ts';
import { percentile, type Figure } from './record.ts';

/** One short text, and a hundred, over HTTP; every text is new, so that no cache answers. */
export async function benchEmbedding(): Promise<readonly Figure[]> {
  return await withNode({}, async (node) => {
    let serial = 0;
    const text = () => `note ${(serial += 1)} about the harbour lights, tides and ferries of the old town`;
    const embed = async (input: string | string[]) => {
      const started = performance.now();
      const answer = await fetch(`${node.url}/v1/embeddings`, {
        method: 'POST',
        headers: { authorization: `Bearer ${node.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'all-MiniLM-L6-v2', input, encoding_format: 'base64' }),
      });
      if (!answer.ok) throw new Error(await answer.text());
      await answer.arrayBuffer();
      return performance.now() - started;
    };
    for (let round = 0; round < 5; round += 1) await embed(text());
    const single: number[] = [];
    const hundred: number[] = [];
    for (let round = 0; round < 40; round += 1) single.push(await embed(text()));
    for (let round = 0; round < 7; round += 1) hundred.push(await embed(Array.from({ length: 100 }, text)));
    return [
      { name: 'one short text over HTTP, fp32, p50', value: round2(percentile(single, 0.5)), unit: 'ms', target: 10 },
      {
        name: 'one short text over HTTP, fp32, p95',
        value: round2(percentile(single, 0.95)),
        unit: 'ms',
        floor: 25,
        target: 10,
      },
      {
        name: 'a hundred short texts over HTTP, fp32, p50',
        value: round2(percentile(hundred, 0.5)),
        unit: 'ms',
        floor: 500,
        target: 200,
      },
    ];
  });
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
