import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startNode, type RunningNode } from '../running-node.ts';
import {
  flips,
  forgedFiles,
  forgedPlaces,
  forgedSigners,
  resigned,
  roleKey,
  type ForgedFile,
  type ReceiptFacts,
  type RoleKey,
} from './forgeries.ts';
import { readPage } from './page.ts';
import { makeRealOutput, type RealOutput } from './real-output.ts';
import { givenTools, installedPins, makeStranger, type Stranger } from './stranger.ts';

const tools = givenTools();
const page = await readPage();

let home: string;
let node: RunningNode;
let output: RealOutput;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-strangers-'));
  node = await startNode({ home: join(home, 'node') });
  output = await makeRealOutput(node);
}, 300_000);

afterAll(async () => {
  await node?.stop();
  await rm(home, { recursive: true, force: true });
});

for (const reason of tools.missing) test.skip(reason, () => undefined);

test('the page installs the versions that judge here', async () => {
  const installed = await installedPins(tools);
  expect(page.pins.length).toBeGreaterThan(8);
  for (const pin of page.pins) {
    const [name = '', version = ''] = pin.split(/==|@/);
    const isInstalled = installed.some((found) => {
      const [module = '', its = ''] = found.split(/==|@/);
      return its === version && (name === module || name.startsWith(`${module}/`));
    });
    expect({ pin, isInstalled }).toEqual({ pin, isInstalled: true });
  }
});

describe.each(['chat', 'refusal', 'run', 'envelope', 'identity'] as const)('a receipt of: %s', (kind) => {
  let stranger: Stranger;
  beforeAll(async () => {
    stranger = await strangerIn(`page-${kind}`);
  });

  // Block by block, in the order of the page: each goes on from the files of those before.
  test.each(page.steps.filter(({ needs }) => needs.every((tool) => tools.has.includes(tool))))(
    'holds by `$script`',
    async (step) => {
      const printed = await stranger.follow(step, { RECEIPT: output.receipts[kind], NODE_ID: output.node_id });
      for (const text of step.says) expect(printed).toContain(text);
    },
  );
});

describe.each(['message', 'text'] as const)('an envelope that an answer carried: %s', (kind) => {
  let stranger: Stranger;
  let key: string;
  beforeAll(async () => {
    stranger = await strangerIn(`envelope-${kind}`);
    const text = output.envelopes[kind];
    await writeFile(join(stranger.folder, 'envelope.json'), text);
    key = (JSON.parse(text) as { signatures: { keyid: string }[] }).signatures[0]?.keyid ?? '';
  });

  test('verifies by securesystemslib', async () => {
    const program = 'import envelope, sys; envelope.verified(open("envelope.json").read(), sys.argv[1])';
    expect(await stranger.ask(['tools/bin/python', '-c', program, key])).toEqual({ code: 0, text: '' });
  });

  (tools.has.includes('go') ? test : test.skip)('verifies by go-securesystemslib', async () => {
    const answer = await stranger.ask(['go', 'run', 'envelope.go', key, 'envelope.json']);
    expect(answer).toMatchObject({ code: 0, text: expect.stringContaining('signed: envelope.json') });
  });
});

describe('what was changed', () => {
  const go = tools.has.includes('go') ? test : test.skip;
  let stranger: Stranger;
  let facts: ReceiptFacts;
  let vkey: string;
  const chain = (files: readonly string[]) =>
    stranger.ask(['tools/bin/python', 'chain.py', output.node_id, 'document.json', ...files]);

  beforeAll(async () => {
    stranger = await strangerIn('forger');
    for (const step of page.steps.filter(({ needs }) => needs.length === 0)) {
      await stranger.follow(step, { RECEIPT: output.receipts.chat, NODE_ID: output.node_id });
    }
    vkey = await readFile(join(stranger.folder, 'log.vkey'), 'utf8');
    facts = {
      receipt: await readFile(join(stranger.folder, 'receipt.txt'), 'utf8'),
      other: await receiptText(output.receipts.run),
      ...(await roleKeys(node.home)),
    };
  });

  test('is refused by the whole chain at each byte of a receipt', async () => {
    const files = await lay(stranger, 'flipped', flips(facts.receipt));
    const answer = await chain(files);
    expect(files.length).toBe(Buffer.byteLength(facts.receipt));
    expect(answer.text.split('\n').filter((line) => line.startsWith('valid'))).toEqual([]);
    expect(answer.text.match(/^refused/gm)).toHaveLength(files.length);
  });

  test('is refused by both libraries at each byte of a node document', async () => {
    const document = JSON.stringify(JSON.parse(await readFile(join(stranger.folder, 'document.json'), 'utf8')));
    const files = await lay(stranger, 'documents', flips(document));
    const program = `import document, json, sys
for file in sys.argv[2:]:
    try:
        document.check(json.load(open(file)), sys.argv[1])
        print("accepted", file)
    except Exception: pass`;
    expect(await stranger.ask(['tools/bin/python', '-c', program, output.node_id, ...files])).toEqual({
      code: 0,
      text: '',
    });
  });

  test('is refused by the whole chain: places, proofs, checkpoints and other keys', async () => {
    const forgeries = [...forgedPlaces(facts), ...forgedSigners(facts)];
    const files = await lay(
      stranger,
      'forged',
      forgeries.map(({ text }) => text),
    );
    const { text } = await chain(files);
    const accepted = text.split('\n').flatMap((line, at) => (line.startsWith('valid') ? [forgeries[at]?.name] : []));
    expect(accepted).toEqual([]);
    expect(text.match(/^refused/gm)).toHaveLength(forgeries.length);
  });

  go('is refused by sumdb: places, proofs, checkpoints', async () => {
    const forgeries = forgedPlaces(facts);
    const files = await lay(
      stranger,
      'places',
      forgeries.map(({ text }) => text),
    );
    const { text } = await stranger.ask(['go', 'run', 'ledger.go', vkey, ...files]);
    expect(text.match(/^in the log.*/gm) ?? []).toEqual([]);
    expect(text.match(/^refused/gm)).toHaveLength(forgeries.length);
  });

  go('is refused by sumdb at each byte of place, proof and checkpoint, or reads the same', async () => {
    const from = facts.receipt.indexOf('\nindex ') + 1;
    const changed = flips(facts.receipt.slice(from)).map((part) =>
      Buffer.concat([Buffer.from(facts.receipt.slice(0, from)), part].map((bytes) => new Uint8Array(bytes))),
    );
    const files = await lay(stranger, 'places-flipped', changed);
    const { text } = await stranger.ask(['go', 'run', 'ledger.go', vkey, ...files]);
    const accepted = [...text.matchAll(/^in the log.*: (\S+)$/gm)].map(([, file = '']) => files.indexOf(file));
    // `note.Open` reads over the spare bits of a signature's last base64 letter; nothing else may pass.
    for (const at of accepted) expect(decoded(changed[at]?.toString() ?? '')).toBe(decoded(facts.receipt));
    expect(accepted.length).toBeLessThanOrEqual(1);
    expect(text.match(/^refused/gm)).toHaveLength(files.length - accepted.length);
  });

  go('is refused by go-securesystemslib at each byte of an envelope, or reads the same', async () => {
    const envelope = await readFile(join(stranger.folder, 'entry/envelope.json'), 'utf8');
    const key = (JSON.parse(envelope) as { signatures: { keyid: string }[] }).signatures[0]?.keyid ?? '';
    const program = ['go', 'run', 'envelope.go', key] as const;
    const genuine = await stranger.ask([...program, 'entry/envelope.json']);
    const payload = genuine.text.trim().split(' ').at(-1) ?? 'none';
    const forged = [facts.issuer, facts.log, facts.root].map((signer) => resigned(envelope, signer));
    const files = await lay(stranger, 'envelopes', [...forged, ...flips(envelope)]);
    const { text } = await stranger.ask([...program, ...files]);
    const accepted = text.match(/^signed: .*/gm) ?? [];
    // Go's JSON takes member names in either case, its base64 any spare bits: the signed bytes are the same ones.
    for (const line of accepted) expect(line.endsWith(payload)).toBe(true);
    expect(accepted.length).toBeLessThan(64);
    expect(text.match(/^refused/gm)).toHaveLength(files.length - accepted.length);
  });
});

describe('a copy of the log that was changed', () => {
  let stranger: Stranger;
  let vkey: string;
  const ask = {
    'audit.py': () => stranger.ask(['tools/bin/python', 'audit.py', vkey]),
    fsck: () =>
      stranger.ask([
        'fsck',
        '--storage_url',
        `file://${stranger.folder}/log/`,
        '--public_key',
        'log.vkey',
        '--ui=false',
        '--N',
        '16',
      ]),
  };
  const judges = [
    { judge: 'audit.py', holds: 'whole:' },
    ...(tools.has.includes('fsck') ? [{ judge: 'fsck', holds: 'Successfully' }] : []),
  ] as const;

  beforeAll(async () => {
    stranger = await strangerIn('auditor');
    for (const step of page.steps.filter(({ needs }) => needs.length === 0)) {
      await stranger.follow(step, { RECEIPT: output.receipts.chat, NODE_ID: output.node_id });
    }
    vkey = await readFile(join(stranger.folder, 'log.vkey'), 'utf8');
  });

  test.each(judges)('is whole before that by $judge', async ({ judge, holds }) => {
    expect((await ask[judge as keyof typeof ask]()).text).toContain(holds);
  });

  test.each(
    judges.flatMap(({ judge, holds }) => Object.keys(forgedFiles).map((forgery) => ({ judge, holds, forgery }))),
  )('is refused by $judge: $forgery', async ({ judge, holds, forgery }) => {
    const forged = forgedFiles[forgery] as ForgedFile;
    const file = join(stranger.folder, 'log', forged.path);
    const genuine = await readFile(file);
    await writeFile(file, forged.change(genuine));
    try {
      expect((await ask[judge as keyof typeof ask]()).text).not.toContain(holds);
    } finally {
      await writeFile(file, genuine);
    }
  });
});

/** Writes one file each and gives their names. */
async function lay(
  stranger: Stranger,
  folder: string,
  texts: readonly (string | Buffer)[],
): Promise<readonly string[]> {
  await mkdir(join(stranger.folder, folder), { recursive: true });
  return await Promise.all(
    texts.map(async (text, index) => {
      await writeFile(join(stranger.folder, folder, String(index)), text);
      return `${folder}/${index}`;
    }),
  );
}

async function receiptText(id: string): Promise<string> {
  const headers = { authorization: `Bearer ${node.owner_key}`, accept: 'text/plain' };
  return await (await fetch(`${node.url}/api/v1/receipts/${id}`, { headers })).text();
}

/** The node's own keys, as a thief of one of them would have it. */
async function roleKeys(home: string): Promise<Record<'issuer' | 'log' | 'root', RoleKey>> {
  const folder = join(home, 'identities');
  const names = await readdir(folder);
  const of = async (role: string): Promise<RoleKey> => {
    const name = names.find((found) => found.startsWith(`${role}-`)) ?? '';
    return roleKey(await readFile(join(folder, name), 'utf8'), name.slice(role.length + 1, -'.pem'.length));
  };
  return { issuer: await of('issuer'), log: await of('log'), root: await of('root') };
}

/** A text with its base64 read, whatever the spare bits of it are. */
function decoded(text: string): string {
  return text.replaceAll(/[A-Za-z0-9+/]{40,}=*/g, (word) => Buffer.from(word, 'base64').toString('hex'));
}

function strangerIn(name: string): Promise<Stranger> {
  const about = { SIGNET_URL: node.url, SIGNET_KEY: node.owner_key };
  return makeStranger({ folder: join(home, name), page, tools, about });
}
