import { expect, test } from '@jest/globals';
import { TableUnavailableError } from '@signet/functions/domain/ports/table.ts';
import { startFailed } from './failure.ts';

const failure = (error: Error): unknown => {
  try {
    return startFailed(error, '/srv/signet');
  } catch (thrown) {
    return thrown;
  }
};

test.each([
  ['EACCES', 'it may not be written'],
  ['EROFS', 'read-only disk'],
  ['ENOSPC', 'the disk is full'],
])('a home that the system refuses with %s is one line with what to do', (code, advice) => {
  const shown = failure(Object.assign(new Error('system words'), { code }));
  expect(shown).toMatchObject({ name: 'CommandFailure', exit: 1, message: expect.stringContaining(advice) });
  expect(shown).toMatchObject({ message: expect.stringMatching(/^expected a home at \/srv\/signet: /) });
});

test('a table that does not open is one line that says why', () => {
  const cause = new Error('/srv/signet/signet.db: database is locked');
  const shown = failure(new TableUnavailableError({ operation: 'open', retryable: true }, { cause }));
  expect(shown).toMatchObject({ name: 'CommandFailure', exit: 1, message: cause.message });
});

test('a wrong setting is usage; an error of ours stays what it is', () => {
  const setting = Object.assign(new Error('expected a port'), { name: 'SettingsError' });
  expect(failure(setting)).toMatchObject({ exit: 2, message: 'expected a port' });
  const ours = new TypeError('x is undefined');
  expect(failure(ours)).toBe(ours);
});
