import { expect, test } from '@jest/globals';
import { SignetError } from '../domain/errors.ts';
import { rejectRecords } from '../domain/reject-codes.ts';
import { problem } from './render-error.ts';

test.each(rejectRecords.filter(({ legacy }) => legacy !== undefined))(
  'a problem with the reason $code has the number $legacy of the older node',
  ({ code, legacy }) => {
    const error = new SignetError({ code: 'invalid_request', detail: 'no', reason: code });
    expect(problem(error, 'r')).toMatchObject({ reason: code, legacy_code: legacy });
  },
);

test('a problem whose reason that node did not know has no number of it', () => {
  const unknown = rejectRecords.filter(({ legacy }) => legacy === undefined).map(({ code }) => code);
  for (const reason of [...unknown, 'feature.of.tomorrow']) {
    expect(problem(new SignetError({ code: 'invalid_request', detail: 'no', reason }), 'r')).not.toHaveProperty(
      'legacy_code',
    );
  }
  expect(problem(new SignetError({ code: 'invalid_request', detail: 'no' }), 'r')).not.toHaveProperty('legacy_code');
});
