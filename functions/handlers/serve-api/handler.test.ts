import { expect, test } from '@jest/globals';
import { ownerToken, recordedServices } from '../../edge/testing/recorded-services.ts';
import type { WholeAnswer } from '../../hosts/lambda-host.ts';
import { lambdaLog } from '../../hosts/lambda-log.ts';
import { restEvent } from '../../hosts/testing/lambda-events.ts';
import { contextOf, recordedPlatform } from '../../hosts/testing/lambda-platform.ts';
import { serveApi } from './handler.ts';

function open(flushDue: () => Promise<string | undefined> = () => Promise.resolve(undefined)) {
  const lines: string[] = [];
  const services = recordedServices();
  const log = lambdaLog({ level: 'info', write: (line) => lines.push(line) });
  const written: string[] = [];
  const rate = { settled: async () => void written.push('rate') };
  const parts = { services, counts: { flushDue }, rate, log };
  const platform = recordedPlatform();
  return {
    services,
    lines,
    written,
    ask: (changes: object = {}) =>
      serveApi({ ...parts, platform: undefined })(restEvent(changes), contextOf()) as Promise<WholeAnswer>,
    stream: () => platform.invoke(serveApi({ ...parts, platform }), restEvent()),
  };
}

test('answers a request with the application', async () => {
  const answer = await open().ask({ multiValueHeaders: { Authorization: [`Bearer ${ownerToken}`] } });
  expect(answer.statusCode).toBe(200);
  expect(JSON.parse(answer.body)).toMatchObject({ object: 'list' });
});

test('a stranger is refused, and counted; the counts are written behind the answer', async () => {
  let flushes = 0;
  const { ask, stream, services } = open(async () => `receipt-${(flushes += 1)}`);
  expect((await ask()).statusCode).toBe(401);
  expect(services.counted).toEqual(['unauthenticated']);
  expect(flushes).toBe(1);
  expect((await stream()).prelude.statusCode).toBe(401);
  expect(flushes).toBe(2);
});

test('what a key has taken of its rate is written down before the function is frozen', async () => {
  const { ask, stream, written } = open();
  await ask();
  await stream();
  expect(written).toEqual(['rate', 'rate']);
});

test('counts that could not be written cost no answer', async () => {
  const { ask, stream, lines } = open(() => Promise.reject(new Error('the table is away')));
  expect((await ask()).statusCode).toBe(401);
  expect((await stream()).is_ended).toBe(true);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toContain('the counts were not recorded');
});
