import { Command } from 'commander';
import version from '../package.json' with { type: 'json' };
import { digestCommand } from './commands/digest.ts';
import { constitutionCommand } from './commands/constitution.ts';
import { doctorCommand } from './commands/doctor.ts';
import { envelopeCommand } from './commands/envelope.ts';
import { eventsCommand } from './commands/events.ts';
import { gatesCommand } from './commands/gates.ts';
import { identityCommand } from './commands/identity.ts';
import { initCommand } from './commands/init.ts';
import { modelsCommand } from './commands/models.ts';
import { runCommand } from './commands/run.ts';
import { serveCommand } from './commands/serve.ts';
import { auditCommand } from './commands/audit.ts';
import { deployCommand, destroyCommand } from './commands/stage-scripts.ts';
import { statusCommand } from './commands/status.ts';
import { trustCommand } from './commands/trust.ts';
import { verifyCommand } from './commands/verify.ts';
import { witnessCommand } from './commands/witness.ts';
import type { Terminal } from './terminal.ts';

/** Says with which code the process ends; a command that says nothing ends with 0. */
export type Exit = (code: number) => void;

const commands = [
  serveCommand,
  runCommand,
  verifyCommand,
  auditCommand,
  trustCommand,
  witnessCommand,
  statusCommand,
  eventsCommand,
  digestCommand,
  envelopeCommand,
  gatesCommand,
  modelsCommand,
  doctorCommand,
  initCommand,
  identityCommand,
  constitutionCommand,
  deployCommand,
  destroyCommand,
] as const;

export function makeProgram(terminal: Terminal, exit: Exit): Command {
  const program = new Command('signet')
    .description(
      'An agent backend that you own: chat with tools, Python scripts, vectors, and a receipt for every decision.',
    )
    .version(version.version)
    .configureHelp({ showGlobalOptions: false })
    .addHelpText(
      'after',
      `
Examples:
  signet serve                         start the node here
  signet run examples/soma.py          run a script; its output, its exit code
  signet verify receipt.json           check a receipt, offline
  signet identity show                 the keys of your node; how they are rotated and revoked
  signet doctor                        say what is missing and what to do
  signet deploy --stage dev            a node in your AWS account
  signet help run                      more about one command

Exit codes: 0 done, 1 what was asked for failed, 2 usage, 3 time limit, 4 sandbox violation, 5 provider,
  6 memory or other limit, 7 policy or budget, 10-15 verify, 70 internal, 130 cancelled.
Environment: SIGNET_HOME, SIGNET_PORT, SIGNET_HOST, SIGNET_LOG, NO_COLOR.`,
    );
  for (const make of commands) program.addCommand(make(terminal, exit));
  speakThrough(program, terminal);
  return program;
}

/** The same manners for every command, however deep. */
function speakThrough(command: Command, terminal: Terminal): void {
  command
    .exitOverride()
    .showSuggestionAfterError(true)
    .showHelpAfterError(`(\`${pathOf(command)} --help\` says more)`)
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.note(text.replace(/^error: /, 'signet: ').trimEnd()),
    });
  for (const child of command.commands) speakThrough(child, terminal);
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
