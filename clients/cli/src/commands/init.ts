import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { KeyRole, PublicKey } from '@signet/functions/domain/ports/keys.ts';
import { CommandFailure, exits, startFailed } from '../failure.ts';
import { readGlobalOptions, withGlobalOptions } from '../global-options.ts';
import type { Exit } from '../program.ts';
import type { StageFacts } from '../stages/begin-stage.ts';
import { readStageName, stagePlaces } from '../stages/stage-places.ts';
import type { Terminal } from '../terminal.ts';

interface InitOptions {
  readonly stage: string;
  readonly outputs?: string;
  readonly issuerKey?: string;
  readonly logKey?: string;
  readonly genesis?: string;
  readonly profile?: string;
}

export function initCommand(terminal: Terminal, _exit: Exit): Command {
  const command = new Command('init')
    .description('begin a stage on AWS: root key and owner key on this machine, public documents into infra/genesis')
    .addOption(
      new Option('--stage <name>', 'such as dev; names the stacks').argParser(readStageName).makeOptionMandatory(),
    )
    .option('--outputs <file>', 'what `cdk deploy --outputs-file` wrote about the State stack')
    .option('--issuer-key <arn>', 'the issuer key in KMS, instead of --outputs')
    .option(
      '--log-key <arn>',
      "the log's key in KMS, instead of --outputs; beside --issuer-key, without it nothing is sealed",
    )
    .option('--genesis <file>', 'where the public file stands (infra/genesis/STAGE.json)')
    .option('--profile <name>', 'profile of the AWS configuration to ask KMS with (AWS_PROFILE)')
    .addHelpText(
      'after',
      `
Examples:
  signet init --stage dev              after the State stack; \`npm run deploy -- --stage dev\` does it by itself
  signet init --stage dev --outputs outputs.json
  signet init --stage dev --issuer-key arn:aws:kms:eu-west-1:123456789012:key/… --profile work

Once per stage. HOME/stages/STAGE keeps what must stay here: the root key that signs who the node is
(identities/, back it up), and the owner's API key (owner.key, 0600; the genesis has its hash alone).
The genesis holds node document 0 with the public keys of KMS (issuer, log) and constitution 1, both signed.
Run again, it verifies what is there and never writes it anew.`,
    );
  return withGlobalOptions(command).action(async (options: InitOptions) => {
    const globals = readGlobalOptions(command, terminal);
    const facts = await begin({ options, home: globals.home });
    terminal.out(globals.json ? `${JSON.stringify(facts, null, 2)}\n` : rendered(facts, terminal));
  });
}

async function begin({ options, home }: { options: InitOptions; home: string }): Promise<StageFacts> {
  const { stage } = options;
  const usual = stagePlaces({ home, stage });
  const places = options.genesis === undefined ? usual : { ...usual, genesis: resolve(options.genesis) };
  const outputs =
    options.issuerKey === undefined
      ? await outputsOf(options.outputs, { stage, usual: usual.outputs })
      : { issuer: options.issuerKey, log: undefined };
  const issuer_key = outputs?.issuer;
  const log_key = options.logKey ?? outputs?.log;
  // Loaded when needed: a module is compiled, and most commands have no stage.
  const [{ beginStage }, { openWasmCompute }] = await Promise.all([
    import('../stages/begin-stage.ts'),
    import('@signet/functions/adapters/wasm/wasm-compute.ts'),
  ]);
  const { sign, verify, digest } = await openWasmCompute();
  return await beginStage({
    stage,
    places,
    issuer: issuer_key === undefined ? undefined : () => askKms(issuer_key, 'issuer', options.profile),
    log: log_key === undefined ? undefined : () => askKms(log_key, 'log', options.profile),
    sign,
    verify,
    digest,
    now: Date.now,
    newId: randomUUID,
    random: randomBytes,
  }).catch((error: unknown) => startFailed(error, places.home));
}

/** Names of the outputs that `infra/stacks` gives the keys. */
const [issuer_output, log_output] = ['IssuerKeyArn', 'LogKeyArn'];

/** ARNs of the keys; a State stack from before the log has none for it. */
async function outputsOf(
  given: string | undefined,
  { stage, usual }: { stage: string; usual: string },
): Promise<{ readonly issuer: string; readonly log: string | undefined } | undefined> {
  const path = given ?? usual;
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && given === undefined) return undefined;
    throw new CommandFailure({ exit: exits.usage, message: `expected outputs in ${path}: ${error.code}` });
  });
  if (text === undefined) return undefined;
  const stack = `Signet-${stage}-State`;
  const issuer = outputOf(text, { stack, name: issuer_output });
  if (issuer !== undefined) return { issuer, log: outputOf(text, { stack, name: log_output }) };
  throw new CommandFailure({
    exit: exits.usage,
    message: `expected \`${issuer_output}\` of the stack ${stack} in ${path}`,
  });
}

function outputOf(text: string, { stack, name }: { stack: string; name: string }): string | undefined {
  try {
    const value = (JSON.parse(text) as Record<string, Record<string, unknown> | undefined>)[stack]?.[name];
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The region stands in the ARN; the credentials are found as the AWS command line finds them. */
async function askKms(key: string, role: KeyRole, profile: string | undefined): Promise<PublicKey> {
  const region = /^arn:[a-z-]+:kms:([a-z0-9-]+):\d{12}:key\//.exec(key)?.[1];
  if (region === undefined) {
    throw new CommandFailure({ exit: exits.usage, message: `expected the ARN of a key in KMS, got \`${key}\`` });
  }
  const [{ KMSClient }, { readPublicKey }, { client_settings }, { usual_rules }] = await Promise.all([
    import('@aws-sdk/client-kms'),
    import('@signet/functions/adapters/kms/read-public-key.ts'),
    import('@signet/functions/adapters/aws/client-settings.ts'),
    import('@signet/functions/adapters/aws/repeat-call.ts'),
  ]);
  const client = new KMSClient({ ...client_settings, region, ...(profile === undefined ? {} : { profile }) });
  try {
    return await readPublicKey({ client, key, role, rules: usual_rules });
  } catch (error) {
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new CommandFailure(
      { exit: exits.failed, message: `expected the public half of ${key} from KMS: ${String(reason)}` },
      { cause: error },
    );
  } finally {
    client.destroy();
  }
}

function rendered(facts: StageFacts, { paint }: Terminal): string {
  const { genesis, root_key, owner_key } = facts;
  const done = { made: 'begun', restored: 'begun here before; its genesis is published again', verified: 'as it was' };
  const missing = paint.bad('not on this machine');
  const lines = [
    `stage ${facts.stage}: ${paint.good(done[genesis])}`,
    row('node', facts.node_id),
    row('genesis', `${here(facts.genesis_path)} (public; commit it)`),
    row(
      'issuer key',
      `${facts.issuers.join(', ')}${facts.issuer_checked ? ', as KMS has it' : ' (KMS was not asked)'}`,
    ),
    row('log key', facts.logs.length > 0 ? facts.logs.join(', ') : 'none: nothing is sealed into a log there'),
    row('root key', root_key === 'here' ? `${here(facts.home)}/identities (back it up; it never leaves)` : missing),
    row('owner key', owner_key === 'here' ? `${here(facts.owner_key_path)} (0600)` : missing),
  ];
  return `${lines.join('\n')}\n`;
}

function row(name: string, value: string): string {
  return `  ${name.padEnd(10)} ${value}`;
}

function here(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
