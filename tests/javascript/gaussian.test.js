import assert from "node:assert/strict";
import { test } from "node:test";
import { drawFrom, drawFromMixture, fittedGaussian } from "../../vae_explorer/ui/canvas/gaussian.js";
import { gaussianRate, normalPair } from "../../vae_explorer/ui/canvas/normal.js";
import { bell, integral, many, near, uniform } from "./oracles.js";

/** Mean and covariance from their definitions. */
function moments(rows) {
  const axes = rows[0].length;
  const mean = many(axes, (_, k) => rows.reduce((sum, row) => sum + row[k], 0) / rows.length);
  const entry = (k, l) => rows.reduce((sum, row) => sum + (row[k] - mean[k]) * (row[l] - mean[l]), 0) / rows.length;
  return { mean, covariance: many(axes * axes, (_, i) => entry(Math.floor(i / axes), i % axes)) };
}

const times = (a, b, size) =>
  many(size * size, (_, i) => many(size, (_, k) => a[Math.floor(i / size) * size + k] * b[k * size + (i % size)]).reduce((x, y) => x + y));

/** Codes on `axes` axes that hang together: each is a mixture of a few draws. */
function codes(count, axes, causes) {
  const draw = bell(7);
  const mixing = many(axes, () => many(causes, draw));
  return many(count, () => {
    const cause = many(causes, draw);
    return mixing.map((row, k) => k + row.reduce((sum, weight, c) => sum + weight * cause[c], 0));
  });
}

for (const [axes, causes] of [
  [1, 1],
  [2, 2],
  [6, 6],
  [20, 20],
  [5, 2], // flat: three of five eigenvalues are 0
])
  test(`the root of the covariance of ${axes} axes with ${causes} causes is symmetric, and its square is the covariance`, () => {
    const rows = codes(300, axes, causes);
    const { mean, root } = fittedGaussian(Float64Array.from(rows.flat()), rows.length, axes);
    const oracle = moments(rows);
    const most = Math.max(...oracle.covariance);
    near(mean, oracle.mean, 1e-12 * most);
    near(times(root, root, axes), oracle.covariance, 1e-9 * most);
    near(
      root,
      many(axes * axes, (_, i) => root[(i % axes) * axes + Math.floor(i / axes)]),
      1e-12 * most,
    );
    const draw = bell(3);
    for (let k = 0; k < 50; k++) {
      const v = many(axes, draw); // no direction is turned round: v'Rv >= 0
      const turned = many(axes, (_, i) => many(axes, (_, j) => root[i * axes + j] * v[j]).reduce((a, b) => a + b));
      assert.ok(turned.reduce((sum, value, i) => sum + value * v[i], 0) >= -1e-9 * most);
    }
  });

test("the root of two axes is (C + sqrt(det C) I) / sqrt(tr C + 2 sqrt(det C))", () => {
  const rows = codes(50, 2, 2);
  const [a, b, , d] = moments(rows).covariance;
  const det = Math.sqrt(a * d - b * b);
  const length = Math.sqrt(a + d + 2 * det);
  near(fittedGaussian(Float32Array.from(rows.flat()), 50, 2).root, [(a + det) / length, b / length, b / length, (d + det) / length], 1e-5);
});

test("codes in one spot have a root of zeros", () => {
  const { mean, root } = fittedGaussian(Float32Array.from([2, -1, 2, -1, 2, -1]), 3, 2);
  near(mean, [2, -1], 1e-12);
  near(root, [0, 0, 0, 0], 1e-9);
});

test("draws of a fitted Gaussian have its mean and covariance", () => {
  const rows = codes(200, 3, 3);
  const fitted = fittedGaussian(Float64Array.from(rows.flat()), 200, 3);
  const draw = bell(5);
  const drawn = moments(many(20000, () => drawFrom(fitted, Float64Array.from(many(3, draw)))));
  const most = Math.max(...moments(rows).covariance);
  near(drawn.mean, moments(rows).mean, 0.05 * Math.sqrt(most));
  near(drawn.covariance, moments(rows).covariance, 0.05 * most);
});

test("each component of a mixture has its share of the draws, spread over all of them", () => {
  const weights = [0.5, 0.3, 0.15, 0.05];
  const mixture = { weights, means: weights.map((_, k) => [10 * k]), roots: weights.map(() => [1]) };
  const taken = drawFromMixture(
    mixture,
    many(1000, () => [0]),
  ).map(([x]) => x / 10);
  weights.forEach((weight, k) => {
    const places = taken.flatMap((component, at) => (component === k ? [at] : []));
    near(places.length, 1000 * weight, 3); // an even sequence: by chance it would be some 15
    near(places.reduce((a, b) => a + b) / places.length, 499.5, 30);
  });
  assert.deepEqual(drawFromMixture({ weights: [1], means: [[3, 4]], roots: [[2, 0, 0, 5]] }, [[1, 1]]), [[5, 9]]);
});

test("pairs of normal draws have the moments of a normal distribution, and do not hang together", (t) => {
  t.mock.method(Math, "random", uniform(11));
  const pairs = many(20000, normalPair);
  for (const k of [0, 1]) {
    const moment = (power) => pairs.reduce((sum, pair) => sum + pair[k] ** power, 0) / pairs.length;
    near([moment(1), moment(2), moment(3), moment(4)], [0, 1, 0, 3], 0.15);
    near(pairs.filter((pair) => Math.abs(pair[k]) < 1).length / pairs.length, 0.6827, 0.01);
  }
  near(pairs.reduce((sum, [x, y]) => sum + x * y, 0) / pairs.length, 0, 0.03);
  near(pairs.reduce((sum, [x, y]) => sum + x * x * y * y, 0) / pairs.length, 1, 0.1);
});

test("the rate is the integral of q log(q / p)", () => {
  const mean = [0.3, -1.2, 0];
  const std = [0.5, 1.7, 1];
  const density = (x, m, s) => Math.exp(-0.5 * ((x - m) / s) ** 2) / (s * Math.sqrt(2 * Math.PI));
  const rates = mean.map((m, k) =>
    integral((x) => density(x, m, std[k]) * (-0.5 * ((x - m) / std[k]) ** 2 - Math.log(std[k]) + 0.5 * x * x), m - 12 * std[k], m + 12 * std[k]),
  );
  near(
    gaussianRate({ mean, std }),
    rates.reduce((a, b) => a + b),
    1e-8,
  );
});
