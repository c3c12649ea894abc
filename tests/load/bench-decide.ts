import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cedarPolicy } from '../../functions/adapters/cedar/cedar-policy.ts';
import type { Judgement } from '../../functions/domain/decisions/judge.ts';
import { openVectors } from '../fixtures/open-vectors.ts';
import { openTestNode, testCall, type TestNode } from '../fixtures/open-test-node.ts';
import { percentile, repository, writeRecord, type Figure } from './record.ts';

/** What a decision costs with its receipt, and a vector query with its decision, over the embedded adapters and WASM. */
const node = await openTestNode({ policy: await shippedPolicy() });
const figures = [...(await decisions(node)), ...(await vectorQueries(node))];
await node.close();
writeRecord('decide', 'node tests/load/bench-decide.ts', figures);

async function shippedPolicy() {
  const read = (name: string): Promise<string> => readFile(join(repository, 'shared', 'policies', name), 'utf8');
  return cedarPolicy({ policies: [await read('permits.cedar')], schema: await read('signet.cedarschema') });
}

async function decisions({ judge }: TestNode): Promise<readonly Figure[]> {
  const judgement: Judgement = {
    action: 'chat',
    resource: { type: 'Model', id: 'signet/signet-edge-1' },
    facts: { stream: false, tier: 'edge' },
    request: { messages: [{ role: 'user', content: 'hello there, how are you today? '.repeat(10) }] },
  };
  const outcome = {
    usage: { in: 3, out: 4 },
    finish: 'stop',
    response: { text: 'an answer of some length '.repeat(10) },
  };
  const decide = () => judge.decide(testCall(), judgement, async () => ({ value: null, outcome }));
  const measured: Figure[] = [];
  for (const concurrency of [1, 16, 64]) {
    const { cpu_us, p50_ms, p99_ms } = await measure({ rounds: 3000, concurrency, work: decide });
    const name = `decide and receipt, ${concurrency} at once`;
    measured.push({ name: `${name}: CPU of all threads`, value: cpu_us, unit: 'us', target: 300 });
    measured.push(
      { name: `${name}: p50`, value: p50_ms, unit: 'ms' },
      { name: `${name}: p99`, value: p99_ms, unit: 'ms' },
    );
  }
  return measured;
}

async function vectorQueries(on: TestNode): Promise<readonly Figure[]> {
  const [rows, dimension, collection, namespace] = [10_000, 384, 'bench', 'default'];
  const open = () => openVectors(on);
  const vectors = open();
  const random = (): Float32Array => Float32Array.from({ length: dimension }, () => Math.random() - 0.5);
  await vectors.create(testCall(), { name: collection, dimension, metric: 'cosine' });

  const started = performance.now();
  for (let from = 0; from < rows; from += 500) {
    const batch = Array.from({ length: 500 }, (_, n) => ({
      id: `r${from + n}`,
      values: random(),
      metadata: { g: n % 10 },
    }));
    await vectors.put(testCall(), { collection, namespace, vectors: batch });
  }
  const put_ms = performance.now() - started;

  const request = { collection, namespace, values: random(), k: 10, include: ['metadata'] as const };
  const first = performance.now();
  await open().query(testCall(), request);
  const first_ms = performance.now() - first;
  const all = await measure({ rounds: 200, concurrency: 1, work: () => vectors.query(testCall(), request) });
  const tenth = await measure({
    rounds: 200,
    concurrency: 1,
    work: () => vectors.query(testCall(), { ...request, filter: { g: 3 } }),
  });
  const size = `${rows} x ${dimension}`;
  return [
    {
      name: `put ${size}, 500 a request`,
      value: rounded(rows / (put_ms / 1000)),
      unit: 'rows/s',
      larger_is_better: true,
    },
    { name: `first query of ${size} after a start`, value: rounded(first_ms), unit: 'ms' },
    { name: `query of ${size}, receipt included: p50`, value: all.p50_ms, unit: 'ms' },
    { name: `query with a filter that allows a tenth: p50`, value: tenth.p50_ms, unit: 'ms' },
  ];
}

async function measure({
  rounds,
  concurrency,
  work,
}: {
  rounds: number;
  concurrency: number;
  work: () => Promise<unknown>;
}): Promise<{ cpu_us: number; p50_ms: number; p99_ms: number }> {
  for (let warm = 0; warm < rounds / 10; warm += 1) await work();
  const latencies: number[] = [];
  const before = process.cpuUsage();
  let left = rounds;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const started = performance.now();
      await work();
      latencies.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const { user, system } = process.cpuUsage(before);
  return {
    cpu_us: rounded((user + system) / rounds),
    p50_ms: rounded(percentile(latencies, 0.5)),
    p99_ms: rounded(percentile(latencies, 0.99)),
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
