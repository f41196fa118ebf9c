// The importance-weighted bound in the browser, the ranking, the scribble and the order in which a training is looked at.

import assert from "node:assert/strict";
import { test } from "node:test";
import { blockBound, drawsWithin, effectiveSize, logMeanWeight, poolBounds, weightShares } from "../../vae_explorer/ui/canvas/theory/screens/importance.js";
import { peakOf } from "../../vae_explorer/ui/canvas/theory/screens/iwae.js";
import { coarseFirst } from "../../vae_explorer/ui/canvas/theory/screens/mle.js";
import { meanOf } from "../../vae_explorer/ui/canvas/theory/screens/ranking.js";
import { padStep, spaced, withPixel } from "../../vae_explorer/ui/canvas/theory/screens/scribble.js";

const near = (/** @type {number} */ found, /** @type {number} */ wanted, within = 1e-9) =>
  assert.ok(Math.abs(found - wanted) <= within, `${found} is not ${wanted}`);
const logs = Float64Array.of(...[1, 2, 4, 1, 3, 5, 2, 6].map(Math.log));

test("the bound is the mean over disjoint blocks, with its standard error", () => {
  near(logMeanWeight(logs), Math.log(24 / 8));
  const { mean, error, effective, blocks } = blockBound(logs, 4);
  const each = [Math.log(8 / 4), Math.log(16 / 4)];
  near(mean, (each[0] + each[1]) / 2);
  near(error, Math.abs(each[0] - each[1]) / 2);
  near(effective, (64 / 22 + 256 / 74) / 2);
  assert.equal(blocks, 2);
  assert.ok(Number.isNaN(blockBound(logs, 8).error));
  near(blockBound(logs, 1).mean, logs.reduce((a, b) => a + b) / 8);
  near(blockBound(logs, 3).mean, (Math.log(7 / 3) + Math.log(9 / 3)) / 2); // what is left over counts for nothing
});

test("it rises with k in every pool, and a thousand nats lower nothing underflows", () => {
  const pool = Float64Array.from({ length: 256 }, (_, k) => -1500 + 40 * Math.sin(k * k));
  const found = poolBounds(pool, 64);
  assert.deepEqual(
    found.map(({ k }) => k),
    [1, 2, 4, 8, 16, 32, 64],
  );
  found.slice(1).forEach(({ mean }, k) => assert.ok(mean >= found[k].mean));
  found.forEach(({ mean, effective, k }) => assert.ok(mean < -1450 && effective >= 1 && effective <= k + 1e-9));
  assert.equal(poolBounds(pool.subarray(0, 8), 4096).length, 4);
  const raised = poolBounds(
    pool.map((log) => log + 1500),
    64,
  );
  raised.forEach(({ mean, effective }, k) => (near(mean, found[k].mean + 1500, 1e-6), near(effective, found[k].effective, 1e-6)));
});

test("shares sum to one, and equal draws all count", () => {
  near(
    weightShares(logs).reduce((a, b) => a + b),
    1,
  );
  near(weightShares(logs)[7], 6 / 24);
  near(effectiveSize(new Float64Array(32).fill(-2000)), 32);
  near(effectiveSize(Float64Array.of(0, -800, -900)), 1);
});

test("the smallest number of draws that is near enough", () => {
  const found = [
    { k: 1, mean: -5 },
    { k: 2, mean: -3.09 },
    { k: 4, mean: -3.05 },
  ];
  assert.equal(drawsWithin(found, -3, 0.1), 2);
  assert.equal(drawsWithin(found, -2, 0.1), null);
});

test("a field's peak lies where its highest cell is", () => {
  const values = new Float32Array(16);
  values[6] = 2; // second row from the top, third column
  assert.deepEqual(peakOf(values, [0, 4, 10, 14]), [2.5, 12.5]);
});

test("means have standard errors", () => {
  const { mean, error } = meanOf([1, 2, 6]);
  near(mean, 3);
  near(error, Math.sqrt(7 / 3));
});

test("a training is looked at from its ends inwards, each state once", () => {
  for (const count of [2, 5, 32]) {
    const order = coarseFirst(count);
    assert.deepEqual(
      [...order].sort((a, b) => a - b),
      Array.from({ length: count }, (_, k) => k),
    );
    assert.deepEqual(order.slice(0, 2), [count - 1, 0]);
  }
  assert.equal(coarseFirst(32)[2], 16);
});

test("a scribble's pixels are set and taken away, and keys stop at its edges", () => {
  assert.deepEqual(withPixel([3, 9], 5, true), [3, 5, 9]);
  assert.deepEqual(withPixel([3, 5], 5, true), [3, 5]);
  assert.deepEqual(withPixel([3, 5], 3, false), [5]);
  assert.equal(padStep(0, "ArrowLeft", 8), 0);
  assert.equal(padStep(0, "ArrowRight", 8), 1);
  assert.equal(padStep(9, "ArrowUp", 8), 1);
  assert.equal(padStep(63, "ArrowDown", 8), 63);
  assert.equal(padStep(54, "ArrowDown", 8), 62);
});

test("an atlas's tiles have a gap around each", () => {
  assert.deepEqual([0, 7, 8, 15, 16].map(spaced), [1, 8, 11, 18, 21]);
});
