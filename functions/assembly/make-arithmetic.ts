import { makeVectorOps } from '../domain/vectors/make-vector-ops.ts';
import type { Services } from '../edge/services.ts';
import version from '../package.json' with { type: 'json' };
import type { ComputeSlots } from './compute-slots.ts';

/** Arithmetic on the vectors of a request, by whichever build of the crates serves it then. */
export function makeArithmetic(slots: ComputeSlots): Pick<Services, 'vectorOps'> {
  return {
    vectorOps: makeVectorOps({
      compute: slots.arithmetic,
      version: version.version,
      platform: process.platform,
      served_by: () => slots.states().arithmetic.served_by,
    }),
  };
}
