// cfn-lint and `sam validate --lint` over templates, both from PyPI, pinned by `infra/requirements.txt`, in a virtual
// environment of their own. Neither asks an account. Plain Node 20, no packages.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './processes.mjs';
import { buildFolder, root } from './toolchain.mjs';

const requirements = join(root, 'infra', 'requirements.txt');
/** Any: what a template may say differs little between regions, and the templates are for all of them. */
const region = 'eu-central-1';

/**
 * @param {{templates: string[], say: (text: string) => void}} request
 * @throws with what the linters say, if they say anything
 */
export async function lintTemplates({ templates, say }) {
  const home = join(buildFolder, 'cache', 'lint-templates');
  await install(home, say);
  const started = Date.now();
  const environment = {
    PATH: process.env.PATH,
    // Both keep caches and settings of their own at home.
    HOME: home,
    LANG: 'C.UTF-8',
    SAM_CLI_TELEMETRY: '0',
    AWS_DEFAULT_REGION: region,
  };
  await run(join(home, 'bin', 'cfn-lint'), ['--regions', region, '--', ...templates], {
    env: environment,
    quiet: true,
  });
  for (const template of templates) {
    const words = ['validate', '--lint', '--template', template, '--region', region];
    await run(join(home, 'bin', 'sam'), words, { env: environment, quiet: true });
  }
  say(`cfn-lint and sam validate --lint find nothing (${Math.round((Date.now() - started) / 1000)} s)`);
}

async function install(home, say) {
  const wanted = readFileSync(requirements, 'utf8');
  const mark = join(home, 'installed.txt');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return;
  say('installing cfn-lint and sam (340 MB, about a minute)');
  mkdirSync(home, { recursive: true });
  await run('python3', ['-m', 'venv', '--clear', home], { quiet: true });
  const words = ['-m', 'pip', 'install', '--quiet', '--no-deps', '-r', requirements];
  await run(join(home, 'bin', 'python'), words, { quiet: true });
  writeFileSync(mark, wanted);
}
