import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the product's files. */
export const repository = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** Where built artefacts are published; see scripts/README.md. */
export const buildFolder = join(repository, '.signet-build');
