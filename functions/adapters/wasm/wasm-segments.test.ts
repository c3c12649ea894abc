import { describeSegments } from '../../domain/ports/segment-compute.contract.ts';
import { openWasmCompute } from './wasm-compute.ts';

describeSegments('segments on the WASM blob', async () => (await openWasmCompute()).segments);
