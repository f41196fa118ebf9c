import assert from "node:assert/strict";
import { test } from "node:test";
import { klParts, mixtureField } from "../../vae_explorer/ui/canvas/theory/screens/kl.js";
import {
  densityAfter,
  flowMap,
  moonsMap,
  normalAt,
  ringMap,
  spiralMap,
  squareAfter,
  squareField,
} from "../../vae_explorer/ui/canvas/theory/screens/ring_maps.js";
import { cellsOf, inkMarks, strokesOf } from "../../vae_explorer/ui/canvas/theory/screens/ring_square.js";
import { threeDigits } from "../../vae_explorer/ui/canvas/theory/screens/ring_words.js";
import { bell, integral, many, near } from "./oracles.js";

const draw = bell(5);
const layers = many(8 * 66, () => 0.2 * draw());
const MAPS = {
  ring: ringMap(10),
  "flat ring": ringMap(0.5),
  moons: moonsMap(),
  spiral: spiralMap(),
  flow: flowMap({ layers, shift: [0.2, -0.1], scale: [0.7, 1.2] }),
};

for (const [name, map] of Object.entries(MAPS)) {
  test(`${name}: log |det J| is that of differences`, () => {
    const h = 1e-5;
    for (let k = 0; k < 50; k++) {
      const [x, y] = [draw(), draw()];
      if (Math.abs(x) < 1e-3) continue;
      const [a, b] = [map.land(x + h, y), map.land(x - h, y)];
      const [c, d] = [map.land(x, y + h), map.land(x, y - h)];
      const det = ((a[0] - b[0]) * (c[1] - d[1]) - (a[1] - b[1]) * (c[0] - d[0])) / (4 * h * h);
      near(map.land(x, y)[2], Math.log(Math.abs(det)), 1e-4, name);
    }
  });

  test(`${name}: a point is among the preimages of where it lands, and each lands there`, () => {
    for (let k = 0; k < 50; k++) {
      const [x, y] = [draw(), draw()];
      const [u, v] = map.land(x, y);
      const found = map.preimages(u, v);
      assert.ok(found.some(([p, q]) => Math.hypot(p - x, q - y) < 1e-6));
      for (const [p, q] of found) near(map.land(p, q).slice(0, 2), [u, v], 1e-6, name);
    }
  });

  test(`${name}: the density integrates to one`, () => {
    const reach = name === "flow" ? 10 : Math.max(4, 1.5 * map.reach);
    const side = name === "flow" ? 320 : 400;
    const sum = squareField((u, v) => densityAfter(map, u, v), reach, side).reduce((a, b) => a + b, 0);
    near(sum * ((2 * reach) / side) ** 2, 1, 5e-3, name);
  });
}

test("the ring's density is a Rayleigh distribution's around a circle", () => {
  const map = ringMap(10);
  for (const rho of [1.02, 1.1, 1.4]) {
    const r = 10 * (rho - 1);
    near(densityAfter(map, 0, -rho), (r * Math.exp(-0.5 * r * r) * 10) / (2 * Math.PI * rho), 1e-9);
  }
  assert.equal(densityAfter(map, 0.3, 0.2), 0);
  assert.equal(map.land(0, 0)[2], Infinity);
});

test("a square's mass is the normal distribution's, its area after the ring has a closed form", () => {
  const found = squareAfter(ringMap(10), [0, 0, 0.25], 200);
  const side = integral((x) => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI), -0.25, 0.25);
  near(found.mass, side * side, 1e-5);
  near(found.landed, (0.25 / 10 + 2 * Math.asinh(1)) / 10, 2e-3);
  near([found.before, found.det, found.after], [found.mass / 0.25, found.landed / 0.25, found.mass / found.landed], 1e-12);
});

test("a field has its first row at the top", () => {
  assert.deepEqual([...squareField((x, y) => x + 10 * y, 1, 2)], [4.5, 5.5, -5.5, -4.5]);
  near(normalAt(1, 2), Math.exp(-2.5) / (2 * Math.PI), 1e-12);
});

test("a torn cell is left out, and the ink grows with |det J|", () => {
  const { before, after } = cellsOf(ringMap(10), [0, 0, 0.5], 4);
  assert.equal(after.filter(({ outline }) => outline.length === 0).length, 1, "the cell around 0 alone");
  const middle = before[12 * 25 + 13].ink;
  assert.ok(middle > before[0].ink && before[12 * 25 + 13].ink === after[12 * 25 + 13].ink);
});

test("ink is strokes between which the pen is up", () => {
  assert.deepEqual(strokesOf([0.5, 0.5, 1, 0, -1, -1, 0, 1]), [
    [
      [0, 0],
      [2, -2],
    ],
    [[-2, 2]],
  ]);
  assert.deepEqual(strokesOf([]), []);
  assert.deepEqual(
    inkMarks([0.5, 0.5, 1, 0, -1, -1, 0, 1], false).map(({ mark }) => mark),
    ["line", "dots"],
  );
});

test("numbers by three digits", () => {
  assert.deepEqual([Infinity, 0.15123, 1091.2, 0.00008912, 0].map(threeDigits), ["\u221e", "0.151", "1,090", "8.9\u00b710\u207b\u2075", "0.00"]);
});

test("both divergences of a Gaussian and the prior are integrals", () => {
  const [m, s] = [0.7, 0.4];
  const q = (x) => Math.exp(-0.5 * ((x - m) / s) ** 2) / (s * Math.sqrt(2 * Math.PI));
  const p = (x) => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
  const logs = (x) => -0.5 * ((x - m) / s) ** 2 - Math.log(s) + 0.5 * x * x;
  const found = klParts([m], [s]);
  near(
    found.kl,
    integral((x) => q(x) * logs(x), m - 5, m + 5),
    1e-6,
  );
  near(
    found.forward,
    integral((x) => -p(x) * logs(x), -9, 9),
    1e-6,
  );
  near(found.means + found.widths + found.logs, found.kl, 1e-12);
  near([found.means, found.widths, found.logs], [0.245, 0.5 * (0.16 - 1), -Math.log(0.4)], 1e-12);
  near(klParts([1, 0], [0.5, 2]).kl, klParts([1], [0.5]).kl + klParts([0], [2]).kl, 1e-12);
});

test("a mixture's field integrates to one", () => {
  const parts = [
    [-1, 0, 0.5, 0.7],
    [1, 1, 0.4, 0.4],
  ];
  const sum = mixtureField([0.6, 0.4], parts, 96, 5).reduce((a, b) => a + b, 0);
  near(sum * (10 / 96) ** 2, 1, 1e-4);
});
