// What is said of a point, and the colours of points.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Ladder } from "../../vae_explorer/ui/canvas/ladder.js";
import { errorText, minus, paint, roomFor, tupleText } from "../../vae_explorer/ui/canvas/panel.js";
import { SvgContext } from "../../vae_explorer/ui/canvas/portrait/svg_context.js";
import { packed } from "../../vae_explorer/ui/canvas/scatter/raster.js";
import { imageBeside, nearestCode, pointWords, Spoken } from "../../vae_explorer/ui/canvas/spoken.js";
import { imageWords, Tints } from "../../vae_explorer/ui/canvas/tints.js";
import { weightText } from "../../vae_explorer/ui/canvas/weight.js";
import { many, near, uniform } from "./oracles.js";
import { FakeElement, openPage } from "./page.js";

openPage();

test("numbers as they are written: no minus zero, at most six axes, an error that never reads 0.00", () => {
  assert.equal(tupleText([1, -2.345]), "(1.00, -2.35)");
  assert.equal(tupleText([-0.001, 0]), "(0.00, 0.00)");
  assert.equal(tupleText([-0.006]), "(-0.01)");
  assert.equal(tupleText(many(8, (_, k) => k)), "(0.00, 1.00, 2.00, 3.00, 4.00, 5.00, \u2026)");
  assert.equal(minus("-1 - -2"), "\u22121 \u2212 \u22122");
  assert.deepEqual([0, null, 0.001, 0.05, 0.0949, 0.0951, 2.34].map(errorText), [
    "",
    "",
    " \u00b1 0.01",
    " \u00b1 0.05",
    " \u00b1 0.09",
    " \u00b1 0.1",
    " \u00b1 2.3",
  ]);
  assert.deepEqual([1, 0.1, 2.5, 10, 12.345, 0.123456].map(weightText), ["1.0", "0.1", "2.5", "10", "12.3", "0.123"]);
});

test("an image is painted pixel by pixel, opaque, grey or in colours", () => {
  const canvas = new FakeElement();
  paint(canvas, Uint8ClampedArray.of(0, 128, 255, 7), [2, 2]);
  assert.deepEqual([...canvas.shown.data], [0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255, 7, 7, 7, 255]);
  paint(canvas, Uint8ClampedArray.of(1, 2, 3, 250, 251, 252), [1, 2, 3]);
  assert.deepEqual([...canvas.shown.data], [1, 2, 3, 255, 250, 251, 252, 255]);
  assert.deepEqual([canvas.width, canvas.height, roomFor([1, 2, 3]).length], [2, 1, 6]);
});

const draw = uniform(1);
const [COUNT, LATENT] = [40, 3];
const WORLD = {
  rungs: [1],
  mean: Float32Array.from(many(COUNT * LATENT, () => 4 * draw() - 2)),
  std: new Float32Array(COUNT * LATENT).fill(1),
  latent: LATENT,
  labels: Uint8Array.from(many(COUNT, (_, k) => k % 2)),
  names: ["cat", "dog"],
  prior: true,
};

test("the nearest code is found on all axes", () => {
  for (let k = 0; k < 30; k++) {
    const z = many(LATENT, () => 4 * draw() - 2);
    const away = many(COUNT, (_, i) => Math.hypot(...z.map((value, axis) => value - WORLD.mean[i * LATENT + axis])));
    const { index, distance } = nearestCode(new Ladder(WORLD), z, 1);
    near(distance, Math.min(...away), 1e-6);
    near(away[index], distance, 1e-6);
  }
});

test("a point in words: its class, where it is, its rate", () => {
  const ladder = new Ladder(WORLD);
  const code = [...WORLD.mean.subarray(3 * LATENT, 4 * LATENT)];
  const rate = code.reduce((sum, value) => sum + (value * value) / 2, 0).toFixed(1); // the posterior's variance is the prior's
  assert.equal(pointWords(WORLD, ladder, 1, code, 3), `dog, image 3, rate ${rate}`);
  assert.equal(pointWords(WORLD, ladder, 1, code, null), `dog, 0.00 from the nearest code, rate ${rate}`);
  assert.equal(pointWords({ ...WORLD, prior: false }, ladder, 1, code, 3), "dog, image 3");
  assert.equal(pointWords({ ...WORLD, labels: [] }, ladder, 1, [1, -1, 0], null), "z = (1.00, \u22121.00, 0.00)");
});

test("the image beside is the next one that is shown, round the ends", () => {
  const labels = [0, 1, 1, 2, 0];
  assert.equal(imageBeside(labels, [0, 0, 0], 0, 1), 1);
  assert.equal(imageBeside(labels, [0, 1, 0], 0, 1), 3);
  assert.equal(imageBeside(labels, [0, 1, 0], 3, -1), 0);
  assert.equal(imageBeside(labels, [0, 0, 0], 4, 1), 0);
  assert.equal(imageBeside(labels, [0, 0, 0], 0, -1), 4);
  assert.equal(imageBeside(labels, [1, 0, 1], 4, 1), 1);
  assert.equal(imageBeside(labels, [1, 1, 1], 2, 1), 2);
});

test("of many things said at once, the last is spoken, once", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const host = new FakeElement();
  const spoken = new Spoken(host, new AbortController().signal);
  let asked = 0;
  for (const words of ["one", "two", "three"]) spoken.say(() => (asked++, words));
  assert.equal(host.textContent, "");
  t.mock.timers.tick(400);
  assert.deepEqual([host.textContent, asked], ["three", 1]);
  spoken.say(() => "four");
  t.mock.timers.tick(400);
  assert.equal(host.textContent, "four");
});

/** Luminance and contrast as WCAG 2 defines them. */
function luminance(colour) {
  const [r, g, b] = [0, 8, 16].map((bits) => ((colour >> bits) & 255) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const contrast = (a, b) => (Math.max(luminance(a), luminance(b)) + 0.05) / (Math.min(luminance(a), luminance(b)) + 0.05);

function tints(world, column = null) {
  const made = new Tints(new FakeElement(), () => {});
  made.build({ labels: [0, 1, 0, 1], colours: ["#0072b2", "#d55e00"], scale: ["#000000", "#0000ff", "#ffffff"], columns: [], ...world }, column);
  return made;
}

test("points that are not of the test part are paler: nearer to the background, and still seen", () => {
  assert.equal(tints({}).colours("#ffffff"), null);
  for (const background of ["#ffffff", "#0e1117"]) {
    const colours = tints({ parts: [2, 2, 0, 1] }).colours(background);
    const back = packed(background);
    [packed("#0072b2"), packed("#d55e00")].forEach((full, k) => {
      assert.equal(colours[k], full);
      assert.ok(contrast(colours[k + 2], back) < contrast(full, back));
      assert.ok(contrast(colours[k + 2], back) > 1.2);
      const channels = (colour) => [0, 8, 16].map((bits) => (colour >> bits) & 255);
      near(
        channels(colours[k + 2]),
        channels(full).map((value, c) => value + 0.62 * (channels(back)[c] - value)),
        0.51,
      );
    });
  }
});

test("numbers are colours between the scale's, from the least to the most; a missing one is grey", () => {
  const made = tints({ columns: ["age", "one"], column0: Float32Array.of(10, 15, 20, NaN), column1: new Float32Array(4).fill(3) }, "age");
  assert.deepEqual([...made.colours("#ffffff")], ["#000000", "#0000ff", "#ffffff", "#8c8c8c"].map(packed));
  assert.deepEqual([made.low.textContent, made.high.textContent, made.missing.textContent], ["10", "20", "grey: 1 without"]);
  made.take("one");
  assert.deepEqual([...made.colours("#ffffff")], Array(4).fill(packed("#0000ff"))); // all the same: the middle
  made.take(null);
  assert.equal(made.colours("#ffffff"), null);
});

test("an image is named by its part, its number and its file", () => {
  assert.equal(imageWords({}, 3), "image 3");
  assert.equal(imageWords({ parts: [0, 1, 2], files: ["a.png", "", "c.png"] }, 0), "training image 0 \u00b7 a.png");
  assert.equal(imageWords({ parts: [0, 1, 2], files: ["a.png", "", "c.png"] }, 1), "validation image 1");
  assert.equal(imageWords({ parts: [0, 1, 2] }, 2), "image 2");
});

test("an SVG file is text from outside in its place: escaped, and without what XML does not know", () => {
  const context = new SvgContext();
  context.fillText('<script>"&\u0000\u{1d6fd}', 1.005, 2);
  const svg = context.finish(10, 20, "a < b");
  assert.match(svg, />&lt;script&gt;&quot;&amp;\u{1d6fd}<\/text>/u);
  assert.match(svg, /<title>a &lt; b<\/title>/);
  assert.match(svg, /viewBox="0 0 10 20"/);
});

test("whole circles and ellipses are elements of their own, what is clipped stands in its group", () => {
  const context = new SvgContext();
  context.beginPath();
  context.arc(1, 2, 3);
  context.fill();
  context.save();
  context.beginPath();
  context.rect(0, 0, 5, 5);
  context.clip();
  context.beginPath();
  context.moveTo(0, 0);
  context.lineTo(4.123, 5);
  context.stroke();
  context.restore();
  const [circle, clip, group, line, end] = context.parts;
  assert.match(circle, /^<circle cx="1" cy="2" r="3" fill="#000"/);
  assert.match(clip, /<clipPath id="clip1"><path d="M0 0h5v5h-5Z"\/>/);
  assert.match(group, /^<g clip-path="url\(#clip1\)">$/);
  assert.match(line, /d="M0 0L4.12 5"/);
  assert.equal(end, "</g>");
});
