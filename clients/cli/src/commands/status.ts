import { Command } from 'commander';
import type { Json, JsonObject } from '@signet/functions/domain/json.ts';
import type { NodeStatus } from '@signet/functions/domain/node/status.ts';
import { CommandFailure, exits } from '../failure.ts';
import { readGlobalOptions, withGlobalOptions } from '../global-options.ts';
import { runningNode } from '../node-access.ts';
import type { Exit } from '../program.ts';
import type { Terminal } from '../terminal.ts';

export function statusCommand(terminal: Terminal, _exit: Exit): Command {
  const command = new Command('status').description('what the running node says of itself').addHelpText(
    'after',
    `
Examples:
  signet status
  signet status --json
  signet status --url https://node.example --key sg_…`,
  );
  return withGlobalOptions(command).action(async () => {
    const globals = readGlobalOptions(command, terminal);
    const node = await runningNode(globals);
    if (node === undefined) {
      throw new CommandFailure({
        exit: exits.failed,
        message: `expected a running node on ${globals.home}, there is none; \`signet serve\` starts one`,
      });
    }
    const status = await node.status();
    terminal.out(globals.json ? `${JSON.stringify(status, null, 2)}\n` : rendered(node.where, status, terminal));
  });
}

function rendered(where: string, status: NodeStatus, { paint }: Terminal): string {
  const compute = Object.entries(status.compute).map(([name, state]) => {
    if (state.served_by !== 'unavailable') return row(name, paint.good(state.served_by));
    const soon = state.ready_in_s === undefined ? '' : ` (about ${state.ready_in_s} s)`;
    return row(name, `${paint.bad('unavailable')}: ${state.step ?? state.reason}${soon}`);
  });
  const lines = [
    row('node', status.node_id),
    row('address', where),
    row('version', status.version),
    row('up', `${status.uptime_seconds} s`),
    row('receipts', `${status.ledger.pending + (status.ledger.size ?? 0)}`),
    'compute',
    ...compute.map((line) => `  ${line}`),
    'providers',
    ...status.providers.map((provider) => `  ${describedProvider(provider)}`),
  ];
  return `${lines.join('\n')}\n`;
}

function describedProvider({ name, ...facts }: JsonObject): string {
  const texts = Object.entries(facts).map(([fact, value]) => `${fact} ${plain(value)}`);
  return row(plain(name ?? ''), texts.join(', '));
}

function plain(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function row(name: string, value: string): string {
  return `${name.padEnd(12)} ${value}`;
}
