import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openTestNode, testCall, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { readContent } from '../content/read-content.ts';
import type { JsonObject } from '../json.ts';
import type { PublicKey } from '../ports/keys.ts';
import type { Receipt } from '../receipts/receipts.ts';
import { delegationType, statementPayloadType, statementType } from '../receipts/statement-types.ts';
import { verifyReceipt, type Verdict } from './verify-receipt.ts';

let node: TestNode;
let other: TestNode;
let receipt: Receipt;
let issuer: PublicKey;
beforeAll(async () => {
  [node, other] = await Promise.all([openTestNode(), openTestNode()]);
  receipt = await receiptOf(node);
  const found = (await node.keys.list()).find((key) => key.role === 'issuer');
  if (found === undefined) throw new Error('the node has no issuer key');
  issuer = found;
});
afterAll(() => Promise.all([node.close(), other.close()]));

test('a receipt of a pinned node is valid, and each check is named', async () => {
  const verdict = await verdictOf(receipt);
  expect(verdict).toMatchObject({ valid: true, exit: 0, code: 'ok', node_id: node.identity.node_id });
  expect(verdict.checks.map((check) => check.name)).toEqual([
    'form',
    'document',
    'issuer',
    'delegation',
    'entry',
    'statement',
    'window',
    'trust',
  ]);
  expect(verdict.statement).toMatchObject({ predicate: { action: 'chat', code: 'ok' } });
});

test('spaces and line breaks between tokens change nothing', async () => {
  const pretty = new TextEncoder().encode(`${JSON.stringify(receipt, null, 2)}\r\n`);
  expect(await verify(pretty)).toMatchObject({ valid: true });
});

test('a node that is not pinned is exit 3, after everything else held', async () => {
  const verdict = await verifyReceipt({ bytes: bytesOf(receipt), ...node.compute, trust: [other.identity.node_id] });
  expect(verdict).toMatchObject({ valid: false, exit: 3, code: 'trust.unpinned' });
});

test.each<[string, (text: string) => string | Uint8Array, string]>([
  ['no JSON', () => 'receipt', 'json.syntax'],
  ['nothing', () => '', 'json.syntax'],
  ['a byte order mark', (text) => `\uFEFF${text}`, 'json.syntax'],
  ['bytes that are no UTF-8', () => Uint8Array.of(0x7b, 0xff), 'json.utf8'],
  ['a list', (text) => `[${text}]`, 'schema.mismatch'],
  ['null', () => 'null', 'schema.mismatch'],
  ['an unknown member', (text) => text.replace('{', '{"note":1,'), 'schema.mismatch'],
  ['a name twice', (text) => text.replace('{', '{"entry":"",'), 'json.not_canonical'],
  ['another spelling of a character', (text) => text.replace('"seq"', '"\\u0073eq"'), 'json.not_canonical'],
  ['another spelling of a number', (text) => text.replace('"seq":0', '"seq":0.0'), 'json.not_canonical'],
  ['a tab', (text) => text.replace('{', '{\t'), 'json.not_canonical'],
  ['more after the value', (text) => `${text}{}`, 'json.syntax'],
  ['more bytes than a receipt has', (text) => text + ' '.repeat(70_000), 'json.size'],
  ['thousands of levels', () => '['.repeat(30_000) + ']'.repeat(30_000), 'schema.mismatch'],
  ['base64 without padding', (text) => text.replace(/=+"/, '"'), 'schema.mismatch'],
])('%s is malformed: exit 10', async (_what, change, code) => {
  const changed = change(JSON.stringify(receipt));
  const bytes = typeof changed === 'string' ? new TextEncoder().encode(changed) : changed;
  const verdict = await verify(bytes);
  expect(verdict.exit).toBe(10);
  // How deep a text may be before the runtime gives up is its own affair; that it is malformed is ours.
  if (_what !== 'thousands of levels') expect(verdict.code).toBe(code);
});

test.each(['entry', 'delegation', 'document'] as const)(
  'the %s of another node makes a receipt that holds for nobody',
  async (part) => {
    const swapped = { ...receipt, [part]: (await receiptOf(other))[part] };
    const verdict = await verifyReceipt({
      bytes: bytesOf(swapped),
      ...node.compute,
      trust: [node.identity.node_id, other.identity.node_id],
    });
    expect(verdict.valid).toBe(false);
    expect([11, 14]).toContain(verdict.exit);
  },
);

test('the delegation of another session of the same node does not vouch for this entry', async () => {
  await node.identity.renewSession();
  const later = await receiptOf(node);
  expect(await verdictOf({ ...receipt, delegation: later.delegation })).toMatchObject({
    exit: 14,
    code: 'key.delegation',
  });
  expect(await verdictOf({ ...receipt, entry: later.entry })).toMatchObject({ exit: 14, code: 'key.delegation' });
});

test('an entry that names another delegation than the one beside it is refused', async () => {
  const forged = await forge({ head: { del: 'd'.repeat(64) } });
  expect(await verdictOf(forged)).toMatchObject({ exit: 14, code: 'key.delegation' });
});

test.each<[string, Parameters<typeof forge>[0], number, string]>([
  ['stated after the end of the window', { head: { iat: 5000 } }, 14, 'key.delegation'],
  ['stated before its start', { head: { iat: 999 } }, 14, 'key.delegation'],
  ['vouched for longer than an hour', { delegation: { naf: 1000 + 3601 } }, 14, 'key.delegation'],
  ['vouched for before the issuer key was valid', { delegation: { iat: 1 }, before: true }, 14, 'key.delegation'],
  ['vouched for in another role', { delegation: { role: 'agent' } }, 14, 'key.role'],
  ['of a kind that was not delegated', { delegation: { kinds: [] } }, 14, 'key.role'],
  ['that speaks for another node', { head: { iss: 'did:key:z6MkOther' } }, 14, 'key.issuer'],
  ['whose delegation speaks for another node', { delegation: { iss: 'did:key:z6MkOther' } }, 14, 'key.issuer'],
  ['without a request id', { head: { req: null } }, 10, 'schema.mismatch'],
  ['with a counter that is none', { head: { n: -1 } }, 10, 'schema.mismatch'],
  ['with a delegation that misses a field', { delegation: { key: null } }, 10, 'schema.mismatch'],
  ['vouched for by a revocation', { grant: 'urn:signet:revocation:v1' }, 10, 'schema.mismatch'],
  ['with an empty subject', { subject: [] }, 10, 'schema.mismatch'],
  ['of another payload type', { entryType: 'application/vnd.signet.message.v1+json' }, 10, 'schema.mismatch'],
])('an entry %s is refused', async (_what, change, exit, code) => {
  expect(await verdictOf(await forge(change))).toMatchObject({ valid: false, exit, code });
});

test('a revoked issuer key vouches for nothing', async () => {
  const methods = node.identity.document['verificationMethod'] as readonly JsonObject[];
  const document = await resigned({
    verificationMethod: methods.map((method) => (method['role'] === 'issuer' ? { ...method, revokedAt: 0 } : method)),
  });
  expect(await verdictOf({ ...receipt, document })).toMatchObject({ exit: 14, code: 'key.revoked' });
});

test('an issuer key vouches for nothing after its end', async () => {
  const methods = node.identity.document['verificationMethod'] as readonly JsonObject[];
  const endedAt = async (notAfter: string): Promise<Verdict> => {
    const verificationMethod = methods.map((method) =>
      method['role'] === 'issuer' ? { ...method, notAfter } : method,
    );
    return verdictOf({ ...receipt, document: await resigned({ verificationMethod }) });
  };
  expect(await endedAt('2000-01-01T00:00:00Z')).toMatchObject({ exit: 14, code: 'key.delegation' });
  expect(await endedAt('2999-01-01T00:00:00Z')).toMatchObject({ valid: true });
});

test.each(['entry', 'delegation'] as const)('a second signature on the %s is malformed', async (part) => {
  const envelope = JSON.parse(Buffer.from(receipt[part], 'base64').toString()) as { signatures: JsonObject[] };
  const signatures = [...envelope.signatures, ...envelope.signatures];
  const twice = Buffer.from(JSON.stringify({ ...envelope, signatures })).toString('base64');
  expect(await verdictOf({ ...receipt, [part]: twice })).toMatchObject({ exit: 10, code: 'envelope.shape' });
});

test('an issuer key that the document does not list vouches for nothing', async () => {
  const document = await resigned({ verificationMethod: [] });
  expect(await verdictOf({ ...receipt, document })).toMatchObject({ exit: 14, code: 'key.unknown' });
});

test('a document that was changed after it was signed is exit 11', async () => {
  const document = { ...receipt.document, seq: 1 };
  expect(await verdictOf({ ...receipt, document })).toMatchObject({ exit: 11 });
});

test.each(['entry', 'delegation'] as const)('%s with the signature of another is exit 11', async (part) => {
  await node.identity.renewSession();
  const signatures = envelopeIn(await receiptOf(node), part)['signatures'] as readonly JsonObject[];
  const changed = envelopeIn(receipt, part);
  const [own] = changed['signatures'] as readonly JsonObject[];
  const forged = { ...changed, signatures: [{ ...own, sig: signatures[0]?.['sig'] ?? '' }] };
  expect(await verdictOf(withEnvelope(part, JSON.stringify(forged)))).toMatchObject({ exit: 11, code: 'sig.invalid' });
});

test.each(['entry', 'delegation'] as const)('%s in another spelling is not what the ledger holds', async (part) => {
  const text = JSON.stringify(envelopeIn(receipt, part), null, 1);
  expect(await verdictOf(withEnvelope(part, text))).toMatchObject({ exit: 10, code: 'json.not_canonical' });
});

test('content records are compared with the digests that were signed', async () => {
  const { statement } = await verdictOf(receipt);
  const subjects = statement?.['subject'] as readonly { digest: { sha256: string } }[] | undefined;
  const subject = subjects?.[0];
  const record = await readContent(node, { tenant: 'default', sha256: subject?.digest.sha256 ?? '' });
  const known = record ?? new Uint8Array();
  expect(await verdictOf(receipt, [known])).toMatchObject({ valid: true });
  expect(await verdictOf(receipt, [known, Uint8Array.of(1)])).toMatchObject({ exit: 15, code: 'digest.mismatch' });
});

const openssl = spawnSync('openssl', ['version']).status === 0 && spawnSync('python3', ['-V']).status === 0;
(openssl ? test : test.skip)('a stranger checks an entry with openssl and ten lines of Python', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signet-openssl-'));
  await writeFile(join(folder, 'receipt.json'), bytesOf(receipt));
  await writeFile(join(folder, 'pae.py'), await scriptOfDocument());
  const run = (command: string, args: readonly string[]): string =>
    execFileSync(command, args, { cwd: folder, encoding: 'utf8' });
  for (const part of ['entry', 'delegation']) {
    run('python3', ['pae.py', 'receipt.json', part]);
    run('openssl', ['pkey', '-pubin', '-inform', 'DER', '-in', 'key.der', '-out', 'key.pem']);
    const verified = [
      'pkeyutl',
      '-verify',
      '-rawin',
      '-pubin',
      '-inkey',
      'key.pem',
      '-in',
      'pae.bin',
      '-sigfile',
      'sig.bin',
    ];
    expect(run('openssl', verified)).toContain('Verified Successfully');
    await writeFile(join(folder, 'pae.bin'), 'another text');
    expect(() => run('openssl', verified)).toThrow();
  }
  await rm(folder, { recursive: true });
});

/** The very script that `docs/formats/receipt.md` shows. */
async function scriptOfDocument(): Promise<string> {
  const page = await readFile(join(process.cwd(), 'docs/formats/receipt.md'), 'utf8');
  const script = /```python\n([\s\S]*?)```/.exec(page)?.[1];
  if (script === undefined) throw new Error('docs/formats/receipt.md shows no script');
  return script;
}

function envelopeIn(of: Receipt, part: 'entry' | 'delegation'): JsonObject {
  return JSON.parse(Buffer.from(of[part], 'base64').toString()) as JsonObject;
}

function withEnvelope(part: 'entry' | 'delegation', text: string): Receipt {
  return { ...receipt, [part]: Buffer.from(text).toString('base64') };
}

async function receiptOf(from: TestNode): Promise<Receipt> {
  const { receipt: id } = await from.judge.decide(
    testCall(),
    { action: 'chat', resource: { type: 'Model', id: 'm' }, facts: {}, request: 'hello' },
    async () => ({ value: null, outcome: {} }),
  );
  const found = await from.receipts.get(id, 'default');
  if (found === undefined) throw new Error('the receipt is not there');
  return found;
}

/** A receipt by our own issuer and a session key, with this and that changed before signing. */
async function forge(change: {
  head?: JsonObject;
  delegation?: JsonObject;
  subject?: readonly JsonObject[];
  before?: boolean;
  entryType?: string;
  /** Another statement that issuers sign. */
  grant?: string;
}): Promise<Receipt> {
  const { keys, identity } = node;
  const key = await keys.create('session');
  const subject = [{ name: 'x', digest: { sha256: 'a'.repeat(64) } }];
  const now = Math.floor(Date.now() / 1000) - 1000;
  // Times of the table above count from a second before which nothing of this node was valid, unless that is the case.
  const at = (seconds: number): number => (change.before === true ? seconds : now + seconds);
  const times = (fields: JsonObject): JsonObject =>
    Object.fromEntries(
      Object.entries(fields).map(([name, value]) =>
        ['iat', 'nbf', 'naf'].includes(name) && typeof value === 'number' ? [name, at(value)] : [name, value],
      ),
    );
  const head = { v: 1, iss: identity.node_id, con: identity.con, req: 'r', n: 0 };
  const delegation = await keys.sealEnvelope({
    key_id: issuer.key_id,
    payload_type: statementPayloadType,
    payload: {
      _type: statementType,
      subject,
      predicateType: change.grant ?? delegationType,
      predicate: {
        ...head,
        ...times({ iat: 1010, nbf: 1000, naf: 2000 }),
        key: key.key_id,
        role: 'session',
        kinds: ['urn:signet:decision:v1'],
        ...times(change.delegation ?? {}),
      },
    },
  });
  const entry = await keys.sealEnvelope({
    key_id: key.key_id,
    payload_type: change.entryType ?? statementPayloadType,
    payload: {
      _type: statementType,
      subject: change.subject ?? subject,
      predicateType: 'urn:signet:decision:v1',
      predicate: { ...head, del: delegation.id, ...times({ iat: 1500 }), ...times(change.head ?? {}) },
    },
  });
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  return { entry: base64(entry.entry), delegation: base64(delegation.entry), document: identity.document };
}

async function resigned(change: JsonObject): Promise<JsonObject> {
  const { proof: _proof, ...document } = node.identity.document;
  const root = (await node.keys.list()).find((key) => key.role === 'root');
  return node.keys.signDocument({
    key_id: root?.key_id ?? '',
    verification_method: `${node.identity.node_id}#${root?.key_id ?? ''}`,
    document: { ...document, ...change },
    created: '2026-01-01T00:00:00Z',
  });
}

function verify(bytes: Uint8Array, content: readonly Uint8Array[] = []): Promise<Verdict> {
  return verifyReceipt({ bytes, ...node.compute, trust: [node.identity.node_id], content });
}

function verdictOf(of: Receipt, content: readonly Uint8Array[] = []): Promise<Verdict> {
  return verify(bytesOf(of), content);
}

function bytesOf(of: Receipt): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(of));
}
