import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Settings } from './read-settings.ts';
import { watchSettings } from './watch-settings.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-watch-'));
});
afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

test('a changed signet.json is taken up, a wrong one changes nothing and is named', async () => {
  const seen: Settings[] = [];
  const lines: string[] = [];
  const stop = watchSettings({
    settings: { home, host: '127.0.0.1', port: 0 },
    environment: {},
    onChange: (settings) => seen.push(settings),
    tell: (line) => lines.push(line),
    every_ms: 20,
  });
  try {
    await new Promise((resolve) => setTimeout(resolve, 60));
    const provider = { name: 'vllm', base_url: 'http://127.0.0.1:8000/v1', tier: 'local' };
    await writeFile(join(home, 'signet.json'), JSON.stringify({ providers: [provider] }));
    await until(() => seen.some(({ providers }) => providers[0]?.name === 'vllm'));
    await writeFile(join(home, 'signet.json'), '{"provider": []}');
    await until(() => lines.some((line) => line.includes('not taken up') && line.includes('signet.json')));
    expect(seen.at(-1)?.providers).toHaveLength(1);
    await rm(join(home, 'signet.json'));
    await until(() => seen.at(-1)?.providers.length === 0);
    // The watch calls once for a file that is not there; nothing was read then.
    expect(seen[0]?.providers).toHaveLength(1);
  } finally {
    stop();
  }
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}
