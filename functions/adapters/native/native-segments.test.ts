import { describeWithAddon } from '../../../tests/fixtures/with-addon.ts';
import { describeSegments } from '../../domain/ports/segment-compute.contract.ts';
import { openNativeCompute } from './native-compute.ts';

describeWithAddon('native addon', (addon_path) => {
  describeSegments('segments on the native addon', async () => openNativeCompute({ addon_path }).segments);
});
