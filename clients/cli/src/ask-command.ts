import type { JsonObject } from '@signet/functions/domain/json.ts';
import { CommandFailure, exitForCode, exits } from './failure.ts';
import type { GlobalOptions } from './global-options.ts';
import { askNode, type NodeAnswer, type NodeRequest } from './lifecycle/ask-node.ts';
import { NodeError } from './lifecycle/node-error.ts';
import { nodeAddress } from './node-access.ts';
import { escaped } from './terminal.ts';

/** Asks the node that the options name; what it refuses ends the command with the exit code for its `code`. */
export async function askForCommand(
  globals: GlobalOptions,
  request: Omit<NodeRequest, 'wait_ms'>,
): Promise<NodeAnswer> {
  const address = await nodeAddress(globals);
  if (address === undefined) {
    throw new CommandFailure({
      exit: exits.failed,
      message: `expected a running node on ${globals.home}, there is none; \`signet serve\` starts one`,
    });
  }
  try {
    return await askNode(address, { ...request, wait_ms: ask_ms_max });
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    throw new CommandFailure({ exit: exitForCode(error.code), message: escaped(error.message) }, { cause: error });
  }
}

export function jsonText(body: JsonObject): string {
  return `${JSON.stringify(body, null, 2)}\n`;
}

const ask_ms_max = 30_000;
