/**
 * The first `dimensions` components of a model that was trained for it: layer norm without weights, cut, length 1. The
 * norm's division goes with the last step, so what is left of it is the mean.
 */
export function cutVector(vector: Float32Array, dimensions: number): Float32Array {
  if (dimensions === vector.length) return vector;
  const mean = vector.reduce((sum, value) => sum + value, 0) / vector.length;
  const cut = Float64Array.from(vector.subarray(0, dimensions), (value) => value - mean);
  const norm = Math.hypot(...cut);
  if (norm === 0) throw new Error('the model gave a vector without a direction');
  return Float32Array.from(cut, (value) => value / norm);
}
