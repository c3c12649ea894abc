import { describe } from '@jest/globals';
import { openWasmCompute } from '../../functions/adapters/wasm/wasm-compute.ts';
import { describeKeys } from '../../functions/domain/ports/compute-keys.contract.ts';

describe('messages, documents and delegations, on the blob', () => {
  describeKeys(openWasmCompute());
});
