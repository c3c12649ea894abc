// The CDK app. It is told by context what to build: `stage` (required), `stacks` (`state`: that one alone), `genesis` (a
// path, or `placeholder`), `overrides` (a path) and `build` (where the artefacts are).
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addStacks, newApp } from '../add-stacks.ts';
import { findArtefacts } from '../artefacts.ts';
import { makeConfig, readOverrides } from '../config.ts';
import { nag } from '../nag.ts';
import { logOriginOf, writeStageFiles } from '../stage-files.ts';

const infra = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function main(): void {
  const app = newApp();
  const said = (name: string): string | undefined => app.node.tryGetContext(name);
  const stage = said('stage');
  if (stage === undefined) throw new Error('expected the context `stage`, such as `-c stage=dev`');
  const path = said('overrides') ?? ownOverrides(stage);
  const config = makeConfig({
    stage,
    account: process.env['CDK_DEFAULT_ACCOUNT'],
    region: process.env['CDK_DEFAULT_REGION'],
    overrides: path === undefined ? {} : readOverrides({ stage, path }),
  });
  const build_folder = said('build') ?? join(dirname(infra), '.signet-build');
  const parts = () => ({
    stage_files: writeStageFiles({ config, genesis: said('genesis'), build_folder }),
    log_origin: logOriginOf({ config, genesis: said('genesis') }),
    artefacts: findArtefacts({ config, build_folder }),
  });
  addStacks(app, { config, parts: said('stacks') === 'state' ? undefined : parts() });
  app.synth();
  const { unanswered } = nag(app);
  if (unanswered.length > 0) throw new Error(unanswered.join('\n'));
}

function ownOverrides(stage: string): string | undefined {
  const path = join(infra, 'stages', `${stage}.json`);
  return existsSync(path) ? path : undefined;
}
