// The scatter plot by itself: copied away from all that surrounds it, and given towns on a map.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { many, near, uniform } from "./oracles.js";
import { FakeElement, nextFrame, openPage, send } from "./page.js";

const folder = mkdtempSync(join(tmpdir(), "scatter-"));
after(() => rmSync(folder, { recursive: true }));
cpSync(new URL("../../vae_explorer/ui/canvas/scatter", import.meta.url), folder, { recursive: true });
writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
openPage();
const load = (name) => import(pathToFileURL(join(folder, name)));
const { Scatter } = await load("scatter.js");
const { packed } = await load("raster.js");
const { MARKS } = await load("marks.js");
const { step, ticks } = await load("axes.js");

const COLOURS = ["#ff0000", "#00ff00", "#0000ff"];
const BOX = { left: 40, top: 25, width: 640, height: 480 };

/** A plot of towns: longitude, latitude and country of each; and what it reports. */
function towns(count, options = {}) {
  const draw = uniform(count);
  const xy = Float32Array.from(many(2 * count, (_, i) => (i % 2 ? 45 + 10 * draw() : 5 + 15 * draw())));
  const labels = Uint8Array.from(many(count, () => Math.floor(3 * draw())));
  const canvas = new FakeElement(BOX);
  const heard = [];
  const note = (name) => (what) => heard.push([name, what]);
  const plot = new Scatter(canvas, { hover: note("hover"), click: note("click"), view: note("view"), key: note("key"), ...options });
  plot.setHome({ x: 12, y: 50, half: 6 });
  plot.set({ xy, labels, colours: Uint32Array.from(COLOURS, packed), axes: ["longitude", "latitude"] });
  nextFrame();
  return { plot, canvas, heard, xy, labels };
}

/** Where the pointer has to be for a place on the plot. */
const pointer = ({ x, y }) => ({ clientX: BOX.left + x, clientY: BOX.top + y });

test("every file of the folder stands alone", async () => {
  const names = readdirSync(folder).filter((name) => name.endsWith(".js"));
  assert.ok(names.length > 6);
  for (const name of names) await load(name);
  for (const name of names)
    for (const [, address] of readFileSync(join(folder, name), "utf8").matchAll(/^import .* from "(.*)"/gm))
      assert.ok(names.includes(address.replace("./", "")), address);
});

test("pixels and data: the middle of the view in the middle of the box, the same scale on both axes, there and back", () => {
  const { plot } = towns(10);
  const { box } = plot;
  near(Object.values(plot.toPixel(12, 50)), [box.x + box.width / 2, box.y + box.height / 2], 1e-9);
  const [corner, right, up] = [plot.toPixel(10, 48), plot.toPixel(11, 48), plot.toPixel(10, 49)];
  near([right.x - corner.x, corner.y - up.y], [plot.scale, plot.scale], 1e-9);
  near([right.y, up.x], [corner.y, corner.x], 1e-9);
  near(plot.scale, Math.min(box.width, box.height) / 12, 1e-9); // 6 to each side
  const draw = uniform(2);
  for (let k = 0; k < 20; k++) {
    const [x, y] = many(2, () => 50 * draw());
    const back = plot.toData(plot.toPixel(x, y));
    near([back.x, back.y], [x, y], 1e-9);
  }
});

test("the place of a pixel is the nearest shown point within reach, else the plane", () => {
  const { plot, xy, labels } = towns(2000);
  plot.set({ hidden: Uint8Array.from(many(256, (_, k) => Number(k === 1))) });
  const shown = many(2000, (_, i) => i).filter((i) => labels[i] !== 1);
  const pixels = many(2000, (_, i) => plot.toPixel(xy[2 * i], xy[2 * i + 1]));
  const draw = uniform(5);
  let [points, planes] = [0, 0];
  for (let k = 0; k < 500; k++) {
    const p = { x: plot.box.x + draw() * plot.box.width, y: plot.box.y + draw() * plot.box.height };
    const away = (i) => Math.hypot(pixels[i].x - p.x, pixels[i].y - p.y);
    const nearest = shown.reduce((best, i) => (away(i) < away(best) ? i : best));
    const place = plot.place(p);
    const found = away(nearest) <= 6;
    assert.equal(place.index, found ? nearest : null);
    if (found) assert.deepEqual([place.x, place.y], [xy[2 * nearest], xy[2 * nearest + 1]]);
    else near([place.x, place.y], Object.values(plot.toData(p)), 0.6 / plot.scale);
    found ? points++ : planes++;
  }
  assert.ok(points > 50 && planes > 50);
});

test("a click, a hover and a key are reported", () => {
  const { plot, canvas, heard, xy } = towns(1);
  const at = plot.toPixel(xy[0], xy[1]);
  send(canvas, "pointermove", pointer(at));
  send(canvas, "pointerdown", pointer(at));
  assert.equal(canvas.captured, 1);
  send(canvas, "pointerup", { ...pointer(at), timeStamp: 1000 });
  send(canvas, "pointerleave");
  const key = send(canvas, "keydown", { key: "Enter" });
  const place = { x: xy[0], y: xy[1], index: 0 };
  assert.deepEqual(heard, [
    ["hover", place],
    ["click", place],
    ["hover", null],
    ["key", key],
  ]);
});

test("outside the box nothing is clicked, and a hover is none", () => {
  const { canvas, heard } = towns(1);
  send(canvas, "pointermove", pointer({ x: 1, y: 1 }));
  send(canvas, "pointerdown", pointer({ x: 1, y: 1 }));
  send(canvas, "pointerup", { ...pointer({ x: 1, y: 1 }), timeStamp: 1000 });
  assert.deepEqual(heard, [["hover", null]]);
});

test("what is dragged stays under the pointer, and is no click", () => {
  const { plot, canvas, heard } = towns(10);
  const [from, to] = [
    { x: 300, y: 200 },
    { x: 360, y: 170 },
  ];
  const held = plot.toData(from);
  send(canvas, "pointerdown", pointer(from));
  send(canvas, "pointermove", pointer({ x: 330, y: 180 }));
  send(canvas, "pointermove", pointer(to));
  send(canvas, "pointerup", { ...pointer(to), timeStamp: 1000 });
  near(Object.values(plot.toData(to)), Object.values(held), 1e-9);
  assert.deepEqual(new Set(heard.map(([name]) => name)), new Set(["view"]));
  assert.deepEqual(heard.at(-1)[1], plot.view);
});

test("the wheel zooms about the pointer, and two fingers about their middle", () => {
  const { plot, canvas } = towns(10);
  const at = { x: 200, y: 300 };
  const held = plot.toData(at);
  const event = send(canvas, "wheel", { ...pointer(at), deltaY: -100 });
  assert.ok(event.defaultPrevented); // else the page scrolls
  near(6 / plot.view.half, Math.exp(0.15), 1e-9);
  near(Object.values(plot.toData(at)), Object.values(held), 1e-9);
  const half = plot.view.half;
  send(canvas, "pointerdown", { ...pointer({ x: 200, y: 200 }), pointerType: "touch", pointerId: 1 });
  send(canvas, "pointerdown", { ...pointer({ x: 300, y: 200 }), pointerType: "touch", pointerId: 2 });
  send(canvas, "pointermove", { ...pointer({ x: 400, y: 200 }), pointerType: "touch", pointerId: 2 });
  near(half / plot.view.half, 2, 1e-9); // twice as far apart
});

test("a double click goes home; the view keeps near it, by zoom and by place", () => {
  const { plot, canvas } = towns(10);
  plot.setView({ x: 1e6, y: -1e6, half: 3 });
  near([plot.view.x, plot.view.y], [12 + 18, 50 - 18], 1e-9);
  plot.zoom(1e9);
  near(plot.view.half, 6 / 200, 1e-9);
  plot.zoom(1e-9);
  near(plot.view.half, 6 / 0.3, 1e-9);
  for (const timeStamp of [1000, 1200]) {
    send(canvas, "pointerdown", pointer({ x: 300, y: 200 }));
    send(canvas, "pointerup", { ...pointer({ x: 300, y: 200 }), timeStamp });
  }
  assert.deepEqual(plot.view, { x: 12, y: 50, half: 6 });
});

test("each shown point is drawn where it lies, in its class's colour or its own; hidden classes are not", () => {
  const { plot, xy, labels } = towns(30);
  const left = plot.box.x - 10; // the raster is so much larger
  const top = plot.box.y - 10;
  const drawn = (i) => {
    const { x, y } = plot.toPixel(xy[2 * i], xy[2 * i + 1]);
    const { width } = plot.raster.image;
    return plot.raster.words[Math.round(y - top) * width + Math.round(x - left)];
  };
  const inside = many(30, (_, i) => i).filter((i) => plot.inside(plot.toPixel(xy[2 * i], xy[2 * i + 1])));
  assert.ok(inside.length > 10);
  const shows = (colour) => inside.forEach((i) => assert.equal(drawn(i), colour(i), `point ${i}`));
  shows((i) => [0xff0000ff, 0xff00ff00, 0xffff0000][labels[i]]); // little-endian: alpha, blue, green, red
  plot.set({ hidden: Uint8Array.from(many(256, (_, k) => Number(k === 2))), tints: Uint32Array.from(many(30, (_, i) => i)) });
  nextFrame();
  shows((i) => (labels[i] === 2 ? 0 : (0xff000000 | i) >>> 0));
});

test("a frame comes once for all changes, and asks first what moves the points", () => {
  let frames = 0;
  const { plot, xy } = towns(3, { frame: () => frames++ });
  frames = 0;
  plot.set({ xy });
  plot.setLayers({ marker: { x: 1, y: 2 } });
  nextFrame();
  nextFrame();
  assert.equal(frames, 1);
  plot.destroy();
});

test("ticks are all multiples of 1, 2 or 5 times a power of ten in the range, as far apart as asked and no farther", () => {
  for (let scale = 0.003; scale < 9000; scale *= 1.1) {
    const size = step(scale, 50);
    const mantissa = Number((size / 10 ** Math.floor(Math.log10(size) + 1e-9)).toFixed(6));
    assert.ok([1, 2, 5].includes(mantissa));
    assert.ok(size * scale >= 50 && size * scale <= 125); // the next smaller one would be too small
  }
  assert.deepEqual(
    ticks(-1, 1, 0.5).map(({ text }) => text),
    ["\u22121.0", "\u22120.5", "0.0", "0.5", "1.0"],
  );
  assert.deepEqual(
    ticks(95, 121, 10).map(({ value, text }) => [value, text]),
    [
      [100, "100"],
      [110, "110"],
      [120, "120"],
    ],
  );
});

test("all marks have the area of a disc, within a ninth", () => {
  for (const [name, path] of Object.entries(MARKS)) {
    if (path.includes("A")) continue;
    let [x, y, area] = [0, 0, 0];
    const corners = [...path.matchAll(/([MLHV])(-?[\d.]+)(?: (-?[\d.]+))?/g)].map(([, letter, a, b]) => {
      [x, y] = letter === "H" ? [Number(a), y] : letter === "V" ? [x, Number(a)] : [Number(a), Number(b)];
      return [x, y];
    });
    corners.forEach(([x0, y0], k) => {
      const [x1, y1] = corners[(k + 1) % corners.length];
      area += (x0 * y1 - x1 * y0) / 2;
    });
    near(Math.abs(area) / Math.PI, 1, 1 / 9, name);
  }
});
