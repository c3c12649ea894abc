import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openNativeCompute } from '../../functions/adapters/native/native-compute.ts';
import { openWasmCompute } from '../../functions/adapters/wasm/wasm-compute.ts';
import type { SignCompute, VerifyCompute } from '../../functions/domain/ports/compute.ts';
import { repository, type Figure } from './record.ts';

const statement = Buffer.from(
  JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    predicate: { action: 'chat', effect: 'allow', filler: 'x'.repeat(120), n: 1 },
    predicateType: 'urn:signet:decision:v1',
    subject: [],
  }),
);
const batch = 256;

/** Envelopes sealed (canonical form, PAE, Ed25519, id) and opened again a second, one core, both builds in turn. */
export async function benchProof(): Promise<readonly Figure[]> {
  const manifest = JSON.parse(readFileSync(join(repository, '.signet-build', 'native', 'manifest.json'), 'utf8')) as {
    folder: string;
  };
  const addon_path = join(repository, '.signet-build', 'native', manifest.folder, 'signet.node');
  const native = await rates(openNativeCompute({ addon_path }));
  const wasm = await rates(await openWasmCompute());
  return [
    { name: 'sealed envelopes, native', value: native.sealed, unit: '/s', target: 60_000, larger_is_better: true },
    { name: 'opened envelopes, native', value: native.opened, unit: '/s', target: 20_000, larger_is_better: true },
    { name: 'verified signatures, native', value: native.verified, unit: '/s', target: 25_000, larger_is_better: true },
    { name: 'sealed envelopes, WebAssembly', value: wasm.sealed, unit: '/s', larger_is_better: true },
    { name: 'opened envelopes, WebAssembly', value: wasm.opened, unit: '/s', larger_is_better: true },
    { name: 'verified signatures, WebAssembly', value: wasm.verified, unit: '/s', larger_is_better: true },
  ];
}

async function rates({ sign, verify }: { sign: SignCompute; verify: VerifyCompute }) {
  const seed = crypto.getRandomValues(new Uint8Array(32));
  const { handle, public_key } = await sign.generateKey({ role: 'session', seed, exportable: false });
  const payload_type = 'application/vnd.in-toto+json';
  const requests = Array.from({ length: batch }, () => ({ handle, payload_type, payload_json: statement }));
  const sealed = (await sign.sealEnvelopes(requests)).map((outcome) => {
    if (!outcome.ok) throw new Error(`sealing failed: ${outcome.code}`);
    return { envelope: outcome.entry, public_key };
  });
  const signatures = sealed.map(({ envelope }) => signatureOf(envelope, public_key, payload_type));
  const rate = {
    sealed: await perSecond(() => sign.sealEnvelopes(requests)),
    opened: await perSecond(() => verify.openEnvelopes(sealed)),
    verified: await perSecond(() => verify.verifySignatures(signatures)),
  };
  await sign.closeKey(handle);
  return rate;
}

/** Median over five rounds of at least 200 ms, after a warm-up; every item must succeed. */
async function perSecond(work: () => Promise<readonly { ok: boolean }[]>): Promise<number> {
  await work();
  const rounds: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const started = performance.now();
    let done = 0;
    while (performance.now() - started < 200) {
      const outcomes = await work();
      if (!outcomes.every(({ ok }) => ok)) throw new Error('an item failed in the benchmark');
      done += outcomes.length;
    }
    rounds.push((done * 1000) / (performance.now() - started));
  }
  return Math.round(rounds.sort((a, b) => a - b)[2] ?? 0);
}

function signatureOf(envelope: Uint8Array, public_key: Uint8Array, payload_type: string) {
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
