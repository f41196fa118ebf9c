// What Compare says in words, which of the worst spots it shows, and what both sides share: without a page.

import assert from "node:assert/strict";
import { test } from "node:test";
import "./product.js";
import { many, near, uniform } from "./oracles.js";
import { FakeElement, openPage } from "./page.js";

openPage();
const CANVAS = "../../vae_explorer/ui/canvas/duel";
const { Counts } = await import(`${CANVAS}/counts.js`);
const { Spots } = await import(`${CANVAS}/spots.js`);
const { Planes } = await import(`${CANVAS}/planes.js`);
const { DuelSide } = await import(`${CANVAS}/duel_side.js`);
const { gapWords } = await import(`${CANVAS}/gap_words.js`);
const { noteOn } = await import(`${CANVAS}/words.js`);

/** All text below an element. */
const textOf = (node) => (typeof node === "string" ? node : [node.textContent, ...node.children.map(textOf)].join(""));

const NAMES = ["cat", "dog", "owl", "<b>"];

for (const [missing, recognised, words, known = [0, 1, 2, 3]] of [
  [[], 0.504, "4 of 4 classes \u00b7 50 % recognised of 4,000 draws"],
  [[1], 1, "3 of 4 classes, missing: dog \u00b7 100 % recognised of 4,000 draws"],
  [[0, 3], 0, "2 of 4 classes, missing: cat, <b> \u00b7 0 % recognised of 4,000 draws"],
  [[0], 0.5, "2 of 3 classes, missing: cat \u00b7 50 % recognised of 4,000 draws", [0, 1, 3]], // one that the classifier does not know
])
  test(`draws of which ${missing.length} classes are missing: ${words}`, () => {
    const counts = new Counts({ sides: [{ world: { names: NAMES } }] });
    assert.equal(textOf(counts.words({ counts: [1, 2, 3, 4], known, recognised, missing, draws: 4000 })), words);
  });

test("counts are those of now only where seed, samplings and weight are", () => {
  const duel = { state: { seed: 3, spaces: ["prior", "fitted"] }, weight: { beta: 0.5 } };
  const counts = new Counts(duel);
  assert.ok(!counts.current, "none has come");
  counts.message = { seed: 3, spaces: ["prior", "fitted"], beta: 0.5, sides: [] };
  assert.ok(counts.current);
  for (const change of [{ seed: 4 }, { spaces: ["fitted", "prior"] }, { spaces: ["prior", "prior"] }, { beta: 0.51 }]) {
    counts.message = { seed: 3, spaces: ["prior", "fitted"], beta: 0.5, sides: [], ...change };
    assert.ok(!counts.current, JSON.stringify(change));
  }
});

/** Spots of the left side: `count` of them, of a field. */
function spots(count, state, field = "round_trip") {
  const gone = [];
  const found = { field: "round_trip", spots: many(count, (_, k) => ({ z: [k, -k], value: 10 - k })) };
  const duel = {
    find: () => new FakeElement(),
    state: { tab: "sample", field, spot: null, ...state },
    picking: { goToSpot: (...to) => gone.push(to) },
  };
  return { spots: new Spots(duel, { name: "left", field: count ? found : null }), gone };
}

test("the worst spots are those of the field that is shown, on the tabs that show them", () => {
  assert.equal(spots(8, {}).spots.all.length, 8);
  assert.equal(spots(8, { tab: "gaps" }).spots.all.length, 8);
  for (const tab of ["path", "class", "draw", "table"]) assert.deepEqual(spots(8, { tab }).spots.all, []);
  assert.deepEqual(spots(8, {}, "density").spots.all, [], "those of another field");
  assert.deepEqual(spots(8, {}, null).spots.all, []);
  assert.deepEqual(spots(0, {}).spots.all, []);
});

test("three buttons at once, and the chosen one is among them", () => {
  assert.equal(spots(8, {}).spots.from, 0);
  for (const chosen of many(8, (_, k) => k + 1)) {
    const { from } = spots(8, { spot: ["left", chosen] }).spots;
    assert.ok(from >= 0 && from + 3 <= 8);
    assert.ok(from < chosen && chosen <= from + 3);
    assert.equal(spots(8, { spot: ["right", chosen] }).spots.from, 0, "the other side's");
  }
  assert.equal(spots(2, { spot: ["left", 2] }).spots.from, 0);
});

test("the key leads from the worst to the last one, and round", () => {
  const next = (spot, count = 3) => {
    const made = spots(count, { spot });
    made.spots.next();
    return made.gone;
  };
  assert.deepEqual(next(null), [["left", 1, [0, -0]]]);
  assert.deepEqual(next(["right", 2]), [["left", 1, [0, -0]]]);
  assert.deepEqual(next(["left", 1]), [["left", 2, [1, -1]]]);
  assert.deepEqual(next(["left", 3]), [["left", 1, [0, -0]]]);
  assert.deepEqual(next(null, 0), [], "there is none");
});

/** A side as far as its field is concerned: a square of cells over [-2, 2], of which the map's home is the middle quarter. */
const sideWith = (values, kind = "field") =>
  Object.assign(Object.create(DuelSide.prototype), {
    field: values && { kind, field: "f", values: Float32Array.from(values), side: Math.sqrt(values.length), extent: [-2, 2, -2, 2], spots: [] },
    plot: { home: { x: 0, y: 0, half: 1 } },
    std: [1, 1],
  });

for (const better of ["lower", "higher"])
  test(`one scale for both sides, where ${better} is better: from the best of both to what few of either exceed, on the map`, () => {
    const draw = uniform(3);
    const [left, right] = [many(1600, () => 5 * draw()), many(1600, () => 8 * draw() - 1)];
    left[0] = right[3] = better === "lower" ? -1e6 : 1e6; // beyond the home square: no reason for another scale
    left[20 * 40 + 15] = Number.NaN;
    left[20 * 40 + 16] = Infinity;
    const duel = { sides: [sideWith(left), sideWith(right)], fields: { f: { better } } };
    const [low, high] = new Planes(duel).ranges("f");
    const middle = (values) => values.filter((_, cell) => [Math.floor(cell / 40), cell % 40].every((place) => place >= 10 && place < 30));
    const sorted = [left, right].map((values) =>
      middle(values)
        .filter(Number.isFinite)
        .sort((a, b) => a - b),
    );
    const at = (values, share) => values[Math.floor(share * (values.length - 1))];
    const ends = sorted.map((values) => (better === "lower" ? [values[0], at(values, 0.95)] : [at(values, 0.05), values.at(-1)]));
    near([low, high], [Math.min(ends[0][0], ends[1][0]), Math.max(ends[0][1], ends[1][1])], 1e-5);
    assert.equal(new Planes({ ...duel, sides: [duel.sides[0], sideWith(null)] }).ranges("f"), null, "half a comparison has no scale");
  });

test("the word stands in the largest inked stretches that are seen, below the worst spots", () => {
  const side = 60;
  const plot = { style: { size: 6 }, box: { x: 0, y: 0, width: 600, height: 600 }, toPixel: (x, y) => ({ x: 300 + 100 * x, y: 300 - 100 * y }) };
  const extent = [-3, 3, -3, 3];
  const bad = new Float32Array(side * side);
  const fill = (left, top, wide, high) => {
    for (let row = top; row < top + high; row++) for (let column = left; column < left + wide; column++) bad[row * side + column] = 0.5;
  };
  fill(10, 30, 15, 15); // the largest
  fill(40, 40, 8, 8);
  fill(40, 20, 3, 3); // too small
  fill(0, 0, 60, 5); // under the worst spots
  const words = gapWords(bad, side, extent, 1, plot, "gap");
  assert.deepEqual(
    words.map(({ text }) => text),
    ["gap", "gap"],
  );
  const inside = ({ x, y }, left, top, wide, high) => {
    const [column, row] = [(x + 3) * 10, (3 - y) * 10];
    return column > left + 2 && column < left + wide - 2 && row > top + 2 && row < top + high - 2;
  };
  assert.ok(inside(words[0], 10, 30, 15, 15), "well within the largest");
  assert.ok(inside(words[1], 40, 40, 8, 8));
  assert.deepEqual(gapWords(bad, side, extent, 4, plot, "gap"), [], "an eighth of all ink is none");
});

/** The words of a view, by the place where they stand. */
function words({
  state = {},
  sides = [
    [1, 2],
    [1, 2],
  ],
  kinds = ["field", "field"],
  spots = [1, 1],
  absent = ["", ""],
}) {
  const places = {};
  const canvas = new FakeElement();
  const duel = {
    find: (selector) => (places[selector] ??= new FakeElement()),
    answered: true,
    state: { point: { side: "left", image: 1 }, ends: [0, 2], spaces: ["prior", "prior"], seed: 9, field: "f", ...state },
    fields: { f: { title: "F", unit: "nats", better: "lower", words: "How far." } },
    table: { message: { absent: null } },
    pictures: { sheets: [{ canvas }, { canvas }], walks: [{ canvas }, { canvas }] },
    sides: sides.map((values, k) => {
      const side = sideWith(values, kinds[k]);
      if (absent[k]) side.field = { absent: absent[k] };
      else if (side.field) side.field.spots = many(spots[k], () => ({}));
      const world = { names: NAMES, labels: [0, 1, 3], model: "m", latent: 2 };
      return Object.assign(side, { name: ["left", "right"][k], world });
    }),
  };
  noteOn(duel);
  return (selector) => places[selector].textContent;
}

test("the words of a field say how far it is: computing, a first pass, all of it", () => {
  const of = (about) => words(about)(".gaps p");
  assert.match(of({ sides: [[1, 2], null] }), /Computing\u2026$/);
  assert.match(of({ kinds: ["draft", "field"] }), /A first pass; the whole follows\.$/);
  assert.doesNotMatch(of({}), /Computing|first pass|same everywhere/);
  assert.match(of({}), /^How far\. More ink is worse, in one scale on both sides\. The numbers are the worst of 1,000 draws/);
});

test("a field without a worst spot is said to be the same everywhere, once it is known", () => {
  const of = (about) => words(about)(".gaps p");
  assert.match(of({ spots: [0, 0] }), /It is the same everywhere that is drawn from/);
  assert.doesNotMatch(of({ spots: [0, 3] }), /same everywhere/);
  assert.doesNotMatch(of({ spots: [0, 0], kinds: ["draft", "draft"] }), /same everywhere/);
  assert.equal(of({ absent: ["", "Doubt cannot be computed for m: why."] }), "Doubt cannot be computed for m: why.");
  assert.match(of({ state: { field: null } }), /^Choose how the plane is coloured/);
  assert.match(of({ state: { field: "class" } }), /^Choose how the plane is coloured/);
});

test("an image is named by its class and number; a place, and an axis without a unit, as such", () => {
  assert.equal(words({})(".of figcaption"), "dog, image 1: the original");
  const place = words({ state: { point: { side: "left", z: [0, 1] } } })(".of figcaption");
  assert.match(place, /^The same place, in standard deviations of each map's codes\.$/);
  assert.equal(words({})(".path p").includes("from cat (image 0) to <b> (image 2)"), true);
});

test("what drawing costs is said of each sampling once", () => {
  const note = (spaces) => words({ state: { spaces } })(".sample .note span");
  assert.match(note(["prior", "prior"]), /seed 9\)\. N\(0, I\) is known before training and costs nothing\.$/);
  assert.match(note(["fitted", "prior"]), /mean and a covariance .* N\(0, I\) is known/);
  assert.match(note(["mixture", "mixture"]), /costs a second model/);
});

test("a place in units of the codes' spread comes back; an axis of one spot gives none", () => {
  const side = Object.assign(Object.create(DuelSide.prototype), { mean: [3, -1], std: [2, 1e-5], world: { latent: 2, model: "m" } });
  const other = Object.assign(Object.create(DuelSide.prototype), { mean: [0, 5], std: [0.5, 4], world: { latent: 3, model: "n" } });
  near(side.units([7, 9]), [2, 0], 1e-12);
  near(other.fromUnits(side.units([7, 9])), [1, 5, 0], 1e-12);
  near(other.fromUnits(other.units([0.25, -3])), [0.25, -3, 0], 1e-12);
  assert.match(side.spotWords, /codes of m are one spot on axis 2,/);
  assert.equal(other.spotWords, "");
});
