#!/usr/bin/env node
// `npm run check`: what needs no built artefact. Cheap ones first; `--quick` (the pre-commit hook) compiles no Rust;
// `--fix` formats instead of complaining.
import { join } from 'node:path';
import { answerHelp } from './answer-help.mjs';
import { run } from './processes.mjs';
import { Tally } from './tally.mjs';
import { ensureInfraPackages, ensurePackages, packageProgram, root } from './toolchain.mjs';

answerHelp(`Usage: npm run check [-- --quick]

  --quick   compiles no Rust
  --fix     formats instead of complaining (npm run format)
`);
const fix = process.argv.includes('--fix');
const quick = process.argv.includes('--quick');
const rust = join(root, 'rust-lambdas');

const tally = new Tally();
const say = (text) => console.log(text);
await tally.need('packages of the lockfiles', async () => {
  await ensurePackages(say);
  await ensureInfraPackages(say);
});

await tally.step('format of TypeScript, JavaScript and JSON (prettier)', () =>
  program('prettier/bin/prettier.cjs', [fix ? '--write' : '--check', '--log-level=warn', '.']),
);
await tally.step('format of Rust (rustfmt)', () =>
  run('cargo', ['fmt', '--all', ...(fix ? [] : ['--check'])], { cwd: rust }),
);
await tally.step('types (tsc)', () => program('typescript/bin/tsc', ['-p', '.']));
await tally.step('lint, type-aware (oxlint)', () =>
  program('oxlint/bin/oxlint', ['--type-aware', '--deny-warnings', ...(fix ? ['--fix'] : [])]),
);
await tally.step('import boundaries and cycles (dependency-cruiser)', () =>
  program('dependency-cruiser/bin/dependency-cruiser.mjs', [
    '--config',
    '.dependency-cruiser.mjs',
    'functions',
    'clients',
    'shared',
    'infra',
    'tests',
    'scripts',
    'layers',
  ]),
);
await tally.step('repository rules (licences, lockfiles, paths, documents)', () =>
  run(process.execPath, [join(root, 'scripts', 'check-repository.mjs')]),
);
await tally.step('the committed WebAssembly blob is of these sources', () =>
  run(process.execPath, [join(root, 'scripts', 'build-wasm.mjs'), '--check']),
);
if (!quick) {
  await tally.step('the shared vectors are what the crates answer (xtask)', () =>
    run('cargo', ['run', '--release', '--locked', '--quiet', '-p', 'xtask', '--', 'vectors', '--check'], { cwd: rust }),
  );
  await tally.step('lint of Rust (clippy, warnings denied)', () =>
    run(
      'cargo',
      ['clippy', '--workspace', '--all-targets', '--release', '--locked', '--quiet', '--', '-D', 'warnings'],
      {
        cwd: rust,
      },
    ),
  );
}
tally.end();

async function program(path, args) {
  const [node, file] = packageProgram(path);
  await run(node, [file, ...args], { cwd: root });
}
