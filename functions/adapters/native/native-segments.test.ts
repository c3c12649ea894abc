import { describe, test } from '@jest/globals';
import { describeSegments } from '../../domain/ports/segment-compute.contract.ts';
import { findAddon } from './find-addon.ts';
import { openNativeCompute } from './native-compute.ts';

const addon_path = findAddon();

/** Counted as skipped, with its reason in the name, where no addon was built. */
const describeWithAddon = addon_path === undefined ? describe.skip : describe;
const reason =
  addon_path === undefined ? ' (skipped: no native addon is built; `npm start` or `npm run build` builds it)' : '';

describeWithAddon(`native addon${reason}`, () => {
  if (addon_path === undefined) {
    test('builds and searches segments', () => undefined);
    return;
  }
  describeSegments('segments on the native addon', async () => openNativeCompute({ addon_path }).segments);
});
