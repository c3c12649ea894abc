// What `synth`, `deploy` and `destroy` are told on the command line. Plain Node 20, no packages.
import { parseArgs } from 'node:util';

/** What was asked cannot be read: exit code 2, with the usage. */
export class UsageError extends Error {
  name = 'UsageError';
}

const options = {
  stage: { type: 'string' },
  profile: { type: 'string' },
  region: { type: 'string' },
  overrides: { type: 'string' },
  genesis: { type: 'string' },
  'as-built': { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  'with-state': { type: 'boolean', default: false },
  out: { type: 'string' },
  check: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
};

/**
 * @param {string[]} argv
 * @param {{usage: string, allowed: string[], stage?: string}} command `allowed`: which of the options it knows; `stage`:
 *   the one that is meant where none is named
 * @returns {object | undefined} undefined after `--help` was answered
 */
export function readStageArguments(argv, { usage, allowed, stage }) {
  const known = Object.fromEntries(Object.entries(options).filter(([name]) => [...allowed, 'help'].includes(name)));
  let values;
  try {
    ({ values } = parseArgs({ args: argv, options: known, strict: true, allowPositionals: false }));
    values = { ...(stage === undefined ? {} : { stage }), ...values };
  } catch (error) {
    throw new UsageError(error.message);
  }
  if (values.help) {
    process.stdout.write(usage);
    return undefined;
  }
  if (values.stage === undefined) throw new UsageError('expected --stage, such as --stage dev');
  if (!/^[a-z][a-z0-9-]{0,19}$/.test(values.stage)) {
    throw new UsageError('expected a stage of 1 to 20 characters `a-z 0-9 -` that begins with a letter');
  }
  return values;
}

/** Prints why a command did not do what it was asked, and says with which code the process ends. */
export function explainFailure(error, { usage, again }) {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof UsageError) {
    process.stderr.write(`signet: ${message}\n\n${usage}`);
    return 2;
  }
  process.stderr.write(`signet: ${message}\n${again === undefined ? '' : `${again}\n`}`);
  return error?.interrupted ? 130 : 1;
}
