// The TypeScript Lambdas: one ESM bundle a function, and beside it what it reads at run time. It takes about a second,
// needs no network, and gives the same bytes on every machine.
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { node24 } from '../scripts/toolchain.mjs';

/** Each is a folder of `functions/handlers/` with a `main.ts` that exports `handler`. */
const functionNames = ['serve-api', 'advance-run', 'seal-ledger', 'sweep-due'];

/** From the repository's root, to the same place in the function's folder: `product-folder.ts` names that as the root. */
const documents = ['README.md', 'ARCHITECTURE.md', 'docs'];

export default {
  name: 'functions',
  title: 'the TypeScript Lambdas',
  inputs: ['functions', 'shared', 'layers/models/models.json', 'package-lock.json', ...documents],
  estimate_s: 5,

  async build({ out, root, run, step }) {
    step('bundling');
    // Not at the top: this file is also read where packages are not installed yet.
    const { build } = await import('esbuild');
    await Promise.all(functionNames.map((name) => bundle({ build, root, name, out: join(out, name) })));
    step('copying what is read at run time');
    const answering = ['serve-api', 'advance-run'].map((name) => join(out, name));
    for (const folder of [...answering, join(out, 'seal-ledger')]) copyCompute({ root, to: folder });
    for (const folder of answering) copyBeside({ root, to: folder });
    // Validating takes longer than all else that a cold start does.
    await run(node24(), [join(root, 'functions/adapters/cedar/write-checked.ts'), root, ...answering], { quiet: true });
  },
};

/**
 * Code that is loaded when first needed (`import()`) becomes a file of its own. Names and lines stay as they are, so that
 * a stack trace needs no map (docs/decisions/0061).
 */
async function bundle({ build, root, name, out }) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { index: `functions/handlers/${name}/main.ts` },
    outdir: out,
    outExtension: { '.js': '.mjs' },
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    minifySyntax: true,
    legalComments: 'none',
    charset: 'utf8',
    logLevel: 'warning',
    banner: { js: commonJs },
    plugins: [productFolderOfBundle, withoutLocales],
  });
  for (const { path, contents } of outputFiles) write(path, contents);
}

/** Packages in CommonJS ask for what an ES module does not have. */
const commonJs = [
  "import{createRequire as signetRequire}from'node:module';",
  'const require=signetRequire(import.meta.url),__dirname=import.meta.dirname,__filename=import.meta.filename;',
].join('');

const productFolderOfBundle = {
  name: 'the product is beside the bundle',
  setup({ onLoad }) {
    onLoad({ filter: /functions[\\/]hosts[\\/]product-folder\.ts$/ }, () => ({
      contents: 'export const productFolder = import.meta.dirname;',
      loader: 'js',
    }));
  },
};

/** A quarter of a megabyte of zod's messages in fifty languages; ours are our own. */
const withoutLocales = {
  name: 'no locales of zod',
  setup({ onLoad }) {
    onLoad({ filter: /node_modules[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({ contents: 'export {};' }));
  },
};

/** What signs, verifies and builds trees in process. */
function copyCompute({ root, to }) {
  copyFileSync(join(root, 'functions/adapters/wasm/signet.wasm'), join(to, 'signet.wasm'));
}

/** Policies and documents: of functions that decide and answer. */
function copyBeside({ root, to }) {
  const cedar = 'node_modules/@cedar-policy/cedar-wasm/nodejs/cedar_wasm_bg.wasm';
  copyFileSync(join(root, cedar), join(to, basename(cedar)));
  for (const path of documents) cpSync(join(root, path), join(to, path), { recursive: true });
}

function write(path, contents) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contents);
}
