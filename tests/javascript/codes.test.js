// The maths of the screens sigma and bits, by hand.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bitsLevels, fewest } from "../../vae_explorer/ui/canvas/theory/screens/bits.js";
import { gaussianTerms, joinedCurve, logSteps, objectiveLine, pointOf, sigmaChoice } from "../../vae_explorer/ui/canvas/theory/screens/rate_distortion.js";

/** @param {number} a @param {number} b @param {number} [within] */
const near = (a, b, within = 1e-9) => assert.ok(Math.abs(a - b) <= within * Math.max(1, Math.abs(b)), `${a} is not ${b}`);

const best = { sigma: 0.2, beta: 1, negative_elbo: 0, inside: true };
const about = { images: 10, samples: 4, part: "test", best };
const curve = { beta: [0.01, 0.1, 1, 10], squared: [4, 8, 16, 64], error: [0, 0, 0, 0], rate: [12, 9, 6, 1], ...about };

test("a measured point is itself, between two both are straight in log beta, and beyond is the end", () => {
  near(pointOf(curve, 0.1).squared, 8);
  near(pointOf(curve, 0.1).rate, 9);
  const between = pointOf(curve, Math.sqrt(10));
  near(between.squared, 32);
  near(between.rate, 3.5);
  assert.deepEqual(pointOf(curve, 1e-5), { squared: 4, rate: 12 });
  assert.deepEqual(pointOf(curve, 1e5), { squared: 64, rate: 1 });
});

test("the terms are minus the log of a normal density, pixel by pixel", () => {
  const residual = [0.1, -0.3, 0.2];
  const sigma = 0.25;
  const density = residual.map((r) => Math.exp(-(r * r) / (2 * sigma * sigma)) / (sigma * Math.sqrt(2 * Math.PI)));
  const squared = residual.reduce((sum, r) => sum + r * r, 0);
  const { misfit, constant, rate, elbo } = gaussianTerms({ squared, rate: 2.5 }, sigma, 3);
  near(misfit + constant, -density.reduce((sum, p) => sum + Math.log(p), 0));
  near(elbo, misfit + constant + 2.5);
  assert.equal(rate, 2.5);
});

test("no other sigma of fixed networks is better than the root mean squared error", () => {
  const at = { squared: 7, rate: 3 };
  const root = Math.sqrt(7 / 50);
  const found = gaussianTerms(at, root, 50).elbo;
  for (const other of [0.9, 0.99, 1.01, 1.1]) assert.ok(gaussianTerms(at, other * root, 50).elbo > found);
});

test("all points of the line through a point have its objective, and its slope is -2 sigma^2", () => {
  const sigma = 0.4;
  const { atNoRate, atNoError } = objectiveLine({ squared: 10, rate: 5 }, sigma);
  near(atNoRate / (2 * sigma ** 2), 10 / (2 * sigma ** 2) + 5);
  near(atNoError, 10 / (2 * sigma ** 2) + 5);
  near(-atNoRate / atNoError, -2 * sigma ** 2);
});

test("points that are measured one by one become a curve whose best sigma is where its mean squared error lies", () => {
  const points = curve.beta.map((beta, k) => ({ beta: [beta], squared: [curve.squared[k]], error: [0], rate: [curve.rate[k]], ...about }));
  const found = joinedCurve(points, 0.5, 100);
  assert.deepEqual([found.beta, found.squared, found.rate], [curve.beta, curve.squared, curve.rate]);
  assert.ok(found.best.inside);
  near(pointOf(found, found.best.beta).squared / 100, found.best.sigma ** 2, 1e-6);
  near(found.best.sigma, 0.5 * Math.sqrt(found.best.beta));
  near(found.best.negative_elbo, gaussianTerms(pointOf(found, found.best.beta), found.best.sigma, 100).elbo);
  assert.equal(joinedCurve(points, 50, 100).best.beta, 0.01);
  assert.equal(joinedCurve(points, 0.001, 100).best.beta, 10);
  assert.ok(!joinedCurve(points, 50, 100).best.inside);
});

test("steps are even in logarithms, and answers to the prediction are told apart half way", () => {
  logSteps(0.01, 100, 5).forEach((value, k) => near(value, [0.01, 0.1, 1, 10, 100][k]));
  assert.deepEqual([0.05, 0.14, 0.15, 0.2, 0.28, 0.29, 1].map(sigmaChoice), [0, 0, 1, 1, 1, 2, 2]);
});

test("the smallest file is named, and the dearest pixel is white", () => {
  const others = { raw: 1, levels: null };
  assert.equal(fewest({ ...others, png: 5, webp: 4, vae: 3 }), 2);
  assert.equal(fewest({ ...others, png: 5, webp: 4, vae: 30 }), 1);
  assert.equal(fewest({ ...others, png: 2, webp: 4, vae: 3 }), 0);
  const bits = Float32Array.from({ length: 200 }, (_, k) => (k === 7 ? 1000 : k / 20));
  const { white, levels } = bitsLevels(bits);
  assert.ok(white < 10 && white > 9.5, "one pixel that costs a hundred times as much does not blacken the rest");
  assert.equal(levels[7], 255);
  near(levels[100], (255 * 5) / white, 0.01);
});
