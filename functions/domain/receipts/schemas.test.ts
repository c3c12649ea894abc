import { afterAll, beforeAll, expect, test } from '@jest/globals';
import receiptSchema from '@signet/shared/schemas/receipt.json' with { type: 'json' };
import statementSchema from '@signet/shared/schemas/statement.json' with { type: 'json' };
import { Ajv2020 } from 'ajv/dist/2020.js';
import { openTestNode, testCall, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { delegationType, sessionKinds } from './statement-types.ts';

let node: TestNode;
beforeAll(async () => {
  node = await openTestNode();
});
afterAll(() => node.close());

const ajv = new Ajv2020({ strictTypes: false });
const isReceipt = ajv.compile(receiptSchema);
const isStatement = ajv.compile(statementSchema);

test('receipts and the statements in them fit the schemas that are published', async () => {
  const { receipt } = await node.judge.decide(
    testCall(),
    { action: 'chat', resource: { type: 'Model', id: 'm' }, facts: {}, request: 'hello' },
    async () => ({ value: null, outcome: {} }),
  );
  const stored = await node.receipts.get(receipt, 'default');
  expect(isReceipt(stored) || isReceipt.errors).toBe(true);
  expect(isReceipt({ ...stored, note: 1 })).toBe(false);
  for (const envelope of [stored?.entry, stored?.delegation]) {
    const { payload } = JSON.parse(Buffer.from(envelope ?? '', 'base64').toString()) as { payload: string };
    const statement: unknown = JSON.parse(Buffer.from(payload, 'base64').toString());
    expect(isStatement(statement) || isStatement.errors).toBe(true);
  }
});

test('the schema names every predicate type there is', () => {
  expect(statementSchema.properties.predicateType.enum.toSorted()).toEqual(
    // A session key also signs messages, whose kind is no predicate type.
    [...sessionKinds.filter((kind) => kind.startsWith('urn:')), delegationType].toSorted(),
  );
});
