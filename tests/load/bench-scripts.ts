import { withNode } from './bench-node.ts';
import { percentile, type Figure } from './record.ts';

/** A fresh interpreter for a trivial script: inside the sandbox, and as a whole request with its receipts. */
export async function benchScripts(): Promise<readonly Figure[]> {
  return await withNode({}, async (node) => {
    const fresh: number[] = [];
    const whole: number[] = [];
    for (let round = 0; round < 60; round += 1) {
      const started = performance.now();
      const answer = await fetch(`${node.url}/api/v1/runs`, {
        method: 'POST',
        headers: { authorization: `Bearer ${node.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ script: 'print("hi")' }),
      });
      const run = (await answer.json()) as { state: string; timings: { instantiate_ms: number; run_ms: number } };
      if (run.state !== 'succeeded') throw new Error(`a trivial script ended as ${run.state}`);
      if (round < 10) continue; // warm-up: the process starts and maps its image with the first run
      whole.push(performance.now() - started);
      fresh.push(run.timings.instantiate_ms + run.timings.run_ms);
    }
    return [
      {
        name: 'fresh interpreter and trivial script, p50',
        value: round3(percentile(fresh, 0.5)),
        unit: 'ms',
        floor: 10,
        target: 2.5,
      },
      {
        name: 'fresh interpreter and trivial script, p95',
        value: round3(percentile(fresh, 0.95)),
        unit: 'ms',
        floor: 20,
        target: 5,
      },
      { name: 'the same as POST /api/v1/runs with receipts, p50', value: round3(percentile(whole, 0.5)), unit: 'ms' },
    ];
  });
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
