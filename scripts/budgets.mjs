// What an artefact may weigh: `infra/budgets.json`, compared where it is built. Plain Node 20, no packages.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { root } from './toolchain.mjs';

/** Of a zip's local and central header and of its end, without names. */
const entry_bytes = 30 + 46;
const end_bytes = 22;

/**
 * Sizes of the parts of an artefact that have a budget, each with it.
 * @param {{name: string, folder: string}} artefact
 * @returns {{part: string, zip_bytes: number, unpacked_bytes: number, budget: {zip_bytes_max: number, unpacked_bytes_max: number}}[]}
 */
export function weigh({ name, folder }) {
  const { artefacts } = JSON.parse(readFileSync(join(root, 'infra', 'budgets.json'), 'utf8'));
  return Object.entries(artefacts)
    .filter(([part]) => part === name || part.startsWith(`${name}/`))
    .map(([part, budget]) => ({ part, ...sizesOf(join(folder, part.slice(name.length))), budget }));
}

/**
 * @param {{name: string, folder: string}} artefact
 * @throws if a part of it is larger than it may be, naming both sizes
 */
export function assertBudget(artefact) {
  const excesses = weigh(artefact).flatMap(({ part, budget, ...sizes }) =>
    ['zip_bytes', 'unpacked_bytes']
      .filter((kind) => sizes[kind] > budget[`${kind}_max`])
      .map(
        (kind) =>
          `expected at most ${budget[`${kind}_max`]} ${kind} of ${part} (infra/budgets.json), got ${sizes[kind]}`,
      ),
  );
  if (excesses.length > 0) throw new Error(excesses.join('\n'));
}

/** Bytes of a folder's files, and of the zip that holds them. */
export function sizesOf(folder) {
  let zip_bytes = end_bytes;
  let unpacked_bytes = 0;
  for (const path of filesOf(folder)) {
    const bytes = readFileSync(path);
    const name_bytes = Buffer.byteLength(relative(folder, path));
    unpacked_bytes += bytes.length;
    zip_bytes += deflateRawSync(bytes, { level: 9 }).length + entry_bytes + 2 * name_bytes;
  }
  return { zip_bytes, unpacked_bytes };
}

function filesOf(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesOf(path) : [path];
  });
}
