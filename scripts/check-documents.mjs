// What documents say about the tree must be so: paths exist, commands are those of package.json, decisions are indexed.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './toolchain.mjs';

/** Every place where a document and the tree disagree. */
export function documentProblems() {
  return [...missingPaths(), ...otherCommands(), ...decisionProblems()];
}

/** Paths in backticks; a placeholder (`<noun>`), a glob or a group of names is taken up to its last certain folder. */
function missingPaths() {
  const top = new Set(readdirSync(root));
  return [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'NOTICE.md',
    'docs/deploy.md',
    'infra/README.md',
    'scripts/README.md',
  ].flatMap((document) =>
    [...read(document).matchAll(/`([^`\s]+)`/g)]
      .map(([, text]) => text)
      .filter((text) => top.has(text.split('/')[0]) && (text.includes('/') || text.includes('.')))
      .map((text) => ({ text, certain: certainPart(text) }))
      .filter(({ certain }) => !isMadeAtRunTime(certain) && !existsSync(join(root, certain)))
      .map(({ text }) => `${document}: names \`${text}\`, which does not exist`),
  );
}

function certainPart(text) {
  const uncertain = text.search(/[<*{…]/);
  return uncertain < 0 ? text : text.slice(0, text.lastIndexOf('/', uncertain));
}

function isMadeAtRunTime(path) {
  return /^(node_modules|\.signet|\.signet-build|infra\/stages)(\/|$)/.test(path);
}

/** CONTRIBUTING.md lists each script of package.json and no other. */
function otherCommands() {
  const scripts = Object.keys(JSON.parse(read('package.json')).scripts);
  const told = [...read('CONTRIBUTING.md').matchAll(/^\| `npm (?:run )?([\w:]+)`/gm)].map(([, name]) => name);
  return [
    ...scripts.filter((name) => !told.includes(name)).map((name) => `CONTRIBUTING.md: does not list \`${name}\``),
    ...told
      .filter((name) => !scripts.includes(name))
      .map((name) => `CONTRIBUTING.md: lists \`${name}\`, which package.json does not have`),
  ];
}

/** A decision has a number of its own, a status, and a line in the index with its title. */
function decisionProblems() {
  const folder = 'docs/decisions';
  const index = read(`${folder}/README.md`);
  const numbers = new Map();
  return readdirSync(join(root, folder))
    .filter((file) => file !== 'README.md')
    .flatMap((file) => {
      const text = read(`${folder}/${file}`);
      const number = /^(\d{4})-[a-z0-9-]+\.md$/.exec(file)?.[1];
      if (number === undefined) return [`${folder}/${file}: expected a name like 0001-what-was-decided.md`];
      const problems = [];
      const title = new RegExp(`^# ${number}: (.+)$`, 'm').exec(text)?.[1];
      if (numbers.has(number)) problems.push(`${folder}/${file}: has the number of ${numbers.get(number)}`);
      if (title === undefined) problems.push(`${folder}/${file}: expected a title like \`# ${number}: what\``);
      else if (!index.includes(`| [${number}](${file}) | ${title} |`)) {
        problems.push(`${folder}/README.md: expected the line \`| [${number}](${file}) | ${title} |\``);
      }
      if (!/^Status: (proposed|accepted|superseded by \d{4})/m.test(text)) {
        problems.push(`${folder}/${file}: expected \`Status: proposed|accepted|superseded by NNNN\``);
      }
      numbers.set(number, file);
      return problems;
    });
}

function read(file) {
  return readFileSync(join(root, file), 'utf8');
}
