import { openTestNode } from '../../../tests/fixtures/open-test-node.ts';
import { describeWitness } from './witness.contract.ts';

describeWitness('SQLite', async () => {
  const node = await openTestNode();
  return { table: node.table, close: () => node.close() };
});
