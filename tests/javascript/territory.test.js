// The plane by the class of what is decoded there: classes, leads, lines between them, and the nearest other ones.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Territory } from "../../vae_explorer/ui/canvas/territory.js";
import { bell, many, near, uniform } from "./oracles.js";
import { openPage } from "./page.js";

openPage();
const EXTENT = [-3, 5, 1, 7]; // x0, x1, y0, y1
const CLASSES = [1, 4, 6];

/** A message of probabilities by chance, and the same as rung, cell, class. */
function message(side, rungs, seed, classes = CLASSES) {
  const draw = uniform(seed);
  const shares = many(rungs.length * side * side, () => {
    const some = many(classes.length, () => draw() ** 3);
    const sum = some.reduce((a, b) => a + b);
    return some.map((share) => Math.round((255 * share) / sum));
  });
  return { sent: { rungs, extent: EXTENT, side, classes, values: Uint8Array.from(shares.flat()) }, at: (rung, cell) => shares[rung * side * side + cell] };
}

/** Three classes beside each other, by what a rule says of a cell's centre. */
function painted(side, rule, lead = 1) {
  const values = new Uint8Array(side * side * CLASSES.length);
  const labels = many(side * side, (_, cell) => CLASSES.indexOf(rule(...centre(side, cell))));
  labels.forEach((k, cell) => (values[cell * CLASSES.length + k] = Math.round(255 * lead)));
  const territory = new Territory({ rungs: [1], extent: EXTENT, side, classes: CLASSES, values });
  territory.climb(null);
  return territory;
}

/** The centre of a cell, the first row at the top. */
function centre(side, cell) {
  const [column, row] = [cell % side, (cell - (cell % side)) / side];
  return [-3 + ((column + 0.5) * 8) / side, 7 - ((row + 0.5) * 6) / side];
}

const RUNGS = [0.01, 0.1, 1, 10];

for (const [beta, rung, share] of [
  [0.001, 0, 0],
  [0.01, 0, 0],
  [0.02, 0, Math.log(2) / Math.log(10)],
  [0.1, 1, 0],
  [0.5, 1, Math.log(5) / Math.log(10)],
  [9, 2, Math.log(9) / Math.log(10)],
  [10, 3, 0],
  [100, 3, 0],
])
  test(`at a KL weight of ${beta} each cell has the class and the lead of its probabilities, on straight lines over log beta`, () => {
    const { sent, at } = message(7, RUNGS, 2);
    const territory = new Territory(sent);
    territory.climb(10);
    territory.climb(beta);
    for (let cell = 0; cell < 49; cell++) {
      const mixed = at(rung, cell).map((value, k) => (1 - share) * value + (share ? share * at(rung + 1, cell)[k] : 0));
      const [first, second] = [...mixed].sort((a, b) => b - a);
      near(territory.leads[cell], (first - second) / 255, 1e-6);
      if (first - second > 1e-9) assert.equal(CLASSES[territory.labels[cell]], CLASSES[mixed.indexOf(first)]);
    }
  });

test("without a KL weight there is one rung, and one class leads by all", () => {
  const territory = new Territory({ rungs: [1], extent: EXTENT, side: 1, classes: [3], values: Uint8Array.of(255) });
  territory.climb(null);
  assert.deepEqual([[...territory.labels], [...territory.leads]], [[0], [1]]);
  assert.deepEqual(territory.boundaries("#000"), [], "one class has no border");
});

/** Whether a place lies inside closed lines: a ray from it crosses them an odd number of times. */
function inside({ segments, count }, x, y) {
  let crossings = 0;
  for (let k = 0; k < count; k += 4) {
    const [x0, y0, x1, y1] = segments.subarray(k, k + 4);
    if (y0 > y !== y1 > y && x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)) crossings++;
  }
  return crossings % 2 === 1;
}

const STRIPES = (x, y) => (x + 0.3 * y < 1 ? 1 : y > 4.2 ? 4 : 6);

test("lines lie where the likeliest class changes: around the cells of each class, and around no other", () => {
  const side = 32;
  const territory = painted(side, STRIPES, 0.6);
  const lines = territory.boundaries("#123456");
  assert.equal(lines.length, 3);
  const present = [...new Set(territory.labels)];
  lines.forEach((line, which) => {
    assert.equal(line.colour, "#123456");
    for (let cell = 0; cell < side * side; cell++) assert.equal(inside(line, ...centre(side, cell)), territory.labels[cell] === present[which], `cell ${cell}`);
  });
});

test("a line is nearer to the cell whose class leads by less", () => {
  const values = Uint8Array.from([...[255, 0], ...[100, 155], ...[255, 0], ...[100, 155]]); // leads of 255 and of 55
  const territory = new Territory({ rungs: [1], extent: [0, 2, 0, 2], side: 2, classes: [0, 1], values });
  territory.climb(1);
  const [{ segments, count }] = territory.boundaries("#000");
  const xs = many(count / 2, (_, k) => [segments[2 * k], segments[2 * k + 1]])
    .filter(([, y]) => y >= 0.5 && y <= 1.5)
    .map(([x]) => x);
  near(Math.max(...xs), 0.5 + 255 / (255 + 55), 1e-5);
});

test("lines of other classes leave none of an earlier answer behind", () => {
  const territory = painted(16, STRIPES);
  territory.boundaries("#000");
  territory.labels.fill(0);
  assert.deepEqual(territory.boundaries("#000"), []);
  territory.labels.fill(2, 0, 40);
  assert.equal(territory.boundaries("#000").length, 2);
});

/** All cells of other classes, nearest first, one by one. */
function byHand(territory, side, [x, y], from, to, unit) {
  return many(side * side, (_, cell) => ({ label: CLASSES[territory.labels[cell]], place: centre(side, cell) }))
    .filter(({ label }) => label !== from && (to === null || label === to))
    .map(({ place }) => ({ place, away: Math.sqrt(((place[0] - x) / unit[0]) ** 2 + ((place[1] - y) / unit[1]) ** 2) }))
    .sort((a, b) => a.away - b.away);
}

for (const to of [null, 1, 4, 6])
  for (const unit of [
    [1, 1],
    [0.25, 3],
  ])
    test(`towards ${to ?? "any other"} class, in units of ${unit}, the nearest cells come first`, () => {
      const side = 24;
      const territory = painted(side, STRIPES);
      const draw = bell(4);
      for (let k = 0; k < 20; k++) {
        const z = [1 + 2 * draw(), 4 + 2 * draw()];
        const from = STRIPES(...z);
        const found = territory.others(z, from, to, 6, unit);
        const wanted = byHand(territory, side, z, from, to, unit).slice(0, 6);
        if (to === from) {
          assert.deepEqual(found, [], "nothing leads to where one is");
          continue;
        }
        assert.equal(found.length, 6);
        const away = ([x, y]) => Math.hypot((x - z[0]) / unit[0], (y - z[1]) / unit[1]);
        near(
          found.map(away),
          wanted.map((each) => each.away),
          1e-9,
        );
        for (const place of found) assert.notEqual(STRIPES(...place), from);
        if (to !== null) for (const place of found) assert.equal(STRIPES(...place), to);
      }
    });

test("a class that is nowhere has no cell, and a model of one axis has a y of 0", () => {
  const territory = painted(8, STRIPES);
  assert.deepEqual(territory.others([0, 4], 1, 9, 6, [1, 1]), []);
  const [[, y]] = territory.others([-3], 1, null, 1, [1, 1]);
  assert.ok(Math.abs(y - 0) < 3.1, "the lowest row of another class is nearest to y = 0");
  assert.deepEqual(territory.others([-3], 1, null, 1, [1, 1]), territory.others([-3, 0], 1, null, 1, [1, 1]));
});

test("a tint is as strong as its class's lead, faint where no code lies near", () => {
  const side = 16;
  const left = (x) => (x < 1 ? 1 : 4);
  const colours = ["#000000", "#102030", "#000000", "#000000", "#405060", "#000000", "#000000"];
  const codes = many(600, (_, k) => (k % 2 ? 4 + Math.sin(k) : 3 + Math.cos(k))); // on the right alone
  const plot = { xy: Float32Array.from(codes), labels: new Uint8Array(300), hidden: new Uint8Array(256) };
  const tint = (lead, cell) => {
    const territory = painted(side, left, lead);
    const { underlay } = territory.paint(plot, colours, "#000");
    assert.deepEqual(underlay.extent, EXTENT);
    return [...underlay.image.shown.data.subarray(4 * cell, 4 * cell + 4)];
  };
  const cellAt = (x, y) => Math.floor(((7 - y) / 6) * side) * side + Math.floor(((x + 3) / 8) * side);
  const [near_, far] = [cellAt(3, 4.2), cellAt(-2, 2)];
  for (const [lead, alpha] of [
    [1, 150],
    [0.4, 24 + 0.4 * 126],
  ]) {
    const [r, g, b, a] = tint(lead, near_);
    assert.deepEqual([r, g, b], [0x40, 0x50, 0x60]);
    near(a, alpha, 1);
    const there = tint(lead, far);
    assert.deepEqual(there.slice(0, 3), [0x10, 0x20, 0x30]);
    near(there[3], alpha / 4, 1);
  }
});
