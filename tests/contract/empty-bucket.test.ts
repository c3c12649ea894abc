import { describe, expect, test } from '@jest/globals';
import { destroyWithBucket } from '../../scripts/empty-bucket.mjs';

const refusal = new Error(
  '`cdk destroy` failed\nSignet-dev-State | 3/15 | DELETE_FAILED | AWS::S3::Bucket | Bucket: "The bucket you tried to delete is not empty (Service: S3, Status Code: 409)"',
);

describe('a stack with a bucket', () => {
  test('goes at once where nothing stands against it, and nothing is emptied', async () => {
    const { told, ends } = stand({ failures: [] });
    await ends;
    expect(told).toEqual(['destroy']);
  });

  test('goes after its bucket was emptied, where AWS began to delete it and was refused', async () => {
    const { told, ends } = stand({ failures: [refusal] });
    await ends;
    expect(told).toEqual(['destroy', 'empty signet-bucket', 'destroy']);
  });

  test.each<[string, Error]>([
    ['a stack that is protected', new Error('Stack [Signet-prod-State] cannot be deleted: TerminationProtection')],
    ['another refusal', new Error('AccessDenied')],
    ['Ctrl-C', Object.assign(new Error(refusal.message), { interrupted: true })],
  ])('keeps its objects at %s', async (_what, failure) => {
    const { told, ends } = stand({ failures: [failure] });
    await expect(ends).rejects.toBe(failure);
    expect(told).toEqual(['destroy']);
  });

  test('a bucket whose name is not known here is for the owner to empty', async () => {
    const { told, ends } = stand({ failures: [refusal], is_known: false });
    await expect(ends).rejects.toThrow(/its name is not known here: empty it, then destroy again/);
    expect(told).toEqual(['destroy']);
  });
});

function stand({ failures, is_known = true }: { failures: Error[]; is_known?: boolean }) {
  const told: string[] = [];
  const ends = destroyWithBucket({
    async destroy() {
      told.push('destroy');
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
    },
    bucket: is_known ? 'signet-bucket' : undefined,
    async empty(name) {
      told.push(`empty ${name}`);
      return 3;
    },
    say: () => undefined,
  });
  return { told, ends };
}
