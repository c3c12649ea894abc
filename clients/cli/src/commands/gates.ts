import { Command, Option } from 'commander';
import type { JsonObject } from '@signet/functions/domain/json.ts';
import { askForCommand, jsonText } from '../ask-command.ts';
import { exits } from '../failure.ts';
import { readGlobalOptions, withGlobalOptions } from '../global-options.ts';
import type { Exit } from '../program.ts';
import { readText } from '../read-input.ts';
import { shownField, type Terminal } from '../terminal.ts';

export function gatesCommand(terminal: Terminal, exit: Exit): Command {
  const gates = new Command('gates').description("judgements of texts by the node's constitution");
  gates.addCommand(checkCommand(terminal, exit));
  return gates;
}

function checkCommand(terminal: Terminal, exit: Exit): Command {
  const command = new Command('check')
    .description('runs the gates over a text; ends with 7 where it does not pass')
    .argument('<file>', 'text in UTF-8; `-` is standard input')
    .addOption(
      new Option('--type <media-type>', 'what the text is')
        .choices(['text/plain', 'text/markdown', 'application/json'])
        .default('text/plain'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  signet gates check answer.txt\n  echo "some text" | signet gates check - --json',
    );
  return withGlobalOptions(command).action(async (file: string) => {
    const globals = readGlobalOptions(command, terminal);
    const { type } = command.opts<{ type: string }>();
    const body = { content: await readText(file), content_type: type };
    const verdict = await askForCommand(globals, { method: 'POST', path: '/api/v1/pci/gates/check', body });
    terminal.out(globals.json ? jsonText(verdict.body) : rendered(verdict.body, terminal));
    if (verdict.body['passed'] !== true) exit(exits.policy);
  });
}

function rendered({ passed, code, results, ihsan_bp, id }: JsonObject, { paint }: Terminal): string {
  const rows = (Array.isArray(results) ? (results as readonly JsonObject[]) : []).map((gate) => {
    const state = shownField(gate['state']);
    const shown = state === 'pass' ? paint.good(state) : state === 'na' ? state : paint.bad(state);
    const why = gate['code'] === undefined ? '' : `  ${shownField(gate['code'])}`;
    return `  ${shownField(gate['gate']).padEnd(6)} ${shown}${why}`;
  });
  const lines = [
    passed === true ? paint.good('passed') : paint.bad(`not passed: ${shownField(code)}`),
    ...rows,
    `excellence   ${JSON.stringify(ihsan_bp)} of 10000`,
    `receipt      ${shownField(id)}`,
  ];
  return `${lines.join('\n')}\n`;
}
