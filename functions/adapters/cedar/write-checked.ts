// Run when functions are bundled: `node write-checked.ts <product folder> <bundle's folder>…` checks the policies once
// and writes what came of it into each bundle.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checked_file, readPolicies } from './read-policies.ts';

const [root = '', ...bundles] = process.argv.slice(2);
const checked = `${JSON.stringify(await readPolicies(root))}\n`;
for (const bundle of bundles) {
  const folder = join(bundle, 'shared', 'policies');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, checked_file), checked);
}
