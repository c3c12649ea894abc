import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { signetJson, type SignetJson } from '@signet/functions/assembly/signet-json.ts';
import { CommandFailure, exits } from './failure.ts';

/**
 * Changes `signet.json` of a home in one step; a running node takes it up within a second. What would not be valid, before
 * or after, is refused and nothing is written. Fields that the change does not name stay as they are.
 */
export async function editSettings(home: string, change: (file: SignetJson) => SignetJson): Promise<string> {
  const path = join(home, 'signet.json');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  const before = valid(text, path);
  const changed = { ...before.written, ...change(before.read) };
  valid(JSON.stringify(changed), path);
  await writeFile(`${path}.partial`, `${JSON.stringify(changed, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.partial`, path).catch((cause: unknown) => {
    throw new CommandFailure({ exit: exits.failed, message: `expected to be able to write ${path}` }, { cause });
  });
  return path;
}

/** As it is written, and as it is read, with the defaults of the schema. */
function valid(text: string, path: string): { written: object; read: SignetJson } {
  let written: object;
  try {
    written = JSON.parse(text) as object;
  } catch {
    throw new CommandFailure({ exit: exits.usage, message: `expected JSON in ${path}` });
  }
  const parsed = signetJson.safeParse(written);
  if (parsed.success) return { written, read: parsed.data };
  const [issue] = parsed.error.issues;
  const message = `${path}: \`${issue?.path.join('.') ?? ''}\`: ${issue?.message.toLowerCase() ?? 'not valid'}`;
  throw new CommandFailure({ exit: exits.usage, message });
}
