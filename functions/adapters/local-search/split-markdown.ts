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
    pieces(lines.join('\n')).map((text) => ({
      title: heading === '' || heading === title ? title : `${title} › ${heading}`,
      url: `signet:///${path}${heading === '' ? '' : `#${anchor(heading)}`}`,
      text,
    })),
  );
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
