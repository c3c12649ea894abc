import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import {
  indexPassages,
  topicWordsOf,
  wordsOf,
  type Passage,
  type PassageIndex,
} from '../../domain/web/rank-passages.ts';
import type { Searcher } from '../../domain/web/searcher.ts';
import { splitMarkdown } from './split-markdown.ts';

/**
 * Search without a network: BM25 over the documentation that comes with the product. Files are read at the first
 * search and kept; a file that is not there (a trimmed installation) is simply not found.
 *
 * @param root folder that holds README.md, ARCHITECTURE.md and docs/.
 * @example const searcher = localSearch({ root: repository });
 */
export function localSearch({ root }: { root: string }): Searcher {
  let index: Promise<PassageIndex> | undefined;
  return {
    name: 'local',
    async search({ query, k }) {
      index ??= readPassages(root).then(indexPassages);
      const ranked = (await index)(query, k);
      return ranked.map(({ passage }) => ({
        title: passage.title,
        url: passage.url,
        snippet: snippetOf(passage.text, query),
      }));
    },
  };
}

const snippet_chars = 280;

/** The sentences with the most different words of the query, from the first such on; whole sentences where they fit. */
export function snippetOf(text: string, query: string): string {
  const asked = new Set(topicWordsOf(query));
  const sentences = text
    .replace(/\s+/g, ' ')
    .split(/(?<=[.!?])\s+/)
    .filter((sentence) => sentence !== '');
  const hits = sentences.map((sentence) => new Set(wordsOf(sentence).filter((word) => asked.has(word))).size);
  const best = hits.indexOf(Math.max(0, ...hits));
  let snippet = '';
  for (const sentence of sentences.slice(Math.max(0, best))) {
    if (snippet !== '' && snippet.length + sentence.length + 1 > snippet_chars) break;
    snippet += snippet === '' ? sentence : ` ${sentence}`;
  }
  if (snippet.length <= snippet_chars) return snippet;
  const cut = snippet.slice(0, snippet_chars).replace(/\s+\S*$/, '');
  return `${cut.toWellFormed()}…`;
}

async function readPassages(root: string): Promise<readonly Passage[]> {
  const documents = [
    join(root, 'README.md'),
    join(root, 'ARCHITECTURE.md'),
    ...(await markdownUnder(join(root, 'docs'))),
  ];
  const passages = await Promise.all(
    documents.map(async (file) => {
      const markdown = await readFile(file, 'utf8').catch(absentAs(''));
      return splitMarkdown({ path: relative(root, file).split(sep).join('/'), markdown });
    }),
  );
  return passages.flat();
}

async function markdownUnder(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(absentAs([]));
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function absentAs<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}
