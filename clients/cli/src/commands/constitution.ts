import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { firstConstitution } from '@signet/functions/domain/constitution/constitution.ts';
import { ConstitutionRefusedError } from '@signet/functions/domain/constitution/rules.ts';
import { ConstitutionNotAdoptedError } from '@signet/functions/domain/identity/adopt-constitution.ts';
import type { JsonObject } from '@signet/functions/domain/json.ts';
import { CommandFailure, exits } from '../failure.ts';
import { readGlobalOptions, withGlobalOptions } from '../global-options.ts';
import { inOpenedHome } from '../opened-home.ts';
import type { Exit } from '../program.ts';
import type { Terminal } from '../terminal.ts';

export function constitutionCommand(terminal: Terminal, _exit: Exit): Command {
  const constitution = new Command('constitution').description('the rules of the node: the next version').addHelpText(
    'after',
    `
Examples:
  signet constitution draft > next.json    the next version, with the gates of this build
  signet constitution adopt next.json      sign it with the root key and act by it`,
  );
  constitution.addCommand(draftCommand(terminal));
  constitution.addCommand(adoptCommand(terminal));
  return constitution;
}

function draftCommand(terminal: Terminal): Command {
  const command = new Command('draft')
    .description('prints what a new node would begin with, as the next version of this one')
    .addHelpText(
      'after',
      '\nExample:\n  signet constitution draft > next.json\n\nThe node must not run: the home is opened.',
    );
  return withGlobalOptions(command).action(async () => {
    const globals = readGlobalOptions(command, terminal);
    const draft = await inOpenedHome(globals, terminal, async ({ identity, services }) => ({
      ...firstConstitution(Math.floor(services.now() / 1000)),
      version: identity.constitution_version + 1,
      prev: identity.con,
    }));
    terminal.out(`${JSON.stringify(draft, null, 2)}\n`);
  });
}

function adoptCommand(terminal: Terminal): Command {
  const command = new Command('adopt')
    .description('makes FILE the next constitution; one without a proof is signed with the root key of this home')
    .argument('<file>', 'the JSON document')
    .addHelpText(
      'after',
      `
Example:
  signet constitution adopt next.json

\`version\` is one more than the running one's, \`prev\` its digest. What is refused changes nothing. Messages made under
the previous constitution are accepted for a day. The node must not run: the home is opened.`,
    );
  return withGlobalOptions(command).action(async (file: string) => {
    const globals = readGlobalOptions(command, terminal);
    const offered = await readDocument(file);
    const { constitution, con, receipt } = await inOpenedHome(globals, terminal, (node) =>
      node.adoptConstitution(offered).catch(notAdopted),
    );
    const made = { version: constitution['version'] ?? null, con, ...(receipt === undefined ? {} : { receipt }) };
    if (globals.json) return terminal.out(`${JSON.stringify(made, null, 2)}\n`);
    const logged = receipt === undefined ? '' : `\nreceipt ${receipt}`;
    terminal.out(`constitution ${JSON.stringify(made.version)} is adopted\ncon ${con}${logged}\n`);
  });
}

async function readDocument(file: string): Promise<JsonObject> {
  const failed = (message: string): CommandFailure => new CommandFailure({ exit: exits.usage, message });
  const text = await readFile(file, 'utf8').catch(() => {
    throw failed(`expected a file that can be read, got \`${file}\``);
  });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw failed(`expected JSON in \`${file}\``);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw failed(`expected a JSON object in \`${file}\``);
  }
  return parsed as JsonObject;
}

function notAdopted(error: unknown): never {
  if (error instanceof ConstitutionNotAdoptedError || error instanceof ConstitutionRefusedError) {
    throw new CommandFailure({ exit: exits.failed, message: `not adopted: ${error.message}` });
  }
  throw error;
}
