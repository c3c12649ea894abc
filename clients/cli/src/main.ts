import { CommanderError } from 'commander';
import { CommandFailure, exits } from './failure.ts';
import { makeProgram } from './program.ts';
import { openTerminal, type Terminal } from './terminal.ts';

/** Runs the command of `argv` (without program and script) and answers its exit code. */
export async function main(
  argv: readonly string[],
  terminal: Terminal = openTerminal(process.env, process.stdout, process.stderr),
): Promise<number> {
  quietWhenNobodyReads();
  let exit: number = exits.done;
  const program = makeProgram(terminal, (code) => {
    exit = code;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exits.done : exits.usage;
    if (error instanceof CommandFailure) {
      terminal.note(`signet: ${error.message}`);
      return error.exit;
    }
    terminal.note(`signet: an error of its own: ${error instanceof Error ? error.message : String(error)}`);
    if (terminal.environment['SIGNET_LOG'] === 'debug' && error instanceof Error) terminal.note(error.stack ?? '');
    return exits.internal;
  }
}

/** `signet … | head` closes the pipe early; that is no error. */
function quietWhenNobodyReads(): void {
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exits.done);
    throw error;
  });
}
