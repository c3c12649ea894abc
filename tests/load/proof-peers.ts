import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { copyFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { perSecond } from './processor-rate.ts';
import { repository } from './record.ts';

/** Operations a second of libraries that a Node program would take otherwise, one call an item, on this machine now. */
export async function measurePeers(): Promise<Readonly<Record<string, number>>> {
  const { ed25519, blake3, hashWasmBlake3 } = await loadPeers();
  const [short, long] = [new Uint8Array(64).fill(0x78), new Uint8Array(300).fill(0x78)];

  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const signature = sign(null, long, privateKey);
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const nobleKey = ed25519.getPublicKey(secret);
  const nobleSignature = ed25519.sign(long, secret);

  const rate = (times: number, once: () => unknown) =>
    perSecond(() => {
      for (let index = 0; index < times; index += 1) once();
      return times;
    });
  return {
    'sign 64 B, OpenSSL': await rate(64, () => sign(null, short, privateKey)),
    'sign 300 B, OpenSSL': await rate(64, () => sign(null, long, privateKey)),
    'sign 64 B, noble': await rate(8, () => ed25519.sign(short, secret)),
    'sign 300 B, noble': await rate(8, () => ed25519.sign(long, secret)),
    'verify, OpenSSL': await rate(64, () => mustHold(verify(null, long, publicKey, signature))),
    'verify, noble': await rate(8, () => mustHold(ed25519.verify(nobleSignature, long, nobleKey, { zip215: false }))),
    'blake3 64 B, hash-wasm': await rate(4096, () => hashWasmBlake3.init().update(short).digest('binary')),
    'blake3 64 B, noble': await rate(4096, () => blake3(short)),
    'sha256 64 B, node:crypto': await rate(4096, () => createHash('sha256').update(short).digest()),
  };
}

/** Receipts a second by golang.org/x/mod; undefined without Go 1.26. */
export function goReceipts(): number | undefined {
  const cache = join(repository, '.signet-build', 'cache', 'bench-peers', 'go');
  const env = { ...process.env, GOPATH: cache, GOCACHE: join(cache, 'build'), GOFLAGS: '-mod=readonly' };
  try {
    const cwd = join(repository, 'tests', 'load', 'peers', 'receipt');
    return Number(
      execFileSync('go', ['run', '.'], { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
  } catch (error) {
    process.stderr.write(`receipts by Go are left out: ${(error as Error).message}\n`);
    return undefined;
  }
}

function mustHold(verdict: boolean): void {
  if (!verdict) throw new Error('a peer refused a good signature');
}

interface Noble {
  getPublicKey(secret: Uint8Array): Uint8Array;
  sign(message: Uint8Array, secret: Uint8Array): Uint8Array;
  verify(signature: Uint8Array, message: Uint8Array, key: Uint8Array, options: { zip215: boolean }): boolean;
}

interface HashWasm {
  init(): HashWasm;
  update(bytes: Uint8Array): HashWasm;
  digest(form: 'binary'): Uint8Array;
}

/** Installs them into the cache of builds once: nothing of the product may depend on them, so they are in no manifest. */
async function loadPeers() {
  const folder = join(repository, '.signet-build', 'cache', 'bench-peers');
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) {
    copyFileSync(join(repository, 'tests', 'load', 'peers', file), join(folder, file));
  }
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
  const require = createRequire(join(folder, 'package.json'));
  const load = (name: string) => import(pathToFileURL(require.resolve(name)).href);
  const { ed25519 } = (await load('@noble/curves/ed25519.js')) as { ed25519: Noble };
  const { blake3 } = (await load('@noble/hashes/blake3.js')) as { blake3: (bytes: Uint8Array) => Uint8Array };
  const { createBLAKE3 } = require('hash-wasm') as { createBLAKE3: () => Promise<HashWasm> };
  return { ed25519, blake3, hashWasmBlake3: await createBLAKE3() };
}
