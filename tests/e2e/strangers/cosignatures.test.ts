import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { serveProcess, type ServeProcess } from '../../../clients/cli/src/lifecycle/serve-process.ts';
import { waitFor } from '../running-node.ts';
import { flips } from './forgeries.ts';
import { readPage } from './page.ts';
import { givenTools, makeStranger, type Stranger } from './stranger.ts';

/** A node and its witness, and what the programs of the page say of the receipts between them. */
const tools = givenTools();
const page = await readPage();
const steps = page.steps.filter(
  ({ needs }) => needs.includes('cosigned') && needs.every((tool) => tool === 'cosigned' || tools.has.includes(tool)),
);
/** Each goes through all files and prints what it takes. */
const python = `import cosignature, receipt, sys
for file in sys.argv[3:]:
    try:
        cosignature.cosigned_at(receipt.read(open(file).read())["checkpoint"], sys.argv[2])
        print("cosigned:", file)
    except Exception: pass`;
const judges: readonly { readonly judge: string; readonly command: readonly [string, ...string[]] }[] = [
  { judge: 'cosignature.py', command: ['tools/bin/python', '-c', python] },
  ...(tools.has.includes('go') ? [{ judge: 'cosignature.go', command: ['go', 'run', 'cosignature.go'] as const }] : []),
];

let folder: string;
let node: ServeProcess;
let witness: ServeProcess;
let stranger: Stranger;
let about: { readonly WITNESS_VKEY: string; readonly RECEIPT: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-cosigned-'));
  const home = (name: string): string => join(folder, name);
  [node, witness] = await Promise.all([
    serveProcess({ home: home('node'), port: 0 }),
    serveProcess({ home: home('witness'), port: 0 }),
  ]);
  const keyOf = async (name: string): Promise<string> => (await readFile(join(home(name), 'owner.key'), 'utf8')).trim();
  const ask = async (of: ServeProcess, name: string, path: string, body?: object): Promise<Response> =>
    fetch(`${of.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${await keyOf(name)}`,
        accept: 'text/plain',
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  const { documents } = (await (await ask(node, 'node', '/log/bundle')).json()) as {
    documents: { log: { vkeys: string[] } }[];
  };
  const logs = documents.at(-1)?.log.vkeys ?? [];
  await writeFile(
    join(home('witness'), 'signet.json'),
    JSON.stringify({ witness: { name: 'witness.example/w1', logs } }),
  );
  const WITNESS_VKEY = await waitFor('the key of the witness', async () => {
    const report = (await (await ask(witness, 'witness', '/api/v1/witness')).json()) as {
      vkey?: string;
      logs: unknown[];
    };
    return report.logs.length === 1 ? report.vkey : undefined;
  });
  const witnesses = [{ url: `${witness.url}/witness`, vkey: WITNESS_VKEY }];
  await writeFile(join(home('node'), 'signet.json'), JSON.stringify({ witnesses }));

  const chat = { model: 'signet-edge-1', messages: [{ role: 'user', content: 'hello' }] };
  const answer = await ask(node, 'node', '/v1/chat/completions', chat);
  await answer.body?.cancel();
  const RECEIPT = answer.headers.get('signet-receipt') ?? '';
  about = { WITNESS_VKEY, RECEIPT };
  const receipt = await waitFor('a cosigned receipt', async () => {
    const text = await (await ask(node, 'node', `/api/v1/receipts/${RECEIPT}`)).text();
    return text.includes('— witness.example/w1 ') ? text : undefined;
  });
  stranger = await makeStranger({ folder: join(folder, 'stranger'), page, tools, about: { SIGNET_URL: node.url } });
  await writeFile(join(stranger.folder, 'receipt.txt'), receipt);
  await writeFile(join(stranger.folder, 'log.vkey'), logs[0] ?? '');
}, 300_000);

afterAll(async () => {
  await Promise.all([node?.stop(), witness?.stop()]);
  await rm(folder, { recursive: true, force: true });
}, 60_000);

test.each(steps)('a receipt is cosigned by `$script`', async (step) => {
  const printed = await stranger.follow(step, about);
  for (const text of step.says) expect(printed).toContain(text);
});

test.each(judges)('a changed byte of the cosignature is refused by $judge', async ({ command }) => {
  const receipt = await readFile(join(stranger.folder, 'receipt.txt'), 'utf8');
  const vkey = await readFile(join(stranger.folder, 'log.vkey'), 'utf8');
  const from = receipt.indexOf('— witness.example/w1 ');
  const changed = flips(receipt.slice(from)).map((part) => Buffer.concat([Buffer.from(receipt.slice(0, from)), part]));
  const files = await Promise.all(
    changed.map(async (bytes, index) => {
      await writeFile(join(stranger.folder, `changed-${index}`), bytes);
      return `changed-${index}`;
    }),
  );
  const [program, ...rest] = command;
  const { text } = await stranger.ask([program, ...rest, vkey, about.WITNESS_VKEY, 'receipt.txt', ...files]);
  const [genuine, ...accepted] = [...text.matchAll(/^cosigned: (\S+)$/gm)].map(([, file = '']) => file);
  expect(genuine).toBe('receipt.txt');
  // Only the spare bits of the last base64 letter may differ: the same bytes.
  for (const file of accepted) {
    expect(signatureIn(changed[files.indexOf(file)]?.toString() ?? '')).toBe(signatureIn(receipt));
  }
  expect(accepted.length).toBeLessThanOrEqual(1);
});

function signatureIn(receipt: string): string {
  const [, encoded = ''] = /^— witness\.example\/w1 (\S+)$/m.exec(receipt) ?? [];
  return Buffer.from(encoded, 'base64').toString('hex');
}
