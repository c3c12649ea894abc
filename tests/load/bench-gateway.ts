import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Target, Timing } from './http-load.ts';
import { cpuSeconds, residentMiB, withNode, type BenchNode } from './bench-node.ts';
import { many, messages, run, startUpstream } from './gateway-load.ts';
import { percentile, repository, type Figure } from './record.ts';

const rounds = 5;
const round_s = 5;

/**
 * What the gateway adds to a chat, receipts on: fake upstream, gateway and load generator are three processes. Each round
 * asks the upstream directly and through the gateway in turn, so that both see the same weather of a shared machine.
 */
export async function benchGateway(): Promise<readonly Figure[]> {
  const upstream = await startUpstream();
  const generator = fork(join(repository, 'tests', 'load', 'load-process.ts'));
  try {
    return await withNode({ OPENAI_BASE_URL: upstream.base_url }, async (node) => {
      const bench = { node, generator, upstream_url: `${upstream.base_url}/chat/completions` };
      const idle_mib = await residentMiB(node.pid);
      const plain = await compare(bench, { model: 'openai/fake-1', messages });
      const streamed = await compare(bench, { model: 'openai/fake-1', messages, stream: true });
      const builtin = await alone(bench, { model: 'signet-edge-1', messages });
      return [
        ...latencyFigures(plain, streamed),
        ...throughputFigures('plain', plain),
        ...throughputFigures('streamed', streamed),
        { name: 'built-in model, 1 at once, p50', value: round3(builtin.latency_ms), unit: 'ms' },
        { name: `built-in model, ${many} at once`, value: builtin.per_second, unit: '/s', larger_is_better: true },
        {
          name: `built-in model, ${many} at once, requests per gateway CPU-second`,
          value: builtin.per_cpu_second,
          unit: '/s',
          floor: 1000,
          target: 2500,
          larger_is_better: true,
        },
        { name: 'resident memory before the load, native parts taken up', value: idle_mib, unit: 'MiB' },
        {
          name: 'resident memory at load',
          value: Math.max(plain.resident_mib, streamed.resident_mib, builtin.resident_mib),
          unit: 'MiB',
          floor: 150,
          target: 110,
          note: `the server process, which holds the embedding model's session besides the gateway`,
        },
      ];
    });
  } finally {
    generator.kill();
    upstream.child.kill();
  }
}

interface Bench {
  readonly node: BenchNode;
  readonly generator: ChildProcess;
  readonly upstream_url: string;
}

/** Over all rounds; latencies with one request at a time, the rest with `many`. */
interface Comparison {
  readonly direct: readonly Timing[];
  readonly through: readonly Timing[];
  readonly direct_per_second: number;
  readonly per_second: number;
  readonly per_cpu_second: number;
  readonly resident_mib: number;
}

async function compare({ node, generator, upstream_url }: Bench, body: object): Promise<Comparison> {
  const direct: Target = { url: upstream_url, key: 'none', body: JSON.stringify({ ...body, model: 'fake-1' }) };
  const through: Target = { url: `${node.url}/v1/chat/completions`, key: node.key, body: JSON.stringify(body) };
  for (const target of [direct, through]) await run(generator, { target, concurrency: many, seconds: 3 });

  const latencies: { direct: Timing[]; through: Timing[] } = { direct: [], through: [] };
  for (let round = 0; round < rounds; round += 1) {
    latencies.direct.push(...(await run(generator, { target: direct, concurrency: 1, seconds: round_s })));
    latencies.through.push(...(await run(generator, { target: through, concurrency: 1, seconds: round_s })));
  }
  let direct_count = 0;
  const loaded: Loaded[] = [];
  for (let round = 0; round < rounds; round += 1) {
    direct_count += (await run(generator, { target: direct, concurrency: many, seconds: round_s })).length;
    loaded.push(await underLoad(node, generator, through));
  }
  return { ...latencies, direct_per_second: Math.round(direct_count / (rounds * round_s)), ...summed(loaded) };
}

/** The built-in model has no upstream to compare with. */
async function alone({ node, generator }: Bench, body: object) {
  const target: Target = { url: `${node.url}/v1/chat/completions`, key: node.key, body: JSON.stringify(body) };
  await run(generator, { target, concurrency: many, seconds: 3 });
  const timings: Timing[] = [];
  const loaded: Loaded[] = [];
  for (let round = 0; round < rounds; round += 1) {
    timings.push(...(await run(generator, { target, concurrency: 1, seconds: round_s })));
    loaded.push(await underLoad(node, generator, target));
  }
  return { latency_ms: at(timings, 'whole_ms', 0.5), ...summed(loaded) };
}

interface Loaded {
  readonly count: number;
  readonly cpu_s: number;
  readonly resident_mib: number;
}

async function underLoad(node: BenchNode, generator: ChildProcess, target: Target): Promise<Loaded> {
  const before = await cpuSeconds(node.pid);
  const { length } = await run(generator, { target, concurrency: many, seconds: round_s });
  return {
    count: length,
    cpu_s: (await cpuSeconds(node.pid)) - before,
    resident_mib: await residentMiB(node.pid),
  };
}

function summed(loaded: readonly Loaded[]): Pick<Comparison, 'per_second' | 'per_cpu_second' | 'resident_mib'> {
  const count = loaded.reduce((sum, round) => sum + round.count, 0);
  const cpu_s = loaded.reduce((sum, round) => sum + round.cpu_s, 0);
  return {
    per_second: Math.round(count / (rounds * round_s)),
    per_cpu_second: Math.round(count / cpu_s),
    resident_mib: Math.max(...loaded.map((round) => round.resident_mib)),
  };
}

function latencyFigures(plain: Comparison, streamed: Comparison): Figure[] {
  const added = (comparison: Comparison, to: keyof Timing, p: number): { value: number; note: string } => {
    const direct = at(comparison.direct, to, p);
    const through = at(comparison.through, to, p);
    const ratio = (through / direct).toFixed(2);
    return {
      value: round3(through - direct),
      note: `direct ${round3(direct)} ms, through ${round3(through)} ms, ratio ${ratio}`,
    };
  };
  return [
    { name: 'added latency, 1 at once, p50', ...added(plain, 'whole_ms', 0.5), unit: 'ms', floor: 1, target: 0.6 },
    { name: 'added latency, 1 at once, p99', ...added(plain, 'whole_ms', 0.99), unit: 'ms', floor: 6, target: 3 },
    {
      name: 'added time to first token, 1 at once, p50',
      ...added(streamed, 'first_ms', 0.5),
      unit: 'ms',
      floor: 2,
      target: 1,
    },
    { name: 'added time to first token, 1 at once, p99', ...added(streamed, 'first_ms', 0.99), unit: 'ms' },
  ];
}

function throughputFigures(kind: string, { direct_per_second, per_second, per_cpu_second }: Comparison): Figure[] {
  return [
    {
      name: `${kind}, ${many} at once`,
      value: per_second,
      unit: '/s',
      larger_is_better: true,
      note: `direct ${direct_per_second} /s, ratio ${(per_second / direct_per_second).toFixed(2)}; three processes share the cores`,
    },
    {
      name: `${kind}, ${many} at once, requests per gateway CPU-second`,
      value: per_cpu_second,
      unit: '/s',
      floor: 1000,
      target: 2500,
      larger_is_better: true,
    },
  ];
}

function at(timings: readonly Timing[], to: keyof Timing, p: number): number {
  return percentile(
    timings.map((timing) => timing[to]),
    p,
  );
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
