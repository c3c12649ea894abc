import { SignetError } from '../errors.ts';
import type { Metric } from '../ports/compute.ts';

/** Below this the largest component is taken for zero: its square would be lost in f32. */
const zero_below = 1e-37;

/**
 * A vector of the collection as f32. Refused (400 `invalid_request`) with reason `dimension_mismatch`; `non_finite` for
 * NaN, infinity or a number beyond f32; `zero_vector` where the metric is cosine, which knows no angle to zero.
 *
 * @param param where the values stood in the request, such as `vectors[3].values`.
 */
export function checkValues(
  values: readonly number[] | Float32Array,
  { metric, dimension }: { metric: Metric; dimension: number },
  param: string,
): Float32Array {
  if (values.length !== dimension) {
    throw refused('dimension_mismatch', param, `expected ${dimension} values, got ${values.length}`);
  }
  const row = Float32Array.from(values);
  let largest = 0;
  for (let index = 0; index < row.length; index += 1) {
    const size = Math.abs(row[index] ?? 0);
    // Not `size <= max`: NaN compares false with everything and must not slip through.
    if (!(size < Infinity)) {
      throw refused('non_finite', `${param}[${index}]`, 'expected finite numbers within the range of f32');
    }
    if (size > largest) largest = size;
  }
  if (metric === 'cosine' && largest < zero_below) {
    throw refused('zero_vector', param, 'expected a vector other than zero: the metric is cosine');
  }
  return row;
}

function refused(reason: string, param: string, expected: string): SignetError {
  return new SignetError({ code: 'invalid_request', reason, param, detail: `${expected} in \`${param}\`` });
}
