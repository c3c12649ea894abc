import { expect, test } from '@jest/globals';
import suite from '@signet/shared/vectors/ijson/suite.json' with { type: 'json' };
import fc from 'fast-check';
import { openWasmCompute } from '../../functions/adapters/wasm/wasm-compute.ts';
import { parseStrictJson, StrictJsonError } from '../../functions/edge/strict-json.ts';

/** More by `npm run fuzz`. */
const numRuns = Number(process.env['SIGNET_FUZZ_RUNS'] ?? 3000);

/** Rules of signed payloads that a body need not keep (docs/decisions/0039): the edge sees values, not how they were written. */
const onlyInPayloads = 'json.number';

test('the parsers of the edge and of the crates give changed texts one verdict', async () => {
  const { digest } = await openWasmCompute();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...texts),
      fc.array(change, { minLength: 1, maxLength: 4 }),
      async (text, changes) => {
        const input = new Uint8Array(changes.reduce(apply, text));
        const [theirs] = await digest.canonicalise([input]);
        const ours = verdict(input);
        if (theirs?.ok === true) {
          expect(ours).toEqual({ value: JSON.parse(Buffer.from(theirs.canonical).toString()) });
        } else if (!(theirs?.code === onlyInPayloads && 'value' in ours)) {
          expect(ours).toEqual({ code: theirs?.code });
        }
      },
    ),
    { numRuns },
  );
}, 600_000);

const texts = suite.cases
  .map((one) => Buffer.from(one.hex ?? one.text ?? '', one.hex === undefined ? 'utf8' : 'hex'))
  .filter((text) => text.length > 0 && text.length < 300);

type Change = readonly [kind: 'flip' | 'cut' | 'token' | 'twice', at: number, with_token: Buffer];

const tokens = [
  '"',
  '\\',
  '\\ud800',
  '\\uffff',
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  '-0',
  'e9',
  '9007199254740993',
  '\u{fdd0}',
  '"a":1,',
];

const change: fc.Arbitrary<Change> = fc.tuple(
  fc.constantFrom('flip', 'cut', 'token', 'twice'),
  fc.nat(2400),
  fc.constantFrom(...tokens.map((token) => Buffer.from(token))),
);

function apply(text: Buffer, [kind, place, token]: Change): Buffer {
  const at = place % (text.length + 1);
  const [before, after] = [text.subarray(0, at), text.subarray(at)];
  switch (kind) {
    case 'flip': {
      const flipped = Buffer.from(text);
      if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << (place % 8));
      return flipped;
    }
    case 'cut':
      return Buffer.concat([before, after.subarray(1 + (place % 3))]);
    case 'token':
      return Buffer.concat([before, token, after]);
    case 'twice':
      return Buffer.concat([before, after.subarray(0, 8), after]);
    default:
      return kind satisfies never;
  }
}

function verdict(input: Uint8Array): { readonly value: unknown } | { readonly code: string } {
  try {
    return { value: parseStrictJson(input, 32) };
  } catch (error) {
    if (error instanceof StrictJsonError) return { code: error.reason };
    throw error;
  }
}
