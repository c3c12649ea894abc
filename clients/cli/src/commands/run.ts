import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Json } from '@signet/functions/domain/json.ts';
import type { Run, RunEvent, RunRequest } from '@signet/functions/domain/runs/runs.ts';
import { CommandFailure, exits } from '../failure.ts';
import { numberBetween, readGlobalOptions, withGlobalOptions, type GlobalOptions } from '../global-options.ts';
import { runningNode, type NodeAccess } from '../node-access.ts';
import type { Exit } from '../program.ts';
import { escaped, type Terminal } from '../terminal.ts';

interface RunOptions {
  readonly input?: string;
  readonly model?: string;
  readonly tier?: 'edge' | 'local' | 'pool';
  readonly tool?: readonly string[];
  readonly timeout?: number;
  readonly cpu?: number;
  readonly memory?: number;
  readonly async?: boolean;
  readonly receipts?: boolean;
}

const { runs } = limits;

export function runCommand(terminal: Terminal, exit: Exit): Command {
  const command = new Command('run')
    .description('run a Python script in the sandbox: its output on stdout, its exit code')
    .argument('<file>', 'the script, or - for stdin')
    .argument('[argv...]', 'arguments of the script, after --')
    .option('--input <json>', 'what the script finds in `run.input`: JSON, @file or - for stdin')
    .option('--model <name>', 'model for its chats, unless it names one')
    .option('--tier <tier>', 'edge, local or pool', tier)
    .option('--tool <name>', 'a registry tool that its chats may use; repeat for more', collect)
    .option('--timeout <seconds>', 'wall time', numberBetween(0.001, runs.wall_ms_max / 1000, 'seconds'))
    .option('--cpu <seconds>', 'CPU time', numberBetween(0.001, runs.cpu_ms_max / 1000, 'seconds'))
    .option('--memory <MB>', 'memory', numberBetween(1, runs.memory_mb_max, 'MB'))
    .option('--async', 'start it and print its id; the node goes on')
    .option('--receipts', 'print the ids of its receipts to stderr')
    .addHelpText(
      'after',
      `
Examples:
  signet run examples/soma.py
  signet run report.py -- --month may          what follows -- is \`run.argv\`
  echo '{"n": 3}' | signet run job.py --input -
  signet run long.py --timeout 600 --async

A running node is used; without one the home is opened here. What the script returns goes with --json.
Exit codes: 0 ok, 1 it raised, 3 time, 4 sandbox violation, 5 provider, 6 memory or other limit, 7 policy, 130 cancelled.`,
    );
  return withGlobalOptions(command).action(async (file: string, argv: string[], options: RunOptions) => {
    const globals = readGlobalOptions(command, terminal);
    const request = await requestOf(file, argv, options);
    if (options.async === true && globals.url === undefined && (await runningNode(globals)) === undefined) {
      throw new CommandFailure({
        exit: exits.failed,
        message: `expected a running node for --async, there is none on ${globals.home}; \`signet serve\` starts one`,
      });
    }
    const node = (await runningNode(globals)) ?? (await openHome(globals, terminal));
    try {
      const started = await node.startRun(request);
      if (options.async === true) {
        terminal.out(globals.json ? `${JSON.stringify(started, null, 2)}\n` : `${started.id}\n`);
        return;
      }
      const ended = await follow(node, started, terminal, globals.json);
      report(ended, { terminal, json: globals.json, receipts: options.receipts === true });
      exit(ended.exit_code ?? exits.internal);
    } finally {
      await node.close();
    }
  });
}

/** Loaded when needed: a node in this process is most of the program. */
async function openHome(globals: GlobalOptions, terminal: Terminal): Promise<NodeAccess> {
  const { homeNode } = await import('../home-node.ts');
  return homeNode(globals, terminal);
}

/** Prints output as it comes; Ctrl-C cancels the run, and a second one leaves at once. */
async function follow(node: NodeAccess, run: Run, terminal: Terminal, json: boolean): Promise<Run> {
  const cancel = (): void => {
    process.removeListener('SIGINT', cancel);
    process.removeListener('SIGTERM', cancel);
    terminal.progress('signet: cancelling; once more to leave at once');
    node.cancelRun(run.id).catch((error: Error) => terminal.note(`signet: not cancelled: ${error.message}`));
  };
  process.on('SIGINT', cancel);
  process.on('SIGTERM', cancel);
  try {
    for await (const event of node.runEvents(run.id, 0)) show(event, terminal, json);
  } finally {
    process.removeListener('SIGINT', cancel);
    process.removeListener('SIGTERM', cancel);
  }
  return node.run(run.id);
}

/** Members of the events that are shown; each event has its own. */
interface EventFacts {
  readonly text: string;
  readonly name: string;
  readonly args: Json;
  readonly ok?: boolean;
  readonly value?: Json;
  readonly error?: Json;
}

function show({ event, data }: RunEvent, terminal: Terminal, json: boolean): void {
  const facts = data as unknown as EventFacts;
  if (event === 'stdout' && !json) terminal.out(facts.text);
  if (event === 'stderr' && !json) terminal.note(escaped(facts.text.replace(/\n$/, '')));
  if (event === 'tool_call')
    terminal.progress(terminal.paint.dim(`→ ${facts.name} ${escaped(JSON.stringify(facts.args))}`));
  if (event === 'tool_result') {
    const outcome = facts.ok === true ? facts.value : facts.error;
    terminal.progress(terminal.paint.dim(`← ${facts.name} ${escaped(JSON.stringify(outcome ?? null)).slice(0, 200)}`));
  }
}

function report(
  run: Run,
  { terminal, json, receipts }: { terminal: Terminal; json: boolean; receipts: boolean },
): void {
  if (json) terminal.out(`${JSON.stringify(run, null, 2)}\n`);
  if (receipts) for (const receipt of run.receipts) terminal.note(receipt);
  if (json || run.state === 'succeeded') return;
  if (run.error?.traceback !== undefined) terminal.note(escaped(run.error.traceback.trimEnd()));
  else if (run.error !== undefined) terminal.note(`signet: ${escaped(run.error.type)}: ${escaped(run.error.message)}`);
  if (run.state === 'timed_out') terminal.note('signet: the time limit was over; --timeout and --cpu raise it');
  if (run.state === 'cancelled') terminal.note('signet: cancelled');
}

async function requestOf(file: string, argv: readonly string[], options: RunOptions): Promise<RunRequest> {
  if (file === '-' && options.input === '-') {
    throw new CommandFailure({ exit: exits.usage, message: 'expected the script or --input on stdin, not both' });
  }
  const script = file === '-' ? await text(process.stdin) : await fileText(file, 'a script');
  return {
    script,
    file_name: file === '-' ? 'stdin.py' : basename(file),
    argv,
    input: await inputOf(options.input),
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.tier === undefined ? {} : { tier: options.tier }),
    ...(options.tool === undefined ? {} : { tools: options.tool }),
    limits: {
      ...(options.timeout === undefined ? {} : { wall_ms: Math.ceil(options.timeout * 1000) }),
      ...(options.cpu === undefined ? {} : { cpu_ms: Math.ceil(options.cpu * 1000) }),
      ...(options.memory === undefined ? {} : { memory_mb: Math.floor(options.memory) }),
    },
  };
}

async function inputOf(given: string | undefined): Promise<Json> {
  if (given === undefined) return null;
  const json =
    given === '-' ? await text(process.stdin) : given.startsWith('@') ? await fileText(given.slice(1), 'JSON') : given;
  try {
    return JSON.parse(json) as Json;
  } catch (error) {
    throw new CommandFailure({
      exit: exits.usage,
      message: `expected JSON in --input: ${(error as Error).message}; text needs quotes, as in --input '"text"'`,
    });
  }
}

async function fileText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : code;
    throw new CommandFailure({ exit: exits.usage, message: `expected ${what} in \`${path}\`: ${reason}` });
  }
}

function tier(given: string): string {
  if (['edge', 'local', 'pool'].includes(given)) return given;
  throw new CommandFailure({ exit: exits.usage, message: `expected --tier edge, local or pool, got \`${given}\`` });
}

function collect(name: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), name];
}
