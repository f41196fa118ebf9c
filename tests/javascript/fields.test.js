// What a scatter plot lays below and around its points: densities, lines of equal value, outlines.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ClassContours } from "../../vae_explorer/ui/canvas/scatter/contours.js";
import { Density, Heat } from "../../vae_explorer/ui/canvas/scatter/fields.js";
import { Outlines } from "../../vae_explorer/ui/canvas/scatter/outlines.js";
import { bell, many, near, uniform } from "./oracles.js";
import { openPage } from "./page.js";

openPage();
const SIDE = 64;
const EXTENT = [-4, 4, -2, 6]; // x0, x1, y0, y1
const SHOWN = new Uint8Array(256);

/** The centre of a cell. */
const centre = (at) => [-4 + ((at % SIDE) + 0.5) / 8, 6 - (Math.floor(at / SIDE) + 0.5) / 8];

for (const bandwidth of [1.5, 3, 6])
  test(`a density of bandwidth ${bandwidth} is a sum of Gaussians around the points`, () => {
    const draw = bell(9);
    const count = 40;
    const xy = Float32Array.from(many(2 * count, (_, i) => (i % 2 ? 2 : 0) + 0.4 * draw()));
    const found = new Density(SIDE).update(xy, new Uint8Array(count), SHOWN, EXTENT, bandwidth);
    near(
      found.reduce((a, b) => a + b),
      count,
      1e-3,
    );
    const sigma = bandwidth / 8; // in data units
    const sum = (at) => {
      const [x, y] = centre(at);
      const gauss = (i) => Math.exp(-((xy[2 * i] - x) ** 2 + (xy[2 * i + 1] - y) ** 2) / (2 * sigma ** 2));
      return many(count, (_, i) => gauss(i)).reduce((a, b) => a + b) / (2 * Math.PI * bandwidth ** 2);
    };
    const oracle = many(SIDE * SIDE, (_, at) => sum(at));
    near(found, oracle, 0.1 * Math.max(...oracle));
  });

test("one point's density has the bandwidth's variance, but for how it lies among its cells' centres", () => {
  for (const bandwidth of [1, 2.5, 5])
    for (const part of [0, 0.3, 0.5]) {
      const column = 30 + part;
      const found = new Density(SIDE).update(Float32Array.of(-4 + (column + 0.5) / 8, 2), new Uint8Array(1), SHOWN, EXTENT, bandwidth);
      const variance = found.reduce((sum, value, at) => sum + value * ((at % SIDE) - column) ** 2, 0);
      near(variance, bandwidth ** 2 - 1 / 6 + part * (1 - part), 0.002 * bandwidth ** 2);
    }
});

test("each class has its own density, hidden ones none; values at the points are those of their cells", () => {
  const draw = uniform(3);
  const count = 200;
  const xy = Float32Array.from(many(2 * count, (_, i) => (i % 2 ? -1 + 6 * draw() : -3 + 6 * draw())));
  const labels = Uint8Array.from(many(count, (_, i) => i % 3));
  const hidden = Uint8Array.from(many(256, (_, k) => Number(k === 1)));
  const density = new Density(SIDE);
  const grids = density.perClass(xy, labels, hidden, EXTENT, 2, 3);
  const alone = (k) =>
    new Density(SIDE).update(
      xy.filter((_, i) => labels[i >> 1] === k),
      labels.filter((label) => label === k),
      SHOWN,
      EXTENT,
      2,
    );
  near(grids[0], alone(0), 1e-6);
  near(grids[2], alone(2), 1e-6);
  assert.ok(grids[1].every((value) => value === 0));
  const values = density.atPoints(xy, labels, hidden, EXTENT);
  let at = 0;
  for (const k of [0, 2])
    for (let i = k; i < count; i += 3, at++) {
      const [u, v] = [(xy[2 * i] + 4) * 8 - 0.5, (6 - xy[2 * i + 1]) * 8 - 0.5];
      const [left, top] = [Math.floor(u), Math.floor(v)];
      const weight = (column, row) => (1 - Math.abs(u - column)) * (1 - Math.abs(v - row)) * grids[k][row * SIDE + column];
      near(values[at], weight(left, top) + weight(left + 1, top) + weight(left, top + 1) + weight(left + 1, top + 1), 1e-5);
    }
});

/** Whether a point lies inside closed lines: a ray from it crosses them an odd number of times. */
function inside(segments, count, x, y) {
  let crossings = 0;
  for (let k = 0; k < count; k += 4) {
    const [x0, y0, x1, y1] = segments.subarray(k, k + 4);
    if (y0 > y !== y1 > y && x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)) crossings++;
  }
  return crossings % 2 === 1;
}

/** Whether lines begin at every place as often as they end there. */
function closed(segments, count) {
  const ends = new Map();
  for (let at = 0; at < count; at += 4) {
    const [from, to] = [segments.subarray(at, at + 2).join(), segments.subarray(at + 2, at + 4).join()];
    ends.set(from, (ends.get(from) ?? 0) + 1).set(to, (ends.get(to) ?? 0) - 1);
  }
  return [...ends.values()].every((value) => value === 0);
}

test("lines around a scatter of lumps, with saddles between them, are closed, and hold no less than their share", () => {
  const draw = uniform(8);
  const count = 3000;
  const lumps = many(70, () => [-3 + 6 * draw(), -1 + 6 * draw()]);
  const xy = Float32Array.from(many(count, (_, i) => lumps[i % 70].map((value) => value + 0.3 * draw())).flat());
  const lines = new ClassContours(SIDE).update(xy, new Uint8Array(count), SHOWN, EXTENT, 1.2, ["#000000"]);
  lines.forEach(({ segments, count: numbers }, k) => {
    assert.ok(closed(segments, numbers));
    near(many(count, (_, i) => i).filter((i) => inside(segments, numbers, xy[2 * i], xy[2 * i + 1])).length / count, [0.5, 0.9][k], 0.03);
  });
});

test("a class's lines are closed, and hold half and nine tenths of its points", () => {
  const draw = bell(6);
  const count = 6000;
  const shift = [
    [-1.5, 1],
    [1.5, 3],
  ];
  const labels = Uint8Array.from(many(count, (_, i) => i % 2));
  const xy = Float32Array.from(many(2 * count, (_, i) => shift[(i >> 1) % 2][i % 2] + 0.6 * draw()));
  const lines = new ClassContours(SIDE).update(xy, labels, SHOWN, EXTENT, 2, ["#ff0000", "#0000ff"]);
  assert.deepEqual(
    lines.map(({ colour }) => colour),
    ["#ff0000", "#ff0000", "#0000ff", "#0000ff"],
  );
  assert.ok(lines[0].width > lines[1].width);
  lines.forEach(({ segments, count: numbers }, k) => {
    const label = k >> 1;
    const own = many(count, (_, i) => i).filter((i) => labels[i] === label);
    near(own.filter((i) => inside(segments, numbers, xy[2 * i], xy[2 * i + 1])).length / own.length, [0.5, 0.9][k % 2], 0.015);
    assert.ok(closed(segments, numbers));
    for (const axis of [0, 1]) near(many(numbers / 4, (_, at) => segments[4 * at + axis]).reduce((a, b) => a + b) / (numbers / 4), shift[label][axis], 0.06);
    const radii = many(numbers / 4, (_, at) => Math.hypot(segments[4 * at] - shift[label][0], segments[4 * at + 1] - shift[label][1]));
    const radius = 0.6 * Math.sqrt(-2 * Math.log(k % 2 ? 0.1 : 0.5)); // that holds the share of a Gaussian
    near(radii.reduce((a, b) => a + b) / radii.length, radius, 0.05);
  });
});

test("ink grows with the value, from clear to solid, and the top may be given", () => {
  const heat = new Heat(3);
  const ramp = Uint32Array.from(many(256, (_, k) => k));
  const levels = (...how) => [...new Uint32Array(heat.paint(Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8]), ramp, ...how).shown.data.buffer)];
  near(
    levels(1),
    many(9, (_, k) => (255 * k) / 8),
    1,
  );
  near(
    levels(0.5),
    many(9, (_, k) => 255 * Math.sqrt(k / 8)),
    1,
  );
  near(
    levels(1, 4),
    many(9, (_, k) => Math.min(255, (255 * k) / 4)),
    1,
  );
});

for (const [rx, ry] of [
  [60, 25],
  [20, 20],
  [5, 70],
  [300, 40],
])
  test(`the outline of an ellipse of half-axes ${rx} and ${ry} px is one closed line, one px wide`, () => {
    const [width, height] = [200, 160];
    const words = new Uint32Array(width * height);
    const map = { ax: 2, bx: 10, ay: -2, by: 90 };
    const [cx, cy] = [100, 80];
    new Outlines().draw(words, width, [(cx - 10) / 2, (90 - cy) / 2], [rx / 2, ry / 2], [0], [0x123456], SHOWN, map, 1);
    const turns = new Set();
    words.forEach((word, at) => {
      if (word >>> 24 < 16) return; // hardly seen
      assert.equal(word & 0xffffff, 0x123456);
      const [x, y] = [(at % width) - cx, Math.floor(at / width) - cy];
      const value = (x / rx) ** 2 + (y / ry) ** 2 - 1; // over its slope: the distance, to first order
      near(value / (2 * Math.hypot(x / rx ** 2, y / ry ** 2)), 0, 1.3, `pixel ${x} ${y}`);
      turns.add(Math.floor((64 * (Math.atan2(y / ry, x / rx) + Math.PI)) / (2 * Math.PI)) % 64);
    });
    const seen = many(64, (_, k) => k).filter((k) => {
      const angle = ((k + 0.5) / 64) * 2 * Math.PI - Math.PI;
      return Math.abs(rx * Math.cos(angle)) < width / 2 - 4 && Math.abs(ry * Math.sin(angle)) < height / 2 - 4;
    });
    if (rx > 8)
      assert.deepEqual(
        seen.filter((k) => !turns.has(k)),
        [],
      );
  });

test("outlines of hidden classes are not drawn, and those below their points are left out", () => {
  const words = new Uint32Array(400);
  const draw = (labels, std, hidden) => new Outlines().draw(words, 20, [10, 10], std, labels, [1, 2], hidden, { ax: 1, bx: 0, ay: 1, by: 0 }, 1);
  draw([1], [5, 5], Uint8Array.of(0, 1));
  draw([0], [0.9, 0.9], SHOWN);
  assert.ok(words.every((word) => word === 0));
});
