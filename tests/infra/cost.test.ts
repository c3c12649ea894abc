import { describe, expect, test } from '@jest/globals';
import { makeConfig } from '../../infra/config.ts';
import { alarms, costTable, load, monthlyBill, provenance, type RequestKind } from '../../infra/cost.ts';
import list from '../../infra/prices.json' with { type: 'json' };
import { ofType, templatesOf } from './templates-of.ts';

const config = makeConfig({ stage: 'prod' });
const one: RequestKind = { title: 'one', share: 1, function_ms: {}, write_units: 0, read_units: 0, kept_bytes: 0 };
const free = Object.fromEntries(Object.keys(list.prices).map((name) => [name, 0])) as typeof list.prices;
const total = (bill: Readonly<Record<string, number>>) => Object.values(bill).reduce((sum, part) => sum + part, 0);

describe('the cost of a month', () => {
  test('the shares of the stated load come to all of it', () => {
    expect(load.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 10);
  });

  test('idle, only keys, alarms, a secret, the sweeps and the poller cost anything', () => {
    const idle = monthlyBill({ requests: 0, config });
    expect(idle['API Gateway']).toBe(0);
    expect(idle['KMS (three keys)']).toBe(3);
    expect(total(idle)).toBeLessThan(8);
  });

  test('grows by the same with each request, but for signatures and traces', () => {
    const bill = (requests: number) => {
      const parts = monthlyBill({ requests, config, kinds: load });
      return total(parts) - (parts['KMS (three keys)'] ?? 0) - (parts['X-Ray'] ?? 0);
    };
    const step = bill(200_000) - bill(100_000);
    expect(bill(300_000) - bill(200_000)).toBeCloseTo(step, 9);
  });

  test.each<[keyof typeof list.prices, Partial<RequestKind>, number]>([
    ['api_request', {}, 1],
    ['api_request', { calls_back: 4 }, 5],
    ['lambda_request', { function_ms: { 'serve-api': 1 } }, 1 + 2],
    ['lambda_request', { function_ms: { 'serve-api': 1, 'embed-text': 1 } }, 2 + 2],
    ['lambda_arm64_gb_s', { function_ms: { 'serve-api': 1_000 } }, 1 + 0.1],
    ['lambda_arm64_gb_s', { function_ms: { 'embed-text': 1_000 } }, 2 + 0.1],
    ['table_write_unit', { write_units: 7 }, 7 + 6 + 8],
    ['table_read_unit', { read_units: 7 }, 7 + 12],
    ['queue_request', { messages: 2 }, 6 + 3],
    ['object_put', {}, 5],
    ['signature', {}, 1],
    ['table_gb_month', { kept_bytes: 1e9 }, 1],
  ])('%s: one request of %j costs %d of it, its round of sealing included', (price, kind, amount) => {
    const prices = { ...free, [price]: 1 };
    const bill = (requests: number) =>
      total(monthlyBill({ requests, config, prices, kinds: [{ ...one, function_ms: { 'serve-api': 0 }, ...kind }] }));
    expect(bill(1_001) - bill(1_000)).toBeCloseTo(amount, 6);
  });

  test('counts as many alarms as the stack has', () => {
    const { app } = templatesOf({ stage: 'prod' });
    expect(ofType(app, 'AWS::CloudWatch::Alarm')).toHaveLength(alarms);
  });

  test('claims no more of the prices than was looked up', () => {
    expect(list.confirmed).toEqual(['api_request', 'lambda_request', 'lambda_arm64_gb_s']);
    expect(costTable()).toContain(provenance);
  });

  test('the table names region, date and load, and adds up', () => {
    const text = costTable();
    expect(text).toContain(`typed by hand for ${list.region} on ${list.as_of}`);
    for (const { title } of load) expect(text).toContain(title);
    const columns = text
      .split('\n')
      .filter((line) => /\| \**\d+\.\d\d/.test(line))
      .map((line) => line.replaceAll('*', '').split('|').slice(2, 5).map(Number));
    for (const column of [0, 1, 2]) {
      const parts = columns.slice(0, -1).reduce((sum, cells) => sum + (cells[column] ?? 0), 0);
      // Each cell is rounded to a cent.
      expect(Math.abs(parts - (columns.at(-1)?.[column] ?? 0))).toBeLessThan(0.06);
    }
  });
});
