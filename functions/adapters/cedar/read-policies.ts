import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkPolicies } from './check-policies.ts';
import type { CheckedPolicies } from './check-policies.ts';

/** Beside the policies in a bundle: what `checkPolicies` made of them when it was built. */
export const checked_file = 'checked.json';

/**
 * The shipped policies of the product at `root`, as they were checked when it was bundled, or checked now where they are
 * plain sources.
 *
 * @throws {PolicyRefusedError} by `checkPolicies`
 */
export async function readPolicies(root: string): Promise<CheckedPolicies> {
  const read = (name: string): Promise<string> => readFile(join(root, 'shared', 'policies', name), 'utf8');
  try {
    return JSON.parse(await read(checked_file)) as CheckedPolicies;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const [permits, schema] = await Promise.all([read('permits.cedar'), read('signet.cedarschema')]);
  return checkPolicies({ policies: [permits], schema });
}
