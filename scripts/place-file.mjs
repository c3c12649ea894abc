// Files of what is deployed: the same mode and the same time on every machine, so that the same bytes make the same zip.
import { chmodSync, constants, copyFileSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** The first day that a zip can name. */
const time = new Date('1980-01-01T12:00:00Z');

/**
 * Copies a file, its folder made where it is missing.
 * @param {string} from
 * @param {string} to
 * @param {{executable?: boolean}} [options]
 */
export function placeFile(from, to, { executable = false } = {}) {
  mkdirSync(dirname(to), { recursive: true });
  // Where the file system can, both share their blocks until one is written to.
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
  settle(to, executable);
}

/** Writes a value as JSON. */
export function placeJson(value, to) {
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, `${JSON.stringify(value, null, 2)}\n`);
  settle(to, false);
}

function settle(path, executable) {
  chmodSync(path, executable ? 0o755 : 0o644);
  utimesSync(path, time, time);
}
