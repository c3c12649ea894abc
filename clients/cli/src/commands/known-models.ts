import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { artefactState } from '@signet/functions/assembly/artefacts.ts';
import { readModelFacts } from '@signet/functions/domain/models/model-facts.ts';
import { readRegistry, type ModelRegistry, type RegistryModel } from '@signet/functions/domain/models/registry.ts';
import { CommandFailure, exits } from '../failure.ts';
import { buildFolder, repository } from '../places.ts';
import type { Terminal } from '../terminal.ts';

/** The committed registry, with the default that the environment names. */
export async function openRegistry(terminal: Terminal): Promise<ModelRegistry> {
  const file = await readFile(join(repository, 'layers', 'models', 'models.json'), 'utf8');
  try {
    return readRegistry(JSON.parse(file), terminal.environment['SIGNET_EMBED_MODEL']);
  } catch (error) {
    throw new CommandFailure({ exit: exits.usage, message: (error as Error).message }, { cause: error });
  }
}

/** By id or alias; the default when no name is given. */
export function findModel(registry: ModelRegistry, name: string | undefined): RegistryModel {
  const model = name === undefined ? registry.default : registry.find(name);
  if (model !== undefined) return model;
  const known = registry.models.map(({ id }) => id).join(', ');
  throw new CommandFailure({ exit: exits.usage, message: `expected one of ${known}, got \`${name}\`` });
}

/** The id that the built folder gives itself; a folder that cannot be read holds no model. */
export async function installedModel(): Promise<string | undefined> {
  const state = artefactState({ build_folder: buildFolder, name: 'models', now: Date.now() });
  if (state.kind !== 'ready') return undefined;
  try {
    return readModelFacts(await readFile(join(state.folder, 'model.json'), 'utf8')).id;
  } catch {
    return undefined;
  }
}
