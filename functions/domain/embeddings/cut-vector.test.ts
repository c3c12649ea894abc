import { expect, test } from '@jest/globals';
import { cutVector } from './cut-vector.ts';

/** As the model's authors write it: layer norm over all components, the first of them, length 1. */
function published(vector: readonly number[], dimensions: number): number[] {
  const mean = vector.reduce((sum, value) => sum + value, 0) / vector.length;
  const variance = vector.reduce((sum, value) => sum + (value - mean) ** 2, 0) / vector.length;
  const normed = vector.map((value) => (value - mean) / Math.sqrt(variance + 1e-5)).slice(0, dimensions);
  const length = Math.sqrt(normed.reduce((sum, value) => sum + value * value, 0));
  return normed.map((value) => value / length);
}

test('cuts as the authors of such models do', () => {
  const vector = Array.from({ length: 768 }, (_, index) => Math.sin(index * 1.7) + 0.3);
  const cut = cutVector(Float32Array.from(vector), 256);
  const expected = published(vector, 256);
  expect(cut).toHaveLength(256);
  expect(Math.max(...cut.map((value, at) => Math.abs(value - (expected[at] ?? NaN))))).toBeLessThan(1e-6);
});

test('leaves a whole vector as it is, and refuses one without a direction', () => {
  const whole = Float32Array.of(3, 4);
  expect(cutVector(whole, 2)).toBe(whole);
  expect(() => cutVector(Float32Array.of(1, 1, 1), 2)).toThrow('without a direction');
});
