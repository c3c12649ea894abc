import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtPath } from '../integration/lambda/built-path.ts';
import type { FunctionSpec } from '../integration/lambda/function-environment.ts';
import { startLambdaServer } from '../integration/lambda/lambda-server.ts';
import type { FunctionReport } from '../integration/lambda/function-pool.ts';
import type { LambdaServer } from '../integration/lambda/lambda-server.ts';
import { openBenchedFunctions } from './benched-functions.ts';
import type { BenchedFunction } from './benched-functions.ts';
import { bundleShares, elfShares, zipSize } from './deployed-size.ts';
import type { Share } from './deployed-size.ts';
import { percentile, repository, type Figure } from './record.ts';

const rounds = 9;
const warm_calls = 100;

/**
 * Start and warm call of every function under the test's Runtime API, as what they take beyond a bare handler of their
 * runtime on this machine in the same minutes; the size of what is deployed, and what it is made of.
 */
export async function benchLambda(): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'signet-bench-lambda-'));
  const world = await openBenchedFunctions();
  const server = await startLambdaServer({ functions: makeBareFunctions(folder) });
  try {
    const figures: Figure[] = [];
    for (const one of world.functions) {
      const [own, bare] = await measureBoth(one, { server, name: `bare-${one.runtime}`, event: {} });
      figures.push(...timeFigures(one, own, bare), sizeFigure(one));
    }
    return figures;
  } finally {
    await server.stop();
    await world.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Times {
  /** Milliseconds from the start of a process to its first request for an event. */
  readonly init: readonly number[];
  /** The first call of each process. */
  readonly first: readonly number[];
  readonly warm: readonly number[];
}

interface Measured {
  readonly server: LambdaServer;
  readonly name: string;
  readonly event: object;
}

/** In turns, so that whatever else the machine does falls on both. */
async function measureBoth(own: Measured, bare: Measured): Promise<[own: Times, bare: Times]> {
  const both = [own, bare].map((one) => ({ one, known: one.server.reports(one.name).length }));
  // The first process reads the files from the disk; later ones, as on a host of AWS that has them, from memory.
  for (let round = 0; round <= rounds; round += 1) {
    for (const { one } of both) {
      await one.server.coolDown(one.name);
      await call(one);
    }
  }
  for (let round = 0; round < warm_calls; round += 1) for (const { one } of both) await call(one);
  const [of_own, of_bare] = both.map(({ one, known }) => timesOf(one.server.reports(one.name).slice(known + 1)));
  if (of_own === undefined || of_bare === undefined) throw new Error('nothing was measured');
  return [of_own, of_bare];
}

async function call({ server, name, event }: Measured): Promise<void> {
  const answer = await server.invoke(name, event);
  if (answer.kind === 'error') throw new Error(`\`${name}\` failed: ${answer.body.toString()}\n${server.logs(name)}`);
}

function timesOf(processes: readonly FunctionReport[]): Times {
  const durations = (from: number, to?: number) =>
    processes.flatMap(({ invocations }) => invocations.slice(from, to).map(({ duration_ms }) => duration_ms));
  return {
    init: processes.flatMap(({ init_ms }) => (init_ms === undefined ? [] : [init_ms])),
    first: durations(0, 1),
    warm: durations(1),
  };
}

function timeFigures({ name, init_ms_max, call }: BenchedFunction, own: Times, bare: Times): readonly Figure[] {
  const [init, bare_init] = [median(own.init), median(bare.init)];
  const [first, bare_first] = [median(own.first), median(bare.first)];
  const [warm, bare_warm] = [median(own.warm), median(bare.warm)];
  return [
    {
      name: `${name}, init beyond a bare handler, p50`,
      value: round2(init - bare_init),
      unit: 'ms',
      ...(init_ms_max === undefined ? {} : { floor: init_ms_max }),
      note: `${round2(init)} ms (largest of ${own.init.length}: ${round2(Math.max(...own.init))}), bare ${round2(bare_init)} ms`,
    },
    {
      name: `${name}, first call beyond a bare handler's, p50`,
      value: round2(first - bare_first),
      unit: 'ms',
      note: `${round2(first)} ms, bare ${round2(bare_first)} ms: ${call}`,
    },
    {
      name: `${name}, warm call beyond a bare handler's, p50`,
      value: round2(warm - bare_warm),
      unit: 'ms',
      note: `${round2(warm)} ms (p95 ${round2(percentile(own.warm, 0.95))}), bare ${round2(bare_warm)} ms: ${call}`,
    },
  ];
}

/** The zip for arm64 where that is built, as it is deployed; else this machine's. */
function sizeFigure({ name, runtime, folder: host }: BenchedFunction): Figure {
  const arm64 = runtime === 'rust' ? builtPath('lambdas-arm64', name) : undefined;
  const folder = arm64 !== undefined && existsSync(arm64) ? arm64 : host;
  const { zip_bytes, unpacked_bytes } = zipSize(folder);
  const machine = runtime === 'node' ? '' : folder === arm64 ? 'arm64, ' : `${process.arch}, `;
  return {
    name: `${name}, zip`,
    value: round2(zip_bytes / 1_048_576),
    unit: 'MiB',
    note: `${machine}${round2(unpacked_bytes / 1_048_576)} MiB unpacked; ${dominators(runtime, folder)}`,
  };
}

function dominators(runtime: BenchedFunction['runtime'], folder: string): string {
  if (runtime === 'rust') return `bootstrap: ${told(elfShares(join(folder, 'bootstrap')), 4)}`;
  const { first, later } = bundleShares(folder);
  return `loaded at once: ${told(first, 5)}; when needed: ${told(later, 4)}`;
}

function told(shares: readonly Share[], count: number): string {
  const sum = shares.reduce((total, [, bytes]) => total + bytes, 0);
  const largest = shares.slice(0, count).map(([part, bytes]) => `${part} ${Math.round(bytes / 1024)}`);
  return `${Math.round(sum / 1024)} KiB (${largest.join(', ')})`;
}

/** A handler that does nothing, of each runtime. */
function makeBareFunctions(folder: string): Record<'bare-node' | 'bare-rust', FunctionSpec> {
  const [node, rust] = [join(folder, 'bare-node'), join(folder, 'bare-rust')];
  mkdirSync(node);
  mkdirSync(rust);
  writeFileSync(join(node, 'index.mjs'), 'export const handler = async () => null;\n');
  const source = join(folder, 'bare-bootstrap.rs');
  copyFileSync(join(repository, 'tests', 'load', 'bare-bootstrap.rs'), source);
  const flags = [
    '--edition',
    '2024',
    '-C',
    'opt-level=3',
    '-C',
    'strip=symbols',
    '-o',
    join(rust, 'bootstrap'),
    source,
  ];
  execFileSync('rustc', flags, { cwd: join(repository, 'rust-lambdas') });
  return { 'bare-node': { folder: node }, 'bare-rust': { folder: rust } };
}

function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
