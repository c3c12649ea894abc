import { Command, Option } from 'commander';
import type { JsonObject } from '@signet/functions/domain/json.ts';
import { askForCommand, jsonText } from '../ask-command.ts';
import { exits } from '../failure.ts';
import { numberBetween, readGlobalOptions, withGlobalOptions } from '../global-options.ts';
import type { Exit } from '../program.ts';
import { readJson, readText } from '../read-input.ts';
import { shownField, type Terminal } from '../terminal.ts';

export function envelopeCommand(terminal: Terminal, exit: Exit): Command {
  const envelope = new Command('envelope')
    .description('signed envelopes: made by a node, judged by a node')
    .addHelpText(
      'after',
      `
Examples:
  signet envelope create report.json > envelope.json
  signet envelope verify envelope.json
  signet envelope verify envelope.json --consume --json`,
    );
  envelope.addCommand(createCommand(terminal));
  envelope.addCommand(verifyCommand(terminal, exit));
  return envelope;
}

function createCommand(terminal: Terminal): Command {
  const command = new Command('create')
    .description('signs a JSON document; prints the envelope, with --json all that the node says of it')
    .argument('<file>', 'JSON; `-` is standard input')
    .addOption(
      new Option('--ttl <seconds>', 'how long it is valid, 1 to 3600')
        .default(3600)
        .argParser(numberBetween(1, 3600, 'seconds')),
    )
    .option('--audience <did>', 'who it is for (else everybody)')
    .option('--sign-with <key-id>', 'a managed identity (else the node signs)')
    .addHelpText('after', '\nExample:\n  signet envelope create report.json --ttl 600 > envelope.json');
  return withGlobalOptions(command).action(async (file: string) => {
    const globals = readGlobalOptions(command, terminal);
    const { ttl, audience, signWith } = command.opts<{ ttl: number; audience?: string; signWith?: string }>();
    const body = {
      payload: await readJson(file),
      ttl,
      ...(audience === undefined ? {} : { audience }),
      ...(signWith === undefined ? {} : { key_id: signWith }),
    };
    const made = await askForCommand(globals, { method: 'POST', path: '/api/v1/pci/envelope/create', body });
    terminal.out(globals.json ? jsonText(made.body) : `${JSON.stringify(made.body['envelope'])}\n`);
  });
}

function verifyCommand(terminal: Terminal, exit: Exit): Command {
  const command = new Command('verify')
    .description('judges an envelope, each check in its order; ends with 1 where it is not valid')
    .argument('<file>', 'its JSON text, byte for byte; `-` is standard input')
    .option('--consume', 'admit a valid one once: a second time is a replay')
    .addHelpText('after', '\nExample:\n  signet envelope verify envelope.json');
  return withGlobalOptions(command).action(async (file: string) => {
    const globals = readGlobalOptions(command, terminal);
    const { consume = false } = command.opts<{ consume?: boolean }>();
    const body = { envelope: (await readText(file)).trimEnd(), consume };
    const verdict = await askForCommand(globals, { method: 'POST', path: '/api/v1/pci/envelope/verify', body });
    terminal.out(globals.json ? jsonText(verdict.body) : rendered(verdict.body, terminal));
    if (verdict.body['valid'] !== true) exit(exits.failed);
  });
}

function rendered({ valid, error, checks, iss, id }: JsonObject, { paint }: Terminal): string {
  const rows = (Array.isArray(checks) ? (checks as readonly JsonObject[]) : []).map(
    ({ check, ok, code }) =>
      `  ${shownField(check).padEnd(12)} ${ok === true ? paint.good('ok') : paint.bad(shownField(code))}`,
  );
  const lines = [
    valid === true ? paint.good('valid') : paint.bad(`not valid: ${shownField(error)}`),
    ...rows,
    ...(typeof iss === 'string' ? [`issuer       ${shownField(iss)}`] : []),
    ...(typeof id === 'string' ? [`id           ${shownField(id)}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}
