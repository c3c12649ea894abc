import { fileURLToPath } from 'node:url';

/**
 * The folder that holds what is read at run time: `shared/policies/`, `README.md`, `docs/`. Among the sources it is the
 * repository; in a bundle, which carries those files beside it, the folder of the bundle (`functions/recipe.mjs` puts
 * that in this file's place).
 */
export const productFolder: string = fileURLToPath(new URL('../../', import.meta.url));
