// What is drawn on the ring's sheets: the brushed square in cells, strokes of a drawing, the images of a square.

import { element } from "../../dom.js";

/** @import { Mark } from "../marks.js" */
/** @import { Stage } from "../stage.js" */
/** @import { PlaneMap } from "./ring_maps.js" */
/** @import { Cell } from "./ring_sheet.js" */

const SQUARE_CELLS = 25; // a side of the brushed square: odd, so that none has the ring's centre at its corner
export const TILE_SIDE = 7;
export const PEN_UP = -1;

/** The brushed square in cells, inked by |det J|, before and after the map; each edge in parts. @param {PlaneMap} map @param {number[]} at @param {number} parts */
export function cellsOf(map, [x, y, half], parts) {
  const size = (2 * half) / SQUARE_CELLS;
  /** @type {Cell[]} */
  const before = [];
  /** @type {Cell[]} */
  const after = [];
  /** @type {number[]} */
  const logs = [];
  for (let i = 0; i < SQUARE_CELLS; i++) {
    for (let j = 0; j < SQUARE_CELLS; j++) {
      const [x0, y0] = [x - half + i * size, y - half + j * size];
      const edge = edgeOf(x0, y0, size, parts);
      logs.push(map.land(x0 + size / 2, y0 + size / 2)[2]);
      before.push({ outline: edge, ink: 0 });
      const torn = map.torn(x0, x0 + size, y0, y0 + size);
      after.push({ outline: torn ? [] : edge.map(([u, v]) => /** @type {[number, number]} */ (map.land(u, v).slice(0, 2))), ink: 0 });
    }
  }
  const finite = logs.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  logs.forEach((log, k) => {
    const ink = 0.2 + 0.6 * (Number.isFinite(log) ? (log - low) / Math.max(0.5, high - low) : 1);
    before[k].ink = after[k].ink = ink;
  });
  return { before, after };
}

/** The images of a square, by the browser's decoder. @param {Stage} stage @param {HTMLCanvasElement} canvas @param {number[]} at */
export function decodeSquare(stage, canvas, [x, y, half]) {
  const each = [];
  for (let i = 0; i < TILE_SIDE ** 2; i++) {
    const across = ((i % TILE_SIDE) + 0.5) / TILE_SIDE;
    const down = (Math.floor(i / TILE_SIDE) + 0.5) / TILE_SIDE;
    each.push(Uint8Array.from(stage.decode([x + half * (2 * across - 1), y + half * (1 - 2 * down)])));
  }
  paintTiles(canvas, stage.world.shape, each);
}

/** @param {HTMLCanvasElement} tiles @param {number[]} shape @param {ArrayLike<number>[]} images */
export function paintTiles(tiles, [height, width, channels = 1], images) {
  Object.assign(tiles, { width: TILE_SIDE * width, height: TILE_SIDE * height });
  const context = tiles.getContext("2d");
  if (!context) return;
  images.forEach((image, i) => {
    const data = context.createImageData(width, height);
    for (let p = 0; p < width * height; p++) {
      for (let c = 0; c < 3; c++) data.data[4 * p + c] = image[channels === 1 ? p : 3 * p + c];
      data.data[4 * p + 3] = 255;
    }
    context.putImageData(data, (i % TILE_SIDE) * width, Math.floor(i / TILE_SIDE) * height);
  });
}

/** @param {number[]} at @returns {[number, number][]} */
export const outlineOf = ([x, y, half]) => [
  [x - half, y - half],
  [x + half, y - half],
  [x + half, y + half],
  [x - half, y + half],
];

/** The outline of a cell, each edge in parts. @param {number} x @param {number} y @param {number} size @param {number} parts @returns {[number, number][]} */
function edgeOf(x, y, size, parts) {
  const corners = outlineOf([x + size / 2, y + size / 2, size / 2]);
  return corners.flatMap(([u, v], k) => {
    const [p, q] = corners[(k + 1) % 4];
    return Array.from({ length: parts }, (_, i) => /** @type {[number, number]} */ ([u + ((p - u) * i) / parts, v + ((q - v) * i) / parts]));
  });
}

/** Strokes of a drawing, in the sheet's units. @param {number[]} ink @returns {[number, number][][]} */
export function strokesOf(ink) {
  /** @type {[number, number][][]} */
  const strokes = [[]];
  for (let k = 0; k + 1 < ink.length; k += 2) {
    if (ink[k] === PEN_UP && ink[k + 1] === PEN_UP) strokes.push([]);
    else strokes[strokes.length - 1].push([4 * ink[k] - 2, 4 * ink[k + 1] - 2]);
  }
  return strokes.filter((stroke) => stroke.length);
}

/** A heart, for those who draw by keys. */
export function heartInk() {
  return Array.from({ length: 61 }, (_, k) => {
    const t = (2 * Math.PI * k) / 60;
    const y = 13 * Math.cos(t) - 5 * Math.cos(2 * t) - 2 * Math.cos(3 * t) - Math.cos(4 * t);
    return [0.5 + 0.4 * Math.sin(t) ** 3, 0.53 + 0.025 * y].map((v) => Number(v.toFixed(3)));
  }).flat();
}

/** @param {KeyboardEvent} event @returns {?[number, number]} */
export function arrowOf({ key, shiftKey, ctrlKey, altKey, metaKey }) {
  const size = shiftKey ? 0.5 : 0.1;
  /** @type {Record<string, [number, number]>} */
  const ways = { ArrowLeft: [-size, 0], ArrowRight: [size, 0], ArrowUp: [0, size], ArrowDown: [0, -size] };
  return ctrlKey || altKey || metaKey ? null : (ways[key] ?? null);
}

/** @param {string} style */
export function sheetRow(style) {
  const host = element("div");
  host.style.cssText = `display: flex; gap: 1rem; ${style}`;
  return host;
}

/** @param {string} words */
export function ringColumn(words) {
  const host = element("div");
  host.style.cssText = "display: flex; flex: 1; flex-direction: column; gap: 0.3rem; min-width: 0; min-height: 0";
  const title = element("h3");
  title.style.cssText = "font-size: 0.88rem; font-weight: 600; min-height: 1.35em";
  title.textContent = words;
  host.append(title);
  return { host, title };
}

/** What images of a square are painted on. */
export function tileCanvas() {
  const canvas = element("canvas");
  canvas.dataset.answer = "";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "Images that the brushed square decodes to");
  canvas.style.cssText = "position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; image-rendering: pixelated";
  return canvas;
}

/** A drawing, faint once it is learned. @param {number[]} ink @param {boolean} faint @returns {Mark[]} */
export function inkMarks(ink, faint) {
  const look = faint ? { width: 2, opacity: 0.45 } : { width: 5, opacity: 0.9 };
  return strokesOf(ink).map((points) => ({ mark: points.length > 1 ? "line" : "dots", points, ...look }));
}

/** A guess, and the cross of the keys. @param {?{x: number, y: number}} guess @param {?number[]} cursor @returns {Mark[]} */
export function guessMarks(guess, cursor) {
  /** @type {Mark[]} */
  const marks = cursor ? [{ mark: "dots", points: [cursor], radius: 4, hollow: true }] : [];
  if (guess) marks.push({ mark: "dots", points: [[guess.x, guess.y]], radius: 7, hollow: true, width: 3 });
  if (guess) marks.push({ mark: "word", x: guess.x, y: guess.y, dy: -12, text: "your guess" });
  return marks;
}

/** Which draws lie in a square: 1, or 0. @param {Float32Array} draws @param {number[]} at */
export function brushedOf(draws, [x, y, half]) {
  return Uint8Array.from({ length: draws.length / 2 }, (_, k) => (Math.max(Math.abs(draws[2 * k] - x), Math.abs(draws[2 * k + 1] - y)) <= half ? 1 : 0));
}

/** Where draws land. @param {PlaneMap} map @param {Float32Array} draws */
export function landedOf(map, draws) {
  const landed = new Float32Array(draws.length);
  for (let k = 0; k < draws.length; k += 2) [landed[k], landed[k + 1]] = map.land(draws[k], draws[k + 1]);
  return landed;
}

/** The line of what Python found of the square. */
export function factsLine() {
  const line = element("p");
  line.dataset.answer = "";
  line.style.cssText = "min-height: 1.35em; font-size: 0.88rem; margin-top: 0.3rem";
  return line;
}
