import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** One measured figure beside what the design asks for. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** `floor` must not be missed without a line that says why; `target` is where later work goes. */
  readonly floor?: number;
  readonly target?: number;
  /** Whether larger is better; smaller is, otherwise. */
  readonly larger_is_better?: boolean;
  readonly note?: string;
}

/** Prints the figures and writes `docs/records/<date>-<area>.json`: no figure without machine, date, commit and command. */
export function writeRecord(area: string, command: string, figures: readonly Figure[]): string {
  const now = new Date();
  const record = {
    area,
    date: now.toISOString(),
    command,
    commit: gitCommit(),
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memory_gib: Math.round(totalmem() / 2 ** 30),
      platform: `${process.platform}-${process.arch}`,
      node: process.versions.node,
    },
    figures: figures.map((figure) => ({ ...figure, floor_met: meets(figure, figure.floor) })),
  };
  const folder = join(repository, 'docs', 'records');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${now.toISOString().slice(0, 10)}-${area}.json`);
  writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`);
  print(area, figures);
  return file;
}

/** The value below which the share `p` (0..1) of the values lies. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN;
}

function print(area: string, figures: readonly Figure[]): void {
  const rows = figures.map((figure) => [
    figure.name,
    `${figure.value} ${figure.unit}`,
    figure.floor === undefined ? '' : `floor ${figure.floor}`,
    figure.target === undefined ? '' : `target ${figure.target}`,
    meets(figure, figure.floor) === false ? 'BELOW FLOOR' : '',
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  process.stdout.write(`\n${area}\n`);
  for (const [index, row] of rows.entries()) {
    const text = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
    process.stdout.write(`  ${text.trimEnd()}\n`);
    const note = figures[index]?.note;
    if (note !== undefined) process.stdout.write(`      ${note}\n`);
  }
}

function meets(figure: Figure, bound: number | undefined): boolean | undefined {
  if (bound === undefined) return undefined;
  return figure.larger_is_better === true ? figure.value >= bound : figure.value <= bound;
}

function gitCommit(): string {
  try {
    const dirty = execFileSync('git', ['status', '--porcelain', '--untracked-files=no'], {
      cwd: repository,
      encoding: 'utf8',
    });
    const commit = execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], {
      cwd: repository,
      encoding: 'utf8',
    }).trim();
    return dirty.trim() === '' ? commit : `${commit} with uncommitted changes`;
  } catch {
    return 'unknown';
  }
}
