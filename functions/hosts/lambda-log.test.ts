import { expect, test } from '@jest/globals';
import { lambdaLog, logLevelOf } from './lambda-log.ts';
import type { LogLevel } from './lambda-log.ts';

function recorded(level: LogLevel = 'info') {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => {
    expect(line).toMatch(/^\{[^\n]*\}\n$/);
    lines.push(JSON.parse(line) as Record<string, unknown>);
  };
  return { lines, log: lambdaLog({ level, write }) };
}

test('writes one JSON line with what the platform filters by', () => {
  const { lines, log } = recorded();
  log.warn({ job_id: 'j-1', text: 'two\nlines' }, 'a message');
  expect(lines).toEqual([
    { timestamp: expect.any(String), level: 'WARN', message: 'a message', job_id: 'j-1', text: 'two\nlines' },
  ]);
  expect(new Date(String(lines[0]?.['timestamp'])).toISOString()).toBe(lines[0]?.['timestamp']);
});

test('leaves out what is below its level', () => {
  const { lines, log } = recorded('error');
  log.info({}, 'a');
  log.warn({}, 'b');
  log.error({}, 'c');
  expect(lines.map(({ message }) => message)).toEqual(['c']);
});

test('every line carries the facts of the work that it is written in, across awaits and nested', async () => {
  const { lines, log } = recorded();
  await Promise.all(
    ['1', '2'].map((invocation_id) =>
      log.within({ invocation_id }, async () => {
        await Promise.resolve();
        log.within({ message_id: `m-${invocation_id}` }, () => log.info({}, 'inner'));
        log.info({}, 'outer');
      }),
    ),
  );
  log.info({}, 'outside');
  const facts = lines.map(({ message, invocation_id, message_id }) => [message, invocation_id, message_id]);
  expect(facts).toHaveLength(5);
  expect(facts).toEqual(
    expect.arrayContaining([
      ['inner', '1', 'm-1'],
      ['inner', '2', 'm-2'],
      ['outer', '1', undefined],
      ['outer', '2', undefined],
      ['outside', undefined, undefined],
    ]),
  );
});

test('cuts out names that carry secrets, however deep', () => {
  const { lines, log } = recorded();
  log.info({ token: 'sg_1', headers: { authorization: 'Bearer x', list: [{ api_key: 'k' }] } }, 'm');
  expect(JSON.stringify(lines)).not.toMatch(/sg_1|Bearer|"k"/);
});

test('writes errors with their code and causes, and what JSON has no form for', () => {
  const { lines, log } = recorded();
  const cause = Object.assign(new TypeError('inner'), { code: 'ECONNRESET' });
  log.error({ err: new Error('outer', { cause }), count: 10n }, 'm');
  expect(lines[0]).toMatchObject({
    count: '10',
    err: { type: 'Error', message: 'outer', cause: { type: 'TypeError', message: 'inner', code: 'ECONNRESET' } },
  });
});

test('facts that JSON cannot say cost the facts, not the line', () => {
  const { lines, log } = recorded();
  const circle: { self?: object } = {};
  circle.self = circle;
  log.within({ job_id: 'j-1' }, () => log.warn({ circle }, 'a message'));
  expect(lines).toMatchObject([{ level: 'WARN', message: 'a message', job_id: 'j-1', facts: 'unreadable' }]);
});

test.each([
  [{}, 'info'],
  [{ AWS_LAMBDA_LOG_LEVEL: 'WARN' }, 'warn'],
  [{ AWS_LAMBDA_LOG_LEVEL: 'WARN', SIGNET_LOG: 'debug' }, 'debug'],
  [{ SIGNET_LOG: 'loud' }, 'info'],
])('the level of %j is %s', (environment, level) => {
  expect(logLevelOf(environment)).toBe(level);
});
