import { expect, test } from '@jest/globals';
import { ownerToken, recordedServices } from '../../edge/testing/recorded-services.ts';
import type { WholeAnswer } from '../../hosts/lambda-host.ts';
import { lambdaLog } from '../../hosts/lambda-log.ts';
import { restEvent } from '../../hosts/testing/lambda-events.ts';
import { contextOf, recordedPlatform } from '../../hosts/testing/lambda-platform.ts';
import { serveApi } from './handler.ts';

function open(flush: () => Promise<string | undefined> = () => Promise.resolve(undefined)) {
  let now = 1_000_000;
  let flushes = 0;
  const lines: string[] = [];
  const services = { ...recordedServices(), now: () => now };
  const log = lambdaLog({ level: 'info', write: (line) => lines.push(line) });
  const counts = {
    flush: () => {
      flushes += 1;
      return flush();
    },
  };
  const handler = serveApi({ services, counts, log, platform: undefined });
  return {
    services,
    lines,
    pass: (ms: number) => (now += ms),
    flushes: () => flushes,
    ask: (changes: object = {}) => handler(restEvent(changes), contextOf()) as Promise<WholeAnswer>,
    streaming: (platform: ReturnType<typeof recordedPlatform>) =>
      platform.invoke(serveApi({ services, counts, log, platform }), restEvent()),
  };
}

test('answers a request with the application', async () => {
  const answer = await open().ask({ multiValueHeaders: { Authorization: [`Bearer ${ownerToken}`] } });
  expect(answer.statusCode).toBe(200);
  expect(JSON.parse(answer.body)).toMatchObject({ object: 'list' });
});

test('a stranger is refused, and counted', async () => {
  const { ask, services } = open();
  expect((await ask()).statusCode).toBe(401);
  expect(services.counted).toEqual(['unauthenticated']);
});

test('writes the counts behind an answer, at most once a minute', async () => {
  const { ask, pass, flushes } = open();
  await ask();
  expect(flushes()).toBe(0);
  pass(60_000);
  await ask();
  await ask();
  expect(flushes()).toBe(1);
});

test('counts that could not be written cost no answer', async () => {
  const { ask, pass, lines, streaming } = open(() => Promise.reject(new Error('the table is away')));
  pass(60_000);
  expect((await ask()).statusCode).toBe(401);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('the counts were not recorded');
  pass(60_000);
  expect((await streaming(recordedPlatform())).is_ended).toBe(true);
});
