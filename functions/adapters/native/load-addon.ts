import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';

/** What `interfaceVersion()` of an addon built from these sources answers. */
const INTERFACE_VERSION = 1;

/**
 * Loads `signet.node` and checks that it is one of ours and has `exports`. A file that is missing, damaged, of another
 * machine or of other sources is an error that says so; a cut one would otherwise end the process in the loader.
 */
export function loadAddon<T extends object>(path: string, exports: readonly (keyof T & string)[]): T {
  const addon_path = resolve(path);
  checkFile(addon_path);
  // By the loader itself and not `require`, which takes a file without `.node` at its end for JavaScript.
  const module: { exports: Partial<T> & { interfaceVersion?: () => unknown } } = { exports: {} };
  try {
    process.dlopen(module, addon_path);
  } catch (cause) {
    throw new Error(`the native addon \`${addon_path}\` does not load on this machine`, { cause });
  }
  const addon = module.exports;
  const version = addon.interfaceVersion?.();
  if (version !== INTERFACE_VERSION) {
    throw new Error(
      `expected a native addon of interface ${INTERFACE_VERSION}, \`${addon_path}\` has ${String(version)}`,
    );
  }
  const missing = exports.filter((name) => addon[name] === undefined);
  if (missing.length > 0) throw new Error(`the native addon \`${addon_path}\` lacks ${missing.join(', ')}`);
  return addon as T;
}

/** An ELF file ends with its section table: where that is whole, so is what the loader maps. Other formats pass. */
function checkFile(path: string): void {
  const header = Buffer.alloc(64);
  let bytes: number;
  try {
    const file = openSync(path, 'r');
    try {
      readSync(file, header);
      bytes = fstatSync(file).size;
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw new Error(`the native addon \`${path}\` cannot be read`, { cause });
  }
  if (process.platform !== 'linux') return;
  if (header.toString('latin1', 0, 4) !== '\x7fELF') throw new Error(`the native addon \`${path}\` is no ELF file`);
  const sections_end = header.readBigUInt64LE(40) + BigInt(header.readUInt16LE(58) * header.readUInt16LE(60));
  if (BigInt(bytes) < sections_end) {
    throw new Error(`the native addon \`${path}\` is cut: expected ${sections_end} bytes, got ${bytes}`);
  }
}
