import { SignetError } from '../errors.ts';
import type { Metric } from '../ports/compute.ts';
import type { StoredRows } from '../ports/segment-compute.ts';

/** Below this the largest component is taken for zero: its square would be lost in f32. */
const zero_below = 1e-37;

/** From here on a number rounds to the infinity of half precision. */
const half_below = 65_520;

/** Its square and the square of a distance are within f32. */
const norm_max = 1e18;

/**
 * A vector of the collection as f32. Refused (400 `invalid_request`) with reason `dimension_mismatch`; `non_finite` for
 * NaN, infinity or a number beyond f32; `out_of_range` for one beyond what the
 * collection stores; `zero_vector` where the metric is cosine, which knows no angle to zero.
 *
 * @param param where the values stood in the request, such as `vectors[3].values`.
 */
export function checkValues(
  values: readonly number[] | Float32Array,
  { metric, dimension, rows }: { metric: Metric; dimension: number; rows: StoredRows },
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
  if (metric !== 'cosine' && rows === 'f16' && largest >= half_below) {
    throw refused(
      'out_of_range',
      param,
      'expected numbers within ±65,504, which half precision keeps (or `rows` of f32)',
    );
  }
  if (metric !== 'cosine' && Math.hypot(...row) > norm_max) {
    throw refused('out_of_range', param, 'expected a vector of at most 1e18 in length');
  }
  return row;
}

function refused(reason: string, param: string, expected: string): SignetError {
  return new SignetError({ code: 'invalid_request', reason, param, detail: `${expected} in \`${param}\`` });
}
