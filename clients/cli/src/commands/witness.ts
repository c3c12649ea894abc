import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import type { SignetJson } from '@signet/functions/assembly/signet-json.ts';
import { logKeysOf } from '@signet/functions/domain/verify/pin.ts';
import { editSettings } from '../edit-settings.ts';
import { CommandFailure, exits } from '../failure.ts';
import { readGlobalOptions, withGlobalOptions, type GlobalOptions } from '../global-options.ts';
import { runningNode, type NodeAccess, type WitnessReport } from '../node-access.ts';
import { readPin } from '../pinned-nodes.ts';
import type { Exit } from '../program.ts';
import type { Terminal } from '../terminal.ts';

export function witnessCommand(terminal: Terminal, _exit: Exit): Command {
  const witness = new Command('witness')
    .description('logs that this node cosigns, and who cosigns its own')
    .addHelpText(
      'after',
      `
Examples:
  signet witness show                                      name, key, and how far which log was cosigned
  signet witness add-log 'log.example+1d2c…+AXk…'          cosign a log from now on
  signet witness add-witness https://w.example 'w+…+BHk…'  ask a witness to cosign this node's log

Both add to signet.json of the home, which a running node reads again at once.`,
    );
  witness.addCommand(showCommand(terminal));
  witness.addCommand(addLogCommand(terminal));
  witness.addCommand(addWitnessCommand(terminal));
  return witness;
}

function showCommand(terminal: Terminal): Command {
  const command = new Command('show')
    .description('the name and key of this witness, and the logs it cosigns')
    .addHelpText('after', '\nExample:\n  signet witness show --json');
  return withGlobalOptions(command).action(async () => {
    const globals = readGlobalOptions(command, terminal);
    const node = (await runningNode(globals)) ?? (await openHome(globals, terminal));
    try {
      const report = await node.witness();
      terminal.out(globals.json ? `${JSON.stringify(report, null, 2)}\n` : rendered(report));
    } finally {
      await node.close();
    }
  });
}

function addLogCommand(terminal: Terminal): Command {
  const command = new Command('add-log')
    .description('cosign a log, by its verifier key; a second key of an origin is a second key of the same log')
    .argument('<vkey...>', 'verifier keys, as the owner of the log told them: `origin+id+base64`')
    .addHelpText('after', "\nExample:\n  signet witness add-log 'log.example+1d2c3b4a+AXkB…'");
  return withGlobalOptions(command).action(async (vkeys: readonly string[]) => {
    const globals = readGlobalOptions(command, terminal);
    await assertForeign(globals, vkeys);
    await edit(globals, terminal, ({ witness }) => {
      const logs = [...new Set([...(witness?.logs ?? []), ...vkeys])];
      return { witness: { ...witness, logs } };
    });
  });
}

function addWitnessCommand(terminal: Terminal): Command {
  const command = new Command('add-witness')
    .description("ask a witness to cosign this node's log")
    .argument('<url>', 'its submission prefix: URL/add-checkpoint is asked')
    .argument('<vkey>', 'its verifier key, as its owner told it: `name+id+base64`')
    .addHelpText(
      'after',
      "\nExample:\n  signet witness add-witness https://witness.example 'witness.example/w1+5e6f…+BHkB…'",
    );
  return withGlobalOptions(command).action(async (url: string, vkey: string) => {
    const globals = readGlobalOptions(command, terminal);
    await edit(globals, terminal, ({ witnesses = [] }) => ({
      witnesses: [...witnesses.filter((known) => known.vkey !== vkey), { url, vkey }],
    }));
  });
}

async function edit(
  globals: GlobalOptions,
  terminal: Terminal,
  change: (file: SignetJson) => SignetJson,
): Promise<void> {
  if (globals.url !== undefined) {
    throw new CommandFailure({ exit: exits.usage, message: 'expected no --url: this edits the home on this machine' });
  }
  await mkdir(globals.home, { recursive: true, mode: 0o700 });
  const path = await editSettings(globals.home, change);
  terminal.out(globals.json ? `${JSON.stringify({ path }, null, 2)}\n` : `written to ${path}\n`);
}

/** To witness oneself says nothing that the log's own signature does not. */
async function assertForeign({ home }: GlobalOptions, vkeys: readonly string[]): Promise<void> {
  const path = join(home, 'trust', 'self.json');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const listed = text === undefined ? [] : logKeysOf({ documents: readPin(text, path).documents });
  const own = vkeys.find((vkey) => listed.includes(vkey));
  if (own === undefined) return;
  throw new CommandFailure({
    exit: exits.usage,
    message: `expected the log of another node, \`${own}\` is this home's own`,
  });
}

async function openHome(globals: GlobalOptions, terminal: Terminal): Promise<NodeAccess> {
  const { homeNode } = await import('../home-node.ts');
  return homeNode(globals, terminal);
}

function rendered({ name, vkey, logs }: WitnessReport): string {
  if (name === undefined || vkey === undefined) {
    return 'no log is witnessed here; `signet witness add-log VKEY` begins\n';
  }
  const lines = logs.map(({ origin, size, last_cosigned, contradicted_at }) => {
    const cosigned = last_cosigned === undefined ? 'never' : new Date(last_cosigned * 1000).toISOString();
    const fault = contradicted_at === undefined ? '' : '  SHOWED TWO HISTORIES';
    return `log      ${origin}  ${size} entries, cosigned ${cosigned}${fault}`;
  });
  return `${[`name     ${name}`, `key      ${vkey}`, ...lines].join('\n')}\n`;
}
