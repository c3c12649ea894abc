import { expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import digests from '@signet/shared/vectors/digest/cases.json' with { type: 'json' };
import profile from '@signet/shared/vectors/ijson/cases.json' with { type: 'json' };
import canonical from '@signet/shared/vectors/jcs/cases.json' with { type: 'json' };
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
    const input: { text?: string; hex?: string; times?: number } = one;
    const bytes = input.hex === undefined ? utf8(input.text?.repeat(input.times ?? 1)) : hex(input.hex);
    const [outcome] = await digest.canonicalise([bytes]);
    expect(plain(outcome)).toEqual(expected(one));
  });
}
