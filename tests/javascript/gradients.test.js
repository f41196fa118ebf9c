// Histograms, figures and the fan of gradients against counts, words and geometry worked out by hand.

import assert from "node:assert/strict";
import test from "node:test";
import { fanned } from "../../vae_explorer/ui/canvas/theory/screens/gradient.js";
import { binned, inFigures } from "../../vae_explorer/ui/canvas/theory/screens/histogram.js";

test("every value is counted once, in the bin that holds it, and one bin is centred on the centre", () => {
  const values = Array.from({ length: 1000 }, (_, k) => Math.sin(k) ** 3 + 0.3);
  const bars = binned(values, 20, 0.3);
  assert.equal(bars.length, 21);
  assert.equal(
    bars.reduce((sum, bar) => sum + bar[2], 0),
    1000,
  );
  const middle = bars[10];
  assert.ok(Math.abs((middle[0] + middle[1]) / 2 - 0.3) < 1e-12);
  for (const [from, to, count] of bars.slice(1, -1)) {
    const within = values.filter((value) => value >= from && value < to).length;
    assert.ok(Math.abs(within - count) <= 1, `${from} to ${to}: ${within}, counted ${count}`);
  }
  bars.slice(1).forEach((bar, k) => assert.ok(Math.abs(bar[0] - bars[k][1]) < 1e-12));
});

test("a value far out does not widen the bins, and is counted at the end", () => {
  const values = [...Array.from({ length: 999 }, (_, k) => k / 999), 1e6];
  const bars = binned(values, 10, 0.5);
  assert.ok(bars[10][1] < 2);
  assert.ok(bars[10][2] >= 1);
});

test("values that are all alike have a bin", () => {
  const bars = binned([2, 2, 2], 4, 2);
  assert.equal(bars[2][2], 3);
});

test("numbers have three figures, commas between thousands, and a power where there are too many noughts", () => {
  for (const [value, text] of [
    [4235732.6, "4,240,000"],
    [0.044851, "0.0449"],
    [-7.7672, "-7.77"],
    [0, "0"],
    [1.5e-7, "1.5e-7"],
  ])
    assert.equal(inFigures(value), text);
});

test("an arrow of the fan has its angle to the whole gradient and its length, and every other one is below", () => {
  const degrees = [0, 30, 90, 120];
  const ratio = [1, 2, 3, 4];
  const ends = fanned(degrees, ratio);
  ends.forEach(([x, y], k) => {
    assert.ok(Math.abs(Math.hypot(x, y) - ratio[k]) < 1e-9);
    assert.ok(Math.abs((180 / Math.PI) * Math.acos(x / ratio[k]) - degrees[k]) < 1e-5);
    assert.ok(k % 2 ? y < 0 : y >= 0);
  });
});
