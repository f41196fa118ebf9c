// What an estimate from draws is, against plain sums.

import assert from "node:assert/strict";
import { test } from "node:test";
import { convergenceOf, growthOf, likenessOf } from "../../vae_explorer/ui/canvas/theory/screens/alike.js";
import { carriersOf, countsTo, countText, estimatesAt } from "../../vae_explorer/ui/canvas/theory/screens/draws.js";
import { bell, near } from "./oracles.js";

test("an estimate is the log of the mean, also far below what a float holds", () => {
  const next = bell(1);
  const small = Float64Array.from({ length: 400 }, () => 3 * next());
  const counts = [1, 2, 17, 400];
  const found = estimatesAt(
    Array.from(small, (log) => log - 1500),
    counts,
  );
  counts.forEach((count, k) => {
    const mean = small.subarray(0, count).reduce((sum, log) => sum + Math.exp(log), 0) / count;
    near(found[k], Math.log(mean) - 1500, 1e-6);
  });
  near(estimatesAt(small, [50], 350)[0], Math.log(small.subarray(350).reduce((sum, log) => sum + Math.exp(log), 0) / 50), 1e-6);
});

test("the fewest draws that carry a share of the sum are the heaviest", () => {
  const weights = [0.009, 0.9, 0.001, 0.09];
  const logs = Float32Array.from(weights, (w) => Math.log(w) - 1300);
  assert.deepEqual([...carriersOf(logs, 4, 0.5)], [1]);
  assert.deepEqual([...carriersOf(logs, 4, 0.95)], [1, 3]);
  assert.deepEqual([...carriersOf(logs, 4, 0.995)], [1, 3, 0]);
  assert.deepEqual([...carriersOf(logs, 1)], [0]);
  assert.equal(carriersOf(new Float32Array(1000).fill(-2000), 1000).length, 990);
});

test("counts rise to the most, and large ones are written short", () => {
  assert.deepEqual(countsTo(1), [1]);
  const counts = countsTo(100_000);
  assert.equal(counts.at(-1), 100_000);
  assert.ok(counts.every((count, k) => k === 0 || (count > counts[k - 1] && count / counts[k - 1] <= 2)));
  assert.equal(countText(100_000), "100,000");
  assert.equal(countText(Math.exp(25)), "7e+10".replace("+", ""));
});

test("likeness falls with the squared distance over two sigma squared", () => {
  const { marks, words } = likenessOf([2, 8, 18, 32], 0.5);
  const points = marks.slice(0, 4).map(({ points: all = [] }) => all.find(([sigma]) => Math.abs(sigma - 1) < 1e-9)?.[1]);
  [1, 4, 9, 16].forEach((wanted, k) => near(points[k] ?? NaN, wanted, 1e-6));
  assert.match(words, /by 12\.00 nats .* lacks a piece/);
  assert.match(likenessOf([8, 2, 18, 32], 0.5).words, /half a pixel\. /);
});

test("what grows is drawn where it was measured, hollow where it takes more than was drawn", () => {
  const one = { kind: "", about: [], number: 0, of: 20, image: 0, rate: 5, needed: 300, judged: 10000 };
  const known = { exact: null, models: null, needed: [one, { ...one, needed: null, rate: 11 }], judged: 40, toJudge: 40 };
  const { marks, words } = growthOf(known);
  assert.deepEqual(marks[1].points, [[5, 300]]);
  assert.deepEqual(marks[2].points, [[11, 10000]]);
  assert.equal(marks[2].hollow, true);
  assert.match(words, /2 of 20 .* 1 take more than 10,000/);
  for (const [x, y] of marks[0].points ?? []) near(Math.log(y), x, 1e-6);
});

test("the band is one standard error of the mean, and only where that is small", () => {
  const exact = { kind: "", about: [], logPx: -1200, error: 0.001, rate: 3, logScatter: Math.log(26) };
  const { marks, y } = convergenceOf(new Float32Array(1000).fill(-1200), 1000, { n: 100, estimate: -1200, wanted: 100, exact, origin: "prior" });
  const band = marks[0];
  const at = (band.low ?? []).findIndex(([count]) => count === 2048);
  near(band.low?.[at][1] ?? NaN, -1200 + Math.log(1 - 5 / Math.sqrt(2048)), 1e-9);
  near(band.high?.[at][1] ?? NaN, -1200 + Math.log(1 + 5 / Math.sqrt(2048)), 1e-9);
  assert.ok((band.low ?? []).every(([count]) => count > 69));
  assert.deepEqual(y, [-1225, -1196]);
});
