// What the tests share: numbers by chance that are the same in every run, and comparisons.

import assert from "node:assert/strict";

/** Uniform draws of [0, 1) from a seed (mulberry32). */
export function uniform(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Draws that are nearly normal: a sum of twelve uniform ones, less six. */
export function bell(seed) {
  const draw = uniform(seed);
  return () => Array.from({ length: 12 }, draw).reduce((a, b) => a + b, -6);
}

export const many = (count, draw) => Array.from({ length: count }, draw);

/** Both are numbers, or lists of numbers, that differ by no more than a tolerance. */
export function near(actual, expected, tolerance, words = "") {
  const [a, b] = [actual, expected].map((value) => (typeof value === "number" ? [value] : [...value]));
  assert.equal(a.length, b.length, `${words} length`);
  a.forEach((value, k) => assert.ok(Math.abs(value - b[k]) <= tolerance, `${words} [${k}]: ${value}, not ${b[k]} within ${tolerance}`));
}

/** The integral of a function by Simpson's rule. */
export function integral(f, from, to, parts = 2000) {
  const step = (to - from) / parts;
  let sum = f(from) + f(to);
  for (let k = 1; k < parts; k++) sum += (k % 2 ? 4 : 2) * f(from + k * step);
  return (sum * step) / 3;
}
