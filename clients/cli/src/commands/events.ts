import { Command, InvalidArgumentError, Option } from 'commander';
import { topics } from '@signet/functions/domain/events/topics.ts';
import type { JsonObject } from '@signet/functions/domain/json.ts';
import { CommandFailure, exitForCode, exits } from '../failure.ts';
import { readGlobalOptions, withGlobalOptions } from '../global-options.ts';
import { followEvents } from '../lifecycle/follow-events.ts';
import { NodeError } from '../lifecycle/node-error.ts';
import { nodeAddress } from '../node-access.ts';
import type { Exit } from '../program.ts';
import { escaped, shownField, type Terminal } from '../terminal.ts';

export function eventsCommand(terminal: Terminal, exit: Exit): Command {
  const command = new Command('events')
    .description('what happens on a node, as it happens, until it is interrupted')
    .addOption(new Option('--topic <topic...>', 'only these (else all)').choices(topics))
    .addOption(new Option('--since <cursor>', 'first what came after this event, or `start`').argParser(cursorOf))
    .addOption(new Option('--count <events>', 'end after so many').argParser(countOf))
    .addHelpText(
      'after',
      `
Examples:
  signet events
  signet events --topic run.completed decision.refused
  signet events --since start --count 10 --json      one JSON object a line; \`cursor\` is what --since takes`,
    );
  return withGlobalOptions(command).action(async () => {
    const globals = readGlobalOptions(command, terminal);
    const { topic = topics, since, count } = command.opts<{ topic?: string[]; since?: number; count?: number }>();
    const address = await nodeAddress(globals);
    if (address === undefined) {
      throw new CommandFailure({
        exit: exits.failed,
        message: `expected a running node on ${globals.home}, there is none; \`signet serve\` starts one`,
      });
    }
    const gone = new AbortController();
    const interrupt = (): void => {
      gone.abort();
      exit(exits.cancelled);
    };
    process.once('SIGINT', interrupt);
    try {
      let left = count ?? Infinity;
      const request = { topics: topic, signal: gone.signal, ...(since === undefined ? {} : { after: since }) };
      for await (const event of followEvents(async () => address, request)) {
        terminal.out(globals.json ? `${JSON.stringify(event)}\n` : rendered(event));
        left -= 1;
        if (left <= 0) gone.abort();
      }
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
      throw new CommandFailure({ exit: exitForCode(error.code), message: escaped(error.message) }, { cause: error });
    } finally {
      process.off('SIGINT', interrupt);
    }
  });
}

function rendered({ type, topic, seq, occurred_at, subject, data, oldest }: JsonObject): string {
  if (type === 'reset') return `what was before ${JSON.stringify(oldest)} is no longer told\n`;
  const time = typeof occurred_at === 'number' ? new Date(occurred_at * 1000).toISOString().slice(0, 19) : '';
  const facts = `${shownField(subject)} ${shownField(data)}`;
  return `${time}Z ${shownField(seq).padStart(7)} ${shownField(topic).padEnd(20)} ${facts}\n`;
}

function cursorOf(text: string): number {
  if (text === 'start') return -1;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected the number of an event, or `start`.');
}

function countOf(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a number from 1.');
}
