// Makes templates in a process of its own and writes them to standard output: inside of jest, loading the CDK takes longer
// than everything that is tested.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addStacks, newApp } from '../../infra/add-stacks.ts';
import { findArtefacts } from '../../infra/artefacts.ts';
import { makeConfig } from '../../infra/config.ts';
import { nag, nagReasons } from '../../infra/nag.ts';
import { logOriginOf, placeholder, writeStageFiles } from '../../infra/stage-files.ts';
import { makePlaceholderArtefacts } from './placeholder-artefacts.ts';
import type { TemplateRequest, Templates } from './templates-of.ts';

const requests: readonly TemplateRequest[] = JSON.parse(process.argv[2] ?? '[]');
process.stdout.write(JSON.stringify(requests.map(make)));

function make({ stage, overrides = {}, only_state = false, with_nag = false }: TemplateRequest): Templates {
  // Each in a folder of another name: what depends on it differs.
  const folder = mkdtempSync(join(tmpdir(), 'signet-templates-'));
  try {
    const build_folder = join(folder, 'build');
    const outdir = join(folder, 'assembly');
    makePlaceholderArtefacts(build_folder);
    const config = makeConfig({ stage, overrides });
    const app = newApp({ outdir });
    const parts = {
      artefacts: findArtefacts({ config, build_folder }),
      stage_files: writeStageFiles({ config, genesis: placeholder, build_folder }),
      log_origin: logOriginOf({ config, genesis: placeholder }),
    };
    addStacks(app, { config, parts: only_state ? undefined : parts });
    app.synth();
    const read = (name: string) => JSON.parse(readFileSync(join(outdir, `Signet-${stage}-${name}.json`), 'utf8'));
    const { unanswered, used } = with_nag ? nag(app) : { unanswered: [], used: new Set(nagReasons) };
    return {
      config,
      state: read('State.template'),
      app: only_state ? { Resources: {}, Outputs: {} } : read('App.template'),
      assets: only_state ? {} : read('App.assets').files,
      nag: { unanswered, unused: nagReasons.filter((reason) => !used.has(reason)).map(({ because }) => because) },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
