import { resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Terminal } from './terminal.ts';

/** What every command takes. */
export interface GlobalOptions {
  readonly home: string;
  readonly url?: string;
  readonly key?: string;
  readonly json: boolean;
}

export function withGlobalOptions(command: Command): Command {
  return command
    .addOption(new Option('--home <folder>', 'folder of the node (SIGNET_HOME, else .signet)').helpGroup('Everywhere:'))
    .addOption(
      new Option('--url <url>', 'a node elsewhere, such as https://node.example')
        .argParser(httpUrl)
        .helpGroup('Everywhere:'),
    )
    .addOption(new Option('--key <key>', 'API key for it (else owner.key of the home)').helpGroup('Everywhere:'))
    .addOption(new Option('--json', 'print JSON for programs').helpGroup('Everywhere:'))
    .addHelpOption(new Option('-h, --help', 'show this').helpGroup('Everywhere:'));
}

export function readGlobalOptions(command: Command, terminal: Terminal): GlobalOptions {
  const { home, url, key, json } = command.opts<{ home?: string; url?: string; key?: string; json?: boolean }>();
  return {
    home: resolve(home ?? terminal.environment['SIGNET_HOME'] ?? '.signet'),
    ...(url === undefined ? {} : { url }),
    ...(key === undefined ? {} : { key }),
    json: json === true,
  };
}

/** Reads a number of an option, within bounds; `unit` stands in the message. */
export function numberBetween(least: number, most: number, unit: string): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (text.trim() !== '' && Number.isFinite(number) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`expected ${least} to ${most} ${unit}.`);
  };
}

function httpUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError('expected an address such as http://127.0.0.1:3001.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidArgumentError('expected an address without a name and password before its host.');
  }
  return text.replace(/\/+$/, '');
}
