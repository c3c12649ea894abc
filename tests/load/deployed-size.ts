import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';

/** A part and its bytes, largest first. */
export type Share = readonly [part: string, bytes: number];

/** Bytes of a folder as the zip that is uploaded, and unpacked. */
export function zipSize(folder: string): { zip_bytes: number; unpacked_bytes: number } {
  let [zip_bytes, unpacked_bytes] = [zip_end_bytes, 0];
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const bytes = readFileSync(join(entry.parentPath, entry.name));
    const path = join(entry.parentPath, entry.name).slice(folder.length + 1);
    zip_bytes += deflateRawSync(bytes, { level: 9 }).length + zip_entry_bytes + 2 * Buffer.byteLength(path);
    unpacked_bytes += bytes.length;
  }
  return { zip_bytes, unpacked_bytes };
}

/** Local header and directory entry of a file without its name, twice; the end of the directory. */
const zip_entry_bytes = 30 + 46;
const zip_end_bytes = 22;

/**
 * What a bundle is made of, by package or folder of ours: `index.mjs` with what it imports at once (`first`), and what is
 * loaded when it is needed (`later`). esbuild names the source of each part in a comment of its own line.
 */
export function bundleShares(folder: string): { first: readonly Share[]; later: readonly Share[] } {
  const texts = new Map(
    readdirSync(folder)
      .filter((name) => name.endsWith('.mjs'))
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );
  const at_once = new Set<string>();
  const follow = (name: string): void => {
    if (at_once.has(name)) return;
    at_once.add(name);
    for (const [, next = ''] of (texts.get(name) ?? '').matchAll(static_import)) follow(next);
  };
  follow('index.mjs');
  const [first, later] = [new Map<string, number>(), new Map<string, number>()];
  for (const [name, text] of texts) {
    const sums = at_once.has(name) ? first : later;
    const [, ...sources] = text.split(source_comment);
    for (let at = 0; at < sources.length; at += 2) {
      const part = partOf(sources[at] ?? '');
      sums.set(part, (sums.get(part) ?? 0) + Buffer.byteLength(sources[at + 1] ?? ''));
    }
  }
  return { first: largestFirst(first), later: largestFirst(later) };
}

const static_import = /^(?:import|export|\})[^("]*"\.\/([^"]+\.mjs)";$/gm;
const source_comment = /^\/\/ ((?:node_modules|functions|shared|layers)\/\S+)$/m;

/** Sections of a little-endian ELF64 file that take space in it. */
export function elfShares(path: string): readonly Share[] {
  const file = readFileSync(path);
  if (file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2) throw new Error(`\`${path}\` is no ELF64 file`);
  const table = Number(file.readBigUInt64LE(0x28));
  const [entry_bytes, count, names] = [0x3a, 0x3c, 0x3e].map((at) => file.readUInt16LE(at)) as [number, number, number];
  const header = (index: number) => table + index * entry_bytes;
  const names_at = Number(file.readBigUInt64LE(header(names) + 0x18));
  const shares = new Map<string, number>();
  for (let index = 0; index < count; index += 1) {
    const at = header(index);
    const takes_no_space = file.readUInt32LE(at + 4) === 8;
    if (takes_no_space) continue;
    const name_at = names_at + file.readUInt32LE(at);
    const name = file.toString('latin1', name_at, file.indexOf(0, name_at));
    shares.set(name, (shares.get(name) ?? 0) + Number(file.readBigUInt64LE(at + 0x20)));
  }
  return largestFirst(shares);
}

function largestFirst(sums: ReadonlyMap<string, number>): readonly Share[] {
  return [...sums].toSorted(([, a], [, b]) => b - a);
}

function partOf(input: string): string {
  const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(input) ?? [];
  return name ?? input.split('/').slice(0, 2).join('/');
}
