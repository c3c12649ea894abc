import type { Passage } from '../../domain/web/rank-passages.ts';

/**
 * A Markdown file as passages: one for each heading, titled `file title › heading`. Fenced code keeps its `#` lines.
 * A section over 4,000 characters is cut at blank lines, so that one long page does not outweigh the others.
 */
export function splitMarkdown({ path, markdown }: { path: string; markdown: string }): readonly Passage[] {
  const sections: { heading: string; lines: string[] }[] = [{ heading: '', lines: [] }];
  let fence: string | undefined;
  for (const line of markdown.split(/\r?\n/)) {
    const mark = /^\s{0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark !== undefined) fence = fence === undefined ? mark[0] : fence === mark[0] ? undefined : fence;
    const heading = fence === undefined ? /^#{1,6}\s+(.+?)\s*#*$/.exec(line)?.[1] : undefined;
    if (heading !== undefined) sections.push({ heading: plain(heading), lines: [] });
    else sections.at(-1)?.lines.push(line);
  }
  const title = sections.find((section) => section.heading !== '')?.heading ?? path;
  return sections.flatMap(({ heading, lines }) =>
    pieces(readable(lines)).map((text) => ({
      title: heading === '' || heading === title ? title : `${title} › ${heading}`,
      url: `signet:///${path}${heading === '' ? '' : `#${anchor(heading)}`}`,
      text,
    })),
  );
}

/**
 * Text as a person reads it: links by their label, a row of a table as a sentence of its cells. The status of a decision
 * record says nothing of what it is about, and alone it would be a passage that every word of the title finds.
 */
function readable(lines: readonly string[]): string {
  return lines
    .filter((line) => !/^Status: |^\|[\s|:-]*\|$|^\s{0,3}(?:`{3,}|~{3,})/.test(line))
    .map((line) =>
      plainCells(line)
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .replace(/\*\*/g, ''),
    )
    .join('\n');
}

function plainCells(line: string): string {
  const cells = /^\|(.*)\|\s*$/
    .exec(line)?.[1]
    ?.split('|')
    .map((cell) => cell.trim());
  return cells === undefined ? line : `${cells.filter((cell) => cell !== '').join(': ')}.`;
}

const section_chars_max = 4000;

function pieces(text: string): readonly string[] {
  const found: string[] = [];
  let current = '';
  for (const paragraph of text.split(/\n\s*\n/)) {
    if (current.length + paragraph.length > section_chars_max && current !== '') {
      found.push(current);
      current = '';
    }
    current += `${paragraph}\n\n`;
  }
  found.push(current);
  return found.map((piece) => piece.trim()).filter((piece) => piece !== '');
}

/** As code forges make them. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s+/g, '-');
}

function plain(markdown: string): string {
  return markdown.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[*`]/g, '');
}
