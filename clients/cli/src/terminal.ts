import type { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';

/** Where a command speaks: results to stdout, everything about them to stderr. */
export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Writes to stdout as it is. */
  out(text: string): void;
  /** A line to stderr. */
  note(line: string): void;
  /** A line to stderr that is only worth seeing live: left out unless stderr is a terminal. */
  progress(line: string): void;
  /** Colours where stdout is a terminal and NO_COLOR is not set. */
  readonly paint: { readonly [style in 'good' | 'bad' | 'dim']: (text: string) => string };
}

export function openTerminal(
  environment: Readonly<Record<string, string | undefined>>,
  stdout: Writable & { readonly fd?: number },
  stderr: Writable & { readonly fd?: number },
): Terminal {
  const colours = isTerminal(stdout) && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb';
  const painted = (code: number) => (text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
  return {
    environment,
    out: (text) => void stdout.write(text),
    note: (line) => void stderr.write(`${line}\n`),
    progress(line) {
      if (isTerminal(stderr)) stderr.write(`${line}\n`);
    },
    paint: { good: painted(32), bad: painted(31), dim: painted(2) },
  };
}

/** Foreign text on a terminal: control characters would let a script move the cursor or forge a line of ours. */
export function escaped(text: string): string {
  return stripVTControlCharacters(text).replace(/[^\P{Cc}\n\t]/gu, '');
}

function isTerminal(stream: { readonly fd?: number }): boolean {
  return stream.fd !== undefined && isatty(stream.fd);
}

/** A field of an answer, for people: a text as it is, anything else as JSON; nothing where it is absent. */
export function shownField(value: unknown): string {
  if (value === undefined) return '';
  return escaped(typeof value === 'string' ? value : JSON.stringify(value));
}
