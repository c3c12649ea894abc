import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openNativeCompute } from '../../functions/adapters/native/native-compute.ts';
import { openWasmCompute } from '../../functions/adapters/wasm/wasm-compute.ts';
import type { SignCompute, VerifyCompute } from '../../functions/domain/ports/compute.ts';
import { benchLedger } from './bench-ledger.ts';
import { benchPayoff } from './bench-payoff.ts';
import { perSecond } from './processor-rate.ts';
import { goReceipts, measurePeers } from './proof-peers.ts';
import { repository, type Figure } from './record.ts';

/**
 * Signatures, ids, envelopes, receipts and log entries a second on one core: the crates alone, then through the compute
 * port of both builds, and what others do in the same run. The notes give the ratios.
 */
export async function benchProof(): Promise<readonly Figure[]> {
  const crates = rustRates();
  const manifest = JSON.parse(readFileSync(join(repository, '.signet-build', 'native', 'manifest.json'), 'utf8')) as {
    folder: string;
  };
  const addon_path = join(repository, '.signet-build', 'native', manifest.folder, 'signet.node');
  const builds = { native: openNativeCompute({ addon_path }), wasm: await openWasmCompute() };
  const native = await portRates(builds.native);
  const wasm = await portRates(builds.wasm);
  const go = goReceipts();
  const receipts: Rates = go === undefined ? {} : { 'receipt verify, Go note and tlog': go };
  const peers: Rates = { ...crates, ...(await measurePeers()), ...receipts };

  const figure = (name: string, rate: number | undefined, target: number | undefined, beside: readonly string[]) => ({
    name,
    value: found(name, rate),
    unit: '/s',
    ...(target === undefined ? {} : { target }),
    larger_is_better: true,
    note: beside.map((peer) => ratio(found(name, rate), peer, peers)).join('; '),
  });
  const signers = (length: number) => ['ed25519-dalek', 'OpenSSL', 'noble'].map((peer) => `sign ${length} B, ${peer}`);
  const verifiers = ['ed25519-dalek plain', 'ed25519-dalek strict', 'aws-lc', 'OpenSSL', 'noble'].map(
    (peer) => `verify, ${peer}`,
  );
  const hashes = ['blake3 64 B, hash-wasm', 'blake3 64 B, noble', 'sha256 64 B, node:crypto'];
  const threeNoble = 3 * found('noble', peers['sign 300 B, noble']);
  const fiveNoble = 5 * found('noble', peers['verify, noble']);
  return [
    figure('sign 64 B', crates['sign 64 B'], 100_000, signers(64)),
    figure('sign 300 B', crates['sign 300 B'], 100_000, signers(300)),
    figure('sign a 300 B note through the port, native', native.signed, undefined, signers(300)),
    figure('sign a 300 B note through the port, WebAssembly', wasm.signed, threeNoble, signers(300)),
    figure('verify strict, key cached', crates['verify'], 25_000, verifiers),
    figure('verify strict through the port, native', native.verified, 25_000, verifiers),
    figure('verify strict through the port, WebAssembly', wasm.verified, fiveNoble, verifiers),
    figure('BLAKE3 id of 64 B, context cached', crates['blake3 id 64 B'], 7_000_000, hashes),
    figure('envelope create, 300 B', crates['envelope create 300 B'], 60_000, []),
    figure('envelope create through the port, native', native.sealed, 60_000, []),
    figure('envelope create through the port, WebAssembly', wasm.sealed, undefined, []),
    figure('envelope verify, 300 B', crates['envelope verify 300 B'], 20_000, []),
    figure('envelope verify through the port, native', native.opened, 20_000, []),
    figure('envelope verify through the port, WebAssembly', wasm.opened, undefined, []),
    figure(receipt, crates[receipt], 5_000, Object.keys(receipts)),
    ...(await benchLedger({ addon_path })),
    ...(await benchPayoff(builds)),
  ];
}

const receipt = 'receipt verify, 20 hashes, 1 + 3 signatures';

type Rates = Readonly<Record<string, number>>;

function found(name: string, rate: number | undefined): number {
  if (rate === undefined) throw new Error(`\`${name}\` was not measured`);
  return rate;
}

function ratio(rate: number, peer: string, rates: Rates): string {
  const other = found(peer, rates[peer]);
  return `${(rate / other).toFixed(rate < 10 * other ? 2 : 0)} × ${peer.split(', ')[1]} (${other.toLocaleString('en')}/s)`;
}

function rustRates(): Rates {
  const json = execFileSync('cargo', ['run', '--release', '--locked', '--quiet', '-p', 'xtask', '--', 'rates'], {
    cwd: join(repository, 'rust-lambdas'),
    encoding: 'utf8',
  });
  return JSON.parse(json) as Rates;
}

const batch = 256;
const payload_type = 'application/vnd.in-toto+json';

/** Batches of 256 through the port; every item must succeed. */
async function portRates({ sign, verify }: { sign: SignCompute; verify: VerifyCompute }) {
  const seed = () => crypto.getRandomValues(new Uint8Array(32));
  const session = await sign.generateKey({ role: 'session', seed: seed(), exportable: false });
  const log = await sign.generateKey({ role: 'log', seed: seed(), exportable: false });
  const text = checkpointOf(300);
  const notes = Array.from({ length: batch }, () => ({
    handle: log.handle,
    name: text.slice(0, text.indexOf('\n')),
    text,
  }));
  const payloads = Array.from({ length: batch }, () => ({
    handle: session.handle,
    payload_type,
    payload_json: payloadOf(300),
  }));
  const sealed = (await sign.sealEnvelopes(payloads)).map((outcome) => {
    if (!outcome.ok) throw new Error(`sealing failed: ${outcome.code}`);
    return { envelope: outcome.entry, public_key: session.public_key };
  });
  const signatures = sealed.map(({ envelope }) => signedBytes(envelope, session.public_key));
  const rates = {
    signed: await itemsPerSecond(() => sign.signNotes(notes)),
    sealed: await itemsPerSecond(() => sign.sealEnvelopes(payloads)),
    opened: await itemsPerSecond(() => verify.openEnvelopes(sealed)),
    verified: await itemsPerSecond(() => verify.verifySignatures(signatures)),
  };
  await sign.closeKey(session.handle);
  await sign.closeKey(log.handle);
  return rates;
}

function itemsPerSecond(work: () => Promise<readonly { ok: boolean }[]>): Promise<number> {
  return perSecond(async () => {
    const outcomes = await work();
    if (!outcomes.every(({ ok }) => ok)) throw new Error('an item failed in the benchmark');
    return outcomes.length;
  });
}

/** An origin as long as it takes: a checkpoint has no other lines. */
function checkpointOf(bytes: number): string {
  const rest = `\n12345\n${Buffer.alloc(32, 7).toString('base64')}\n`;
  return `signet/bench${'x'.repeat(bytes - 'signet/bench'.length - rest.length)}${rest}`;
}

function payloadOf(bytes: number): Uint8Array {
  const head = '{"predicateType":"urn:signet:decision:v1","text":"';
  return Buffer.from(`${head}${'x'.repeat(bytes - head.length - 2)}"}`);
}

function signedBytes(envelope: Uint8Array, public_key: Uint8Array) {
  const { payload, signatures } = JSON.parse(Buffer.from(envelope).toString('utf8')) as {
    payload: string;
    signatures: { sig: string }[];
  };
  const bytes = Buffer.from(payload, 'base64');
  const head = Buffer.from(`DSSEv1 ${payload_type.length} ${payload_type} ${bytes.length} `);
  return {
    public_key,
    message: Buffer.concat([head, bytes]),
    signature: Buffer.from(signatures[0]?.sig ?? '', 'base64'),
  };
}
