import { Command } from 'commander';
import type { Json, JsonObject } from '@signet/functions/domain/json.ts';
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
    const node = await runningNode(globals, terminal);
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

function rendered(where: string, status: JsonObject, terminal: Terminal): string {
  const { good, bad } = terminal.paint;
  const compute = Object.entries(objectOf(status['compute'])).map(([name, state]) => {
    const { served_by, reason, step, ready_in_s } = objectOf(state);
    if (served_by !== 'unavailable') return row(name, good(String(served_by)));
    const soon = ready_in_s === undefined ? '' : ` (about ${String(ready_in_s)} s)`;
    return row(name, `${bad('unavailable')}: ${String(step ?? reason)}${soon}`);
  });
  const providers = Array.isArray(status['providers'])
    ? (status['providers'] as readonly Json[]).map((provider) => {
        const { name, tier, models } = objectOf(provider);
        return row(String(name), `tier ${String(tier)}, ${String(models)} models`);
      })
    : [];
  const lines = [
    row('node', String(status['node_id'])),
    row('address', where),
    row('version', String(status['version'])),
    row('up', `${String(status['uptime_seconds'])} s`),
    row('receipts', String(objectOf(status['ledger'])['pending'])),
    'compute',
    ...compute.map((line) => `  ${line}`),
    ...(providers.length === 0 ? [] : ['providers', ...providers.map((line) => `  ${line}`)]),
  ];
  return `${lines.join('\n')}\n`;
}

function row(name: string, value: string): string {
  return `${name.padEnd(12)} ${value}`;
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
