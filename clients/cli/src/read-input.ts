import { readFile } from 'node:fs/promises';
import { CommandFailure, exits } from './failure.ts';

/** The bytes of a file that a command is given; `-` is standard input. */
export async function readInput(path: string): Promise<Uint8Array> {
  try {
    if (path !== '-') return await readFile(path);
    const pieces: Uint8Array[] = [];
    for await (const piece of process.stdin) pieces.push(piece as Uint8Array);
    return Buffer.concat(pieces);
  } catch (error) {
    throw new CommandFailure(
      { exit: exits.usage, message: `expected to read \`${path}\`: ${(error as Error).message}` },
      { cause: error },
    );
  }
}

/** The same as text; what is no UTF-8 is no text. */
export async function readText(path: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readInput(path));
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure({ exit: exits.usage, message: `expected \`${path}\` to be UTF-8 text` }, { cause: error });
  }
}

/** The same as JSON. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const message = `expected \`${path}\` to be JSON: ${(error as Error).message}`;
    throw new CommandFailure({ exit: exits.usage, message }, { cause: error });
  }
}
