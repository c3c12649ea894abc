import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { signetJson } from '../functions/assembly/signet-json.ts';
import { type StageConfig, StageConfigError } from './config.ts';

const genesisFolder = join(dirname(fileURLToPath(import.meta.url)), 'genesis');

/** Names, in place of a path, the genesis of templates that nobody deploys. */
export const placeholder = 'placeholder';

/** There is no genesis for the stage yet: `command` makes it. */
export class GenesisMissingError extends Error {
  override readonly name = 'GenesisMissingError';
  readonly command: string;

  constructor(
    { stage, path }: { readonly stage: string; readonly path: string },
    options: { readonly cause: unknown },
  ) {
    const command = `npm run deploy -- --stage ${stage}`;
    super(`expected the genesis of stage \`${stage}\` in ${path}; \`${command}\` makes it`, options);
    this.command = command;
  }
}

/**
 * Writes what a stage's TypeScript functions find below `/opt/signet`: its genesis and, if it has providers, its
 * `signet.json`. The folder's name comes from its content, so that two builds do not disturb each other.
 * @param request.genesis path of the genesis, or `placeholder`; by default `infra/genesis/<stage>.json`
 * @param request.build_folder where to write
 * @returns the folder to make a layer of
 * @throws {GenesisMissingError}
 * @throws {StageConfigError} if the genesis is of another stage, or the providers do not fit their schema
 */
export function writeStageFiles(request: {
  readonly config: StageConfig;
  readonly genesis?: string | undefined;
  readonly build_folder: string;
}): string {
  const { config, build_folder } = request;
  const files = new Map([['genesis.json', genesisOf(config.stage, request.genesis)]]);
  if (config.providers_file !== undefined) files.set('signet.json', providersOf(config.stage, config.providers_file));
  const hash = createHash('sha256');
  for (const [name, text] of files) hash.update(`${name}\0${text}\0`);
  const layer = join(build_folder, 'stage-files', hash.digest('hex').slice(0, 16));
  mkdirSync(join(layer, 'signet'), { recursive: true });
  for (const [name, text] of files) writeFileSync(join(layer, 'signet', name), text);
  return layer;
}

/** Name of the log of a stage, as its genesis has it; a placeholder's is its own. */
export function logOriginOf({
  config,
  genesis,
}: {
  readonly config: StageConfig;
  readonly genesis?: string | undefined;
}): string {
  const { stage } = config;
  const found = Object(parse(stage, genesis ?? stage, genesisOf(stage, genesis)));
  const origin: unknown = Object(Object(found.node_document).log).origin;
  if (typeof origin === 'string' && origin !== '') return origin;
  if (found.placeholder === true) return 'signet/placeholder';
  throw new StageConfigError(stage, ['expected the name of a log in the node document of the genesis']);
}

function genesisOf(stage: string, given: string | undefined): string {
  if (given === placeholder) return readFileSync(join(genesisFolder, 'placeholder.json'), 'utf8');
  const path = given ?? join(genesisFolder, `${stage}.json`);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new GenesisMissingError({ stage, path }, { cause });
  }
  const found = Object(parse(stage, path, text));
  // Whether it is signed as it should be is judged by every start; here only what a slip of the hand confuses.
  if (found.format !== 1) throw new StageConfigError(stage, [`expected a genesis of format 1 in ${path}`]);
  if (found.stage !== stage) {
    throw new StageConfigError(stage, [`expected its own genesis in ${path}, got one of \`${String(found.stage)}\``]);
  }
  return text;
}

function providersOf(stage: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new StageConfigError(stage, [`\`providers_file\`: cannot read ${path}: ${String(cause)}`]);
  }
  const checked = signetJson.safeParse(parse(stage, path, text));
  if (checked.success) return text;
  throw new StageConfigError(
    stage,
    checked.error.issues.map((issue) => `${path}: \`${issue.path.map(String).join('.')}\`: ${issue.message}`),
  );
}

function parse(stage: string, path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StageConfigError(stage, [`expected JSON in ${path}: ${String(cause)}`]);
  }
}
