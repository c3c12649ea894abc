import { Command } from 'commander';
import { CommandFailure, exits } from '../failure.ts';
import { readGlobalOptions, withGlobalOptions } from '../global-options.ts';
import { openInProcess } from '../lifecycle/in-process.ts';
import type { Exit } from '../program.ts';
import { readInput } from '../read-input.ts';
import type { Terminal } from '../terminal.ts';

export function digestCommand(terminal: Terminal, _exit: Exit): Command {
  const command = new Command('digest')
    .description('SHA-256 and BLAKE3 of files, computed here by the code that signs')
    .argument('<file...>', '`-` is standard input')
    .addHelpText('after', '\nExamples:\n  signet digest report.json\n  signet digest a.bin b.bin --json');
  return withGlobalOptions(command).action(async (files: readonly string[]) => {
    const globals = readGlobalOptions(command, terminal);
    const compute = await openInProcess('auto');
    if (!compute.available) throw new CommandFailure({ exit: exits.failed, message: compute.reason });
    const contents = await Promise.all(files.map(readInput));
    const digests = await compute.digest.digest(contents);
    const told = files.map((file, place) => {
      const { sha256 = '', blake3 = '' } = digests[place] ?? {};
      return { file, bytes: contents[place]?.length ?? 0, sha256, blake3 };
    });
    terminal.out(
      globals.json
        ? `${JSON.stringify({ digests: told }, null, 2)}\n`
        : told.map(({ file, sha256, blake3 }) => `sha256 ${sha256}  ${file}\nblake3 ${blake3}  ${file}\n`).join(''),
    );
  });
}
