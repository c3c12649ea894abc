import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../running-node.ts';

/** What docs/verify-without-signet.md tells a stranger to type. */
export interface Page {
  /** Texts by the names they are saved under. */
  readonly programs: ReadonlyMap<string, string>;
  readonly steps: readonly Step[];
  /** `name==version` and `module@version`, as its tools are installed. */
  readonly pins: readonly string[];
}

/** One block of commands. */
export interface Step {
  readonly script: string;
  /** Tools besides Python that it uses. */
  readonly needs: readonly string[];
  /** Each stands behind a `#` on the page, and somewhere in what the block prints. */
  readonly says: readonly string[];
}

export async function readPage(): Promise<Page> {
  const text = await readFile(join(repository, 'docs', 'verify-without-signet.md'), 'utf8');
  const programs = new Map<string, string>();
  const steps: Step[] = [];
  const pins: string[] = [];
  for (const [, name, language, needs, block = ''] of text.matchAll(fence)) {
    if (name !== undefined) programs.set(name, block);
    else if (language === 'console') pins.push(...block.matchAll(pin).map(([found]) => found));
    else if (language === 'sh') steps.push({ script: block, needs: words(needs), says: says(block) });
  }
  return { programs, steps, pins };
}

const fence = /^(?:Save as `([^`]+)`:\n\n)?```(\w+)((?: \w+)*)\n([\s\S]*?)^```$/gm;
const pin = /[\w./-]+(?:==|@)v?[\d.]+/g;

function says(block: string): readonly string[] {
  return [...block.matchAll(/ # (.+)$/gm)].map(([, text = '']) => text);
}

function words(text = ''): readonly string[] {
  return text.split(' ').filter((word) => word !== '');
}
