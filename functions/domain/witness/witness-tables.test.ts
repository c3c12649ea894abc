import { openTestNode } from '../../../tests/fixtures/open-test-node.ts';
import { describeWitness } from './witness.contract.ts';

describeWitness('SQLite', async () => {
  const { table, close } = await openTestNode();
  return { table, close };
});
