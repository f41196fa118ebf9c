// The classifier in the browser: every layer against a forward pass in float64.

import assert from "node:assert/strict";
import { test } from "node:test";
import "./product.js";
import { bell, many, near, uniform } from "./oracles.js";

const CANVAS = "../../vae_explorer/ui/canvas";
const { Judge } = await import(`${CANVAS}/judge.js`);

/** A network by chance: its layers as they are sent, and its probabilities of an image in float64. */
function network(sizes, seed, strength = 1) {
  const draw = bell(seed);
  const layers = sizes.slice(1).map((outputs, k) => ({ inputs: sizes[k], outputs }));
  const parts = layers.map(({ inputs, outputs }) => ({
    weight: Float32Array.from(many(inputs * outputs, () => (strength * draw()) / Math.sqrt(inputs))),
    bias: Float32Array.from(many(outputs, () => strength * draw())),
  }));
  const weights = Float32Array.from(parts.flatMap(({ weight, bias }) => [...weight, ...bias]));
  const probabilities = (grey) => {
    const logits = parts.reduce(
      (vector, { weight, bias }, depth) => {
        const sums = [...bias].map((b, row) => vector.reduce((sum, x, k) => sum + weight[row * vector.length + k] * x, b));
        return depth < parts.length - 1 ? sums.map((x) => x * Number(x > 0)) : sums;
      },
      [...grey].map((level) => level / 255),
    );
    const most = Math.max(...logits);
    const total = logits.reduce((sum, x) => sum + Math.exp(x - most), 0);
    return logits.map((x) => Math.exp(x - most) / total);
  };
  return { plan: { layers }, weights, probabilities };
}

const LABELS = [0, 2, 3, 7, 8, 11];

for (const sizes of [
  [9, 3],
  [64, 30, 4],
  [25, 128, 64, 6],
])
  test(`a network of ${sizes.join(", ")} says what its forward pass says`, () => {
    const { plan, weights, probabilities } = network(sizes, sizes.length, 2);
    const classes = LABELS.slice(0, sizes.at(-1));
    const judge = new Judge(plan, weights, classes);
    const draw = uniform(5);
    for (let k = 0; k < 60; k++) {
      const grey = Uint8ClampedArray.from(many(sizes[0], () => 256 * draw()));
      const shares = probabilities(grey);
      const { label, confidence } = judge.judge(grey);
      near(judge.probabilities, shares, 2e-5);
      near(confidence, Math.max(...shares), 2e-5);
      assert.equal(label, classes[shares.indexOf(Math.max(...shares))]);
    }
  });

test("units below zero are cut off between layers, and not after the last", () => {
  const weights = Float32Array.from([...[1, 0], ...[-1, -1], ...[1, 0, 0, 1], ...[-5, -3]]);
  const layers = [
    { inputs: 1, outputs: 2 },
    { inputs: 2, outputs: 2 },
  ];
  const { label, confidence } = new Judge({ layers }, weights, [0, 1]).judge(Uint8ClampedArray.of(0));
  assert.equal(label, 1); // hidden units of -1 and -1 are 0: logits -5 and -3
  near(confidence, 1 / (1 + Math.exp(-2)), 1e-6);
});

test("a sure classifier of two classes stays a number", () => {
  const judge = new Judge({ layers: [{ inputs: 1, outputs: 2 }] }, Float32Array.of(0, 60000, 0, 0), [4, 5]);
  assert.deepEqual(judge.judge(Uint8ClampedArray.of(255)), { label: 5, confidence: 1 });
  const { label, confidence } = judge.judge(Uint8ClampedArray.of(0));
  assert.deepEqual([label, confidence], [4, 0.5], "of equal ones the first");
});

test("levels that are no whole numbers are read as they are", () => {
  const { plan, weights, probabilities } = network([4, 3], 8, 3);
  const grey = Float32Array.of(0.25, 254.5, 127.125, 3.75);
  const judge = new Judge(plan, weights, [0, 1, 2]);
  judge.judge(grey);
  near(judge.probabilities, probabilities(grey), 1e-5);
});
