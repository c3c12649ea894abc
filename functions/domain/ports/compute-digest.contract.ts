import { expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import digests from '@signet/shared/vectors/digest/cases.json' with { type: 'json' };
import profile from '@signet/shared/vectors/ijson/cases.json' with { type: 'json' };
import suite from '@signet/shared/vectors/ijson/suite.json' with { type: 'json' };
import canonical from '@signet/shared/vectors/jcs/cases.json' with { type: 'json' };
import numbers from '@signet/shared/vectors/jcs/numbers.json' with { type: 'json' };
import type { DigestCompute } from './compute.ts';
import { expected, hex, plain, utf8 } from './vector-values.contract.ts';

/** The suite of `DigestCompute`, inside of a `describe`. */
export function describeDigest(opened: Promise<{ readonly digest: DigestCompute }>): void {
  test.each(digests.cases)('digests $times bytes', async (one) => {
    const { digest } = await opened;
    const content = utf8(one.text.repeat(one.times));
    expect(await digest.digest([content])).toEqual([one.ok]);
    expect(createHash('sha256').update(content).digest('hex')).toBe(one.ok.sha256);
  });

  test.each([...profile.cases, ...canonical.cases])('canonicalises: $name', async (one) => {
    const { digest } = await opened;
    const [outcome] = await digest.canonicalise([bytesOf(one)]);
    expect(plain(outcome)).toEqual(expected(one));
  });

  test('canonicalises each class of texts that suites of parsers have', async () => {
    const { digest } = await opened;
    const outcomes = await digest.canonicalise(suite.cases.map(bytesOf));
    expect(outcomes.map((outcome, at) => ({ name: suite.cases[at]?.name, ...plain(outcome) }))).toEqual(
      suite.cases.map((one) => ({ name: one.name, ...expected(one) })),
    );
  });

  test('writes numbers as ECMAScript does', async () => {
    const { digest } = await opened;
    const outcomes = await digest.canonicalise(numbers.cases.map(bytesOf));
    expect(outcomes.map((outcome, at) => ({ name: numbers.cases[at]?.name, ...plain(outcome) }))).toEqual(
      numbers.cases.map((one) => ({ name: one.name, ...expected(one) })),
    );
    const platform = numbers.cases.map(({ ieee }) => JSON.stringify(Buffer.from(ieee, 'hex').readDoubleBE()));
    expect(platform).toEqual(numbers.cases.map(({ es6 }) => es6));
    expect(numbers.cases.map(({ text }) => JSON.stringify(Number(text)))).toEqual(platform);
  });

  /** The platform's parser knows no profile: it must take what we take, and refuse what we call a fault of grammar. */
  test('agrees with the platform on what is JSON', () => {
    const texts = [...profile.cases, ...suite.cases, ...canonical.cases];
    for (const one of texts) expect({ name: one.name, ...judgeText(one) }).toEqual({ name: one.name, agrees: true });
  });
}

interface TextCase {
  readonly name: string;
  readonly text?: string;
  readonly hex?: string;
  readonly times?: number;
  readonly ok?: { readonly canonical: string };
  readonly code?: string;
}

function bytesOf(one: TextCase): Uint8Array {
  return one.hex === undefined ? utf8(one.text?.repeat(one.times ?? 1)) : hex(one.hex);
}

function judgeText(one: TextCase): { agrees: boolean } {
  const text = platformText(bytesOf(one));
  const value = text === undefined ? undefined : platformValue(text);
  switch (one.code) {
    case undefined:
      return { agrees: value !== undefined && isDeepStrictEqual(JSON.parse(one.ok?.canonical ?? ''), value.json) };
    case 'json.utf8':
      return { agrees: text === undefined };
    case 'json.syntax':
      return { agrees: text !== undefined && value === undefined };
    case 'json.duplicate_key':
    case 'json.string':
    case 'json.number':
      return { agrees: value !== undefined };
    default:
      return { agrees: one.code === 'json.depth' || one.code === 'json.size' };
  }
}

function platformText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.startsWith('\ufeff') ? undefined : text;
  } catch {
    return undefined;
  }
}

function platformValue(text: string): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
