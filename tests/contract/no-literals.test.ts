import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';

// What the routes of the node tell is measured or read, so no value stands in a handler's text.

const routeFiles = ['node', 'metrics', 'identity', 'envelopes', 'gates', 'inference', 'federation', 'socket'];

test.each([...routeFiles, 'events'])('no handler of `%s` answers a literal', async (name) => {
  const text = await readFile(new URL(`../../functions/edge/routes/${name}.ts`, import.meta.url), 'utf8');
  // `/` and `/healthz` say that the process answers, and nothing of the node.
  const blocks = text.split(/\bendpoint\(\{/).filter((block) => !/path: '\/(?:healthz)?'/.test(block));
  const answers = blocks.flatMap((block) => /\bhandle: [\s\S]*?\n {2,6}\}\),?\n/.exec(block)?.[0] ?? []);
  expect(answers.length).toBeGreaterThan(0);
  const told = answers
    .join('')
    // What a refusal says of itself, and how an answer is written, is no data.
    .replaceAll(/new SignetError\(\{[\s\S]*?\}\)/g, '')
    .replaceAll(/\bkind: '(?:text|stream)'|\bstatus: 200|\bheaders: \{[^}]*\}/g, '');
  expect(told.match(/\w+: (?:true|false|-?\d[\d_.]*|'[^']*')/g) ?? []).toEqual([]);
});

test('these files hold the eighteen routes, but for one that is not built', async () => {
  const texts = await Promise.all(
    [...routeFiles, 'not-built'].map((name) =>
      readFile(new URL(`../../functions/edge/routes/${name}.ts`, import.meta.url), 'utf8'),
    ),
  );
  const paths = new Set(texts.join('').match(/'(?:POST )?\/api\/v1\/[a-z/]+'/g));
  for (const path of nodeRoutes) expect(paths).toContain(path);
});

const nodeRoutes = [
  'health',
  'status',
  'metrics',
  'identity/generate',
  'identity/sign',
  'identity/verify',
  'pci/envelope/create',
  'pci/envelope/verify',
  'pci/gates/check',
  'inference/generate',
  'inference/models',
  'inference/tier',
  'federation/status',
  'federation/peers',
  'constitution',
  'constitution/check',
  'ws',
]
  .map((path) => `'/api/v1/${path}'`)
  .concat("'POST /api/v1/federation/propose'");
