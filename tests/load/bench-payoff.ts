import { createHash, createPublicKey, verify as verifyPlain } from 'node:crypto';
import { lambdaProof } from '../../functions/adapters/lambda/lambda-proof.ts';
import type { Compute } from '../../functions/domain/ports/compute.ts';
import { builtPath } from '../integration/lambda/built-path.ts';
import { startRustFunctions } from '../integration/lambda/rust-functions.ts';
import { percentile, type Figure } from './record.ts';

type Proof = Pick<Compute, 'verify' | 'digest'>;
type Signing = Proof & Pick<Compute, 'sign'>;

/** An operation at a size, on a build and in Node alone. `bytes` are those of one item. */
interface Operation {
  readonly name: string;
  readonly unit: 'items of 300 B' | 'B';
  readonly sizes: readonly number[];
  on(build: Proof, size: number): Promise<unknown>;
  alone(size: number): void;
}

/**
 * The size of a call from which a build is quicker than the same work in Node alone (`node:crypto`), waiting time of one
 * call, medians in turn. For Lambda the function runs here, behind a server of this machine: a network comes on top.
 */
export async function benchPayoff(builds: {
  readonly native: Signing;
  readonly wasm: Proof;
}): Promise<readonly Figure[]> {
  const operations = await operationsOf(builds.native);
  const lambda = await openLambda();
  const of: readonly (readonly [string, Proof])[] = [
    ['native', builds.native],
    ['WebAssembly', builds.wasm],
    ...(lambda === undefined ? [] : [['Lambda', lambda.proof] as const]),
  ];
  const figures: Figure[] = [];
  for (const operation of operations) {
    for (const [name, build] of of) figures.push(await payoffOf(operation, name, build));
  }
  await lambda?.stop();
  return figures;
}

async function payoffOf(operation: Operation, name: string, build: Proof): Promise<Figure> {
  const told: string[] = [];
  let pays = Number.POSITIVE_INFINITY;
  for (const size of operation.sizes) {
    const { ours_us, alone_us } = await timesOf(operation, build, size);
    told.push(`${size}: ${(alone_us / ours_us).toFixed(2)} ×`);
    if (ours_us < alone_us) pays = Math.min(pays, size);
    else pays = Number.POSITIVE_INFINITY;
  }
  const { unit } = operation;
  return {
    name: `${operation.name}: ${name} pays from`,
    // Never within these sizes: none is written down.
    value: Number.isFinite(pays) ? pays : 0,
    unit,
    note: `${Number.isFinite(pays) ? '' : 'at none of these sizes; '}as fast as Node alone at ${told.join(', ')}`,
  };
}

async function timesOf(operation: Operation, build: Proof, size: number) {
  const ours: number[] = [];
  const alone: number[] = [];
  for (let round = -3; round < 15; round += 1) {
    const began = performance.now();
    await operation.on(build, size);
    const between = performance.now();
    operation.alone(size);
    if (round < 0) continue;
    ours.push((between - began) * 1000);
    alone.push((performance.now() - between) * 1000);
  }
  return { ours_us: percentile(ours, 0.5), alone_us: percentile(alone, 0.5) };
}

async function operationsOf({ sign, verify }: Signing): Promise<readonly Operation[]> {
  const key = await sign.generateKey({
    role: 'session',
    seed: crypto.getRandomValues(new Uint8Array(32)),
    exportable: false,
  });
  const payload_json = Buffer.from(JSON.stringify({ predicateType: 'urn:signet:decision:v1', text: 'x'.repeat(240) }));
  const [sealed] = await sign.sealEnvelopes([
    { handle: key.handle, payload_type: 'application/vnd.in-toto+json', payload_json },
  ]);
  if (sealed?.ok !== true) throw new Error('sealing failed');
  const envelope = sealed.entry;
  const { payloadType, payload, signatures } = JSON.parse(Buffer.from(envelope).toString()) as {
    payloadType: string;
    payload: string;
    signatures: readonly { sig: string }[];
  };
  const body = Buffer.from(payload, 'base64');
  const message = Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${body.length} `), body]);
  const signature = Buffer.from(signatures[0]?.sig ?? '', 'base64');
  const [decoded] = await verify.decodeKeyIds([key.key_id]);
  if (decoded?.ok !== true) throw new Error('the key cannot be read');
  const { public_key } = decoded;
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), public_key]);
  const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const items = [1, 4, 16, 64, 256, 1024];
  const bytes = [64, 1024, 16_384, 262_144, 1_048_576];
  return [
    {
      name: 'verify signatures',
      unit: 'items of 300 B',
      sizes: items,
      on: (build, size) =>
        build.verify.verifySignatures(Array.from({ length: size }, () => ({ public_key, message, signature }))),
      alone: (size) => {
        for (let item = 0; item < size; item += 1) verifyPlain(null, message, publicKey, signature);
      },
    },
    {
      name: 'open envelopes',
      unit: 'items of 300 B',
      sizes: items,
      on: (build, size) => build.verify.openEnvelopes(Array.from({ length: size }, () => ({ envelope, public_key }))),
      alone: (size) => {
        for (let item = 0; item < size; item += 1) {
          const read = JSON.parse(Buffer.from(envelope).toString()) as { payload: string };
          JSON.parse(Buffer.from(read.payload, 'base64').toString());
          verifyPlain(null, message, publicKey, signature);
        }
      },
    },
    {
      name: 'SHA-256 and BLAKE3 beside SHA-256 alone',
      unit: 'B',
      sizes: bytes,
      on: (build, size) => build.digest.digest([new Uint8Array(size)]),
      alone: (size) => createHash('sha256').update(new Uint8Array(size)).digest('hex'),
    },
    {
      name: 'canonical JSON beside JSON.parse and stringify',
      unit: 'B',
      sizes: bytes,
      on: (build, size) => build.digest.canonicalise([textOf(size)]),
      alone: (size) => JSON.stringify(JSON.parse(Buffer.from(textOf(size)).toString())),
    },
  ];
}

function textOf(bytes: number): Uint8Array {
  const member = '{"name":"value","number":12}';
  const count = Math.max(1, Math.floor(bytes / (member.length + 1)));
  return Buffer.from(`[${Array(count).fill(member).join()}]`);
}

/** Undefined where the functions are not built. */
async function openLambda(): Promise<{ readonly proof: Proof; stop(): Promise<void> } | undefined> {
  if (builtPath('lambdas-host', 'sign-envelope') === undefined) return undefined;
  const functions = await startRustFunctions(['sign-envelope'], {
    SIGNET_KMS_ISSUER: 'arn:aws:kms:us-east-1:000000000000:key/none',
  });
  return {
    proof: lambdaProof({ invoke: functions.invoke, function_name: 'sign-envelope' }),
    stop: () => functions.stop(),
  };
}
