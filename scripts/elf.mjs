// What a Linux binary needs of the machine that it runs on: read from the file, for there is no such machine here.
import { readFileSync } from 'node:fs';

const machines = { 62: 'x64', 183: 'arm64' };
const versionNeeds = 0x6ffffffe;
/** Amazon Linux 2023, the system of `provided.al2023`: glibc 2.34 and the C++ library of GCC 11. */
const most = { GLIBC: '2.34', GLIBCXX: '3.4.29', CXXABI: '1.3.13', GCC: '7.0.0' };

/**
 * @param {string} path of a 64-bit little-endian ELF file
 * @returns {{machine: string, versions: string[]}} `versions`: such as `GLIBC_2.28`
 */
export function readNeeds(path) {
  const file = readFileSync(path);
  if (file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) {
    throw new Error(`${path} is not a 64-bit little-endian ELF file`);
  }
  const sections = sectionsOf(file);
  const needs = sections.find(({ type }) => type === versionNeeds);
  const versions = needs === undefined ? [] : versionsOf(file, needs, sections[needs.link]);
  return { machine: machines[file.readUInt16LE(18)] ?? 'unknown', versions };
}

/**
 * @throws if the binary is for another machine than Lambda's on arm64, or needs more than its system has
 */
export function assertRunsOnLambda(path) {
  const { machine, versions } = readNeeds(path);
  if (machine !== 'arm64') throw new Error(`expected ${path} to be for arm64, got ${machine}`);
  const missing = versions.filter((version) => !isThere(version));
  if (missing.length > 0) throw new Error(`${path} needs what Amazon Linux 2023 lacks: ${missing.join(', ')}`);
}

function isThere(version) {
  const [, library, number] = /^([A-Z]+)_([\d.]+)$/.exec(version) ?? [];
  if (most[library] === undefined) return false;
  const [needed, there] = [number, most[library]].map((text) => text.split('.').map(Number));
  const first = there.findIndex((part, index) => part !== (needed[index] ?? 0));
  return first < 0 || (needed[first] ?? 0) < there[first];
}

function sectionsOf(file) {
  const start = Number(file.readBigUInt64LE(40));
  const size = file.readUInt16LE(58);
  return Array.from({ length: file.readUInt16LE(60) }, (_, index) => {
    const at = start + index * size;
    return {
      type: file.readUInt32LE(at + 4),
      offset: Number(file.readBigUInt64LE(at + 24)),
      link: file.readUInt32LE(at + 40),
      entries: file.readUInt32LE(at + 44),
    };
  });
}

/** Each library that is needed is followed by the versions that are needed of it; both are linked lists. */
function versionsOf(file, needs, strings) {
  const found = [];
  for (let library = needs.offset, left = needs.entries; left > 0; left -= 1) {
    let version = library + file.readUInt32LE(library + 8);
    for (let more = file.readUInt16LE(library + 2); more > 0; more -= 1) {
      found.push(textAt(file, strings.offset + file.readUInt32LE(version + 8)));
      version += file.readUInt32LE(version + 12);
    }
    library += file.readUInt32LE(library + 12);
  }
  return found;
}

function textAt(file, offset) {
  return file.toString('latin1', offset, file.indexOf(0, offset));
}
