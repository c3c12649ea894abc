import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { readGlobalOptions, withGlobalOptions } from '../global-options.ts';
import { repository } from '../places.ts';
import type { Exit } from '../program.ts';
import { readStageName } from '../stages/stage-places.ts';
import type { Terminal } from '../terminal.ts';

interface ScriptOptions {
  readonly stage: string;
  readonly profile?: string;
  readonly region?: string;
  readonly overrides?: string;
  readonly genesis?: string;
  readonly withState?: boolean;
  readonly yes?: boolean;
}

export function deployCommand(terminal: Terminal, exit: Exit): Command {
  const command = stageCommand('deploy')
    .description(
      'build and deploy a stage to AWS: data and keys, identity, functions; again after a failure or a change',
    )
    .option('--overrides <file>', "the stage's configuration (infra/stages/STAGE.json)")
    .addHelpText(
      'after',
      `
Examples:
  signet deploy --stage dev
  signet deploy --stage prod --profile work --region eu-west-1

The same as \`npm run deploy -- --stage dev\`. Progress is for people: --json changes nothing here.`,
    );
  return runsScript(command, 'deploy.mjs', { terminal, exit });
}

export function destroyCommand(terminal: Terminal, exit: Exit): Command {
  const command = stageCommand('destroy')
    .description('delete the functions of a stage; data and keys stay')
    .option('--with-state', 'data and keys too: nothing brings them back')
    .addHelpText(
      'after',
      `
Examples:
  signet destroy --stage dev
  signet destroy --stage dev --with-state

The same as \`npm run destroy -- --stage dev\`.`,
    );
  return runsScript(command, 'destroy.mjs', { terminal, exit });
}

function stageCommand(name: string): Command {
  return new Command(name)
    .addOption(new Option('--stage <name>', 'such as dev').argParser(readStageName).makeOptionMandatory())
    .option('--profile <name>', 'profile of the AWS configuration (AWS_PROFILE)')
    .option('--region <name>', 'region (that of the profile, AWS_REGION)')
    .option('--genesis <file>', "the stage's public genesis (infra/genesis/STAGE.json)")
    .option('--yes', 'ask nothing');
}

/** The script speaks to the terminal and asks there; a signal reaches it, and its code is ours. */
function runsScript(command: Command, script: string, { terminal, exit }: { terminal: Terminal; exit: Exit }): Command {
  return withGlobalOptions(command).action(async (options: ScriptOptions) => {
    const { home } = readGlobalOptions(command, terminal);
    const { stage, profile, region, overrides, genesis, withState, yes } = options;
    const values = Object.entries({ stage, profile, region, overrides, genesis }).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, value],
    );
    const flags = [...(withState === true ? ['--with-state'] : []), ...(yes === true ? ['--yes'] : [])];
    const child = spawn(process.execPath, [join(repository, 'scripts', script), ...values, ...flags], {
      stdio: 'inherit',
      env: { ...terminal.environment, SIGNET_HOME: home },
    });
    process.on('SIGINT', () => undefined);
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    exit(
      await new Promise<number>((resolve, reject) => {
        child.on('error', reject);
        child.on('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 15 : constants.signals[signal])));
      }),
    );
  });
}
