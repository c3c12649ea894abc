import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { localSearch, snippetOf } from './local-search.ts';
import { splitMarkdown } from './split-markdown.ts';

const signal = new AbortController().signal;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'signet-search-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

test('finds the section that speaks of it, with its place and a sentence of it', async () => {
  await mkdir(join(root, 'docs', 'deep'), { recursive: true });
  await writeFile(
    join(root, 'README.md'),
    '# Signet\n\nAn agent backend.\n\n## First start\n\nRun `npm start`. The key is printed.\n',
  );
  await writeFile(
    join(root, 'docs', 'deep', 'hashing.md'),
    '# Hashing\n\nBLAKE3 names an envelope. Nothing else does.\n',
  );
  await writeFile(join(root, 'docs', 'notes.txt'), 'BLAKE3 BLAKE3');
  const searcher = localSearch({ root });
  expect(await searcher.search({ query: 'how is an envelope named by BLAKE3?', k: 5, signal })).toEqual([
    {
      title: 'Hashing',
      url: 'signet:///docs/deep/hashing.md#hashing',
      snippet: 'BLAKE3 names an envelope. Nothing else does.',
    },
  ]);
  expect((await searcher.search({ query: 'first start', k: 1, signal }))[0]).toMatchObject({
    title: 'Signet › First start',
    url: 'signet:///README.md#first-start',
  });
});

test('finds nothing where there is nothing, and does not fail without documentation', async () => {
  expect(await localSearch({ root }).search({ query: 'anything', k: 5, signal })).toEqual([]);
});

test('a passage reads as text: labels of links, cells of tables, no fences, no status of a decision record', () => {
  const markdown =
    '# 1: A\n\nStatus: accepted, 2026\n\n# B\n\n| X | Y |\n|---|---|\n| [one](a.md) | **two** |\n\n```sh\nrun\n```\n';
  expect(splitMarkdown({ path: 'a.md', markdown }).map(({ text }) => text)).toEqual(['X: Y.\none: two.\n\nrun']);
});

test('a question about receipts finds the page of their format', async () => {
  const repository = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
  const found = await localSearch({ root: repository }).search({
    query: 'how is a receipt verified offline',
    k: 5,
    signal,
  });
  expect(found.map(({ url }) => url.split('#')[0])).toContain('signet:///docs/formats/receipt.md');
  for (const { snippet } of found) expect(snippet).not.toMatch(/\|---|\]\(|^Status:/);
});

test('a heading in a fence is code, and a long section is cut at blank lines', () => {
  const markdown = `# A\n\n\`\`\`\n# no heading\n\`\`\`\n\n## B\n\n${`${'word '.repeat(300)}\n\n`.repeat(6)}`;
  const passages = splitMarkdown({ path: 'a.md', markdown });
  expect(passages[0]?.text).toContain('# no heading');
  expect(passages.slice(1).every(({ title }) => title === 'A › B')).toBe(true);
  expect(passages.length).toBeGreaterThan(3);
});

test('a snippet begins at the sentence with most words of the query and is never long', () => {
  expect(snippetOf('Alpha beta. Gamma delta. Gamma epsilon zeta.', 'epsilon gamma')).toBe('Gamma epsilon zeta.');
  expect(snippetOf(`start ${'x'.repeat(20)} `.repeat(50), 'start').length).toBeLessThanOrEqual(281);
  expect(snippetOf('', 'x')).toBe('');
});
