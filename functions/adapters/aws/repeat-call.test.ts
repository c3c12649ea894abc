import { describe, expect, test } from '@jest/globals';
import { failureOf, LostProcessError, OvertakenError, UnprocessedError } from './call-failure.ts';
import { CallFailedError, repeatCall, usual_rules } from './repeat-call.ts';

const named = (name: string, facts: object = {}) => Object.assign(new Error('x'), { name, ...facts });
const status = (httpStatusCode: number) => ({ $metadata: { httpStatusCode } });

/** Rules whose time is the sum of what was slept; `slept` tells the waits. */
function rulesOf(random = 1) {
  const slept: number[] = [];
  const clock = () => slept.reduce((sum, ms) => sum + ms, 0);
  const sleep = async (ms: number) => void slept.push(ms);
  return { slept, rules: { ...usual_rules, deadline_ms: 1000, sleep, clock, random: () => random } };
}

function failures(...causes: unknown[]): () => Promise<string> {
  return async () => {
    if (causes.length === 0) return 'done';
    throw causes.shift();
  };
}

describe('a failure', () => {
  test.each([
    [named('ThrottlingException', status(400)), 'busy'],
    [named('SlowDown', status(503)), 'busy'],
    [named('TooMany', status(429)), 'busy'],
    [named('ResourceConflictException', status(409)), 'busy'],
    [named('ResourceNotReadyException', status(502)), 'busy'],
    [named('Error', { code: 'ECONNREFUSED' }), 'busy'],
    [new OvertakenError('x'), 'busy'],
    [new UnprocessedError('x'), 'busy'],
    [new LostProcessError('x'), 'unknown'],
    [named('InternalServerError', status(500)), 'unknown'],
    [named('TimeoutError'), 'unknown'],
    [named('Error', { code: 'ECONNRESET' }), 'unknown'],
    [named('ValidationException', status(400)), 'permanent'],
    ['text', 'permanent'],
  ] as const)('%s is %s', (cause, expected) => {
    expect(failureOf(cause)).toBe(expected);
  });
});

describe('a call', () => {
  const busy = named('ThrottlingException');
  const unknown = named('TimeoutError');

  test('is repeated with waits that double until they are long enough', async () => {
    const { slept, rules } = rulesOf();
    expect(await repeatCall(failures(...Array.from({ length: 5 }, () => busy)), { rules })).toBe('done');
    expect(slept).toEqual([20, 40, 80, 160, 320]);
  });

  test('waits a random part of that', async () => {
    const { slept, rules } = rulesOf(0.25);
    await repeatCall(failures(busy, busy), { rules });
    expect(slept).toEqual([5, 10]);
  });

  test('is given up when the next attempt would begin after the deadline', async () => {
    const { slept, rules } = rulesOf();
    const failed = repeatCall(failures(...Array.from({ length: 50 }, () => busy)), { rules });
    await expect(failed).rejects.toMatchObject({ failure: 'busy', was_unheard: false, cause: busy });
    expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(1000);
  });

  test('is not repeated for what is permanent or final', async () => {
    const { slept, rules } = rulesOf();
    const permanent = repeatCall(failures(named('ValidationException')), { rules });
    await expect(permanent).rejects.toMatchObject({ failure: 'permanent' });
    await expect(repeatCall(failures(unknown), { rules, final: ['unknown'] })).rejects.toBeInstanceOf(CallFailedError);
    expect(slept).toEqual([]);
  });

  test('that may have been carried out stays one, whatever comes after', async () => {
    const { rules } = rulesOf();
    const causes = [unknown, ...Array.from({ length: 50 }, () => busy)];
    await expect(repeatCall(failures(...causes), { rules })).rejects.toMatchObject({ failure: 'unknown' });
    const refused = repeatCall(failures(unknown, named('ConditionalCheckFailedException')), { rules });
    await expect(refused).rejects.toMatchObject({ failure: 'permanent', was_unheard: true });
  });

  test('leaves a bug, and a call within that was given up, as they are', async () => {
    const { rules } = rulesOf();
    const bug = new TypeError('x');
    await expect(repeatCall(failures(bug), { rules })).rejects.toBe(bug);
    const inner = new CallFailedError({ failure: 'busy', was_unheard: false }, { cause: busy });
    await expect(repeatCall(failures(inner), { rules })).rejects.toBe(inner);
  });
});
