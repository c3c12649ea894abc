import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { benchEmbedding } from './bench-embedding.ts';
import { benchGates } from './bench-gates.ts';
import { benchGateway } from './bench-gateway.ts';
import { benchLambda } from './bench-lambda.ts';
import { benchMemory } from './bench-memory.ts';
import { benchProof } from './bench-proof.ts';
import { benchScripts } from './bench-scripts.ts';
import { benchStart } from './bench-start.ts';
import { benchVectors } from './bench-vectors.ts';
import { writeRecord, type Figure } from './record.ts';

const { values, positionals: wanted } = parseArgs({ options: { seed: { type: 'string' } }, allowPositionals: true });
/** Drawn anew each time, so that no figure fits one set of data; printed, so that it can be tried again. */
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);

const areas: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  proof: benchProof,
  gates: benchGates,
  gateway: benchGateway,
  memory: benchMemory,
  scripts: benchScripts,
  embedding: () => benchEmbedding(seed),
  start: benchStart,
  vectors: () => benchVectors(seed),
  lambda: benchLambda,
};

const unknown = wanted.filter((area) => !(area in areas));
if (unknown.length > 0) {
  process.stderr.write(`expected areas among ${Object.keys(areas).join(', ')}, got ${unknown.join(', ')}\n`);
  process.exit(2);
}

for (const [area, bench] of Object.entries(areas)) {
  if (wanted.length > 0 && !wanted.includes(area)) continue;
  const file = writeRecord(area, `npm run bench ${area}`, await bench());
  process.stdout.write(`  → ${file}\n`);
}
