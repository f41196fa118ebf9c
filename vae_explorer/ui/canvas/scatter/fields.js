// Densities of points, and fields of numbers painted as ink.

import { contextOf } from "./canvas.js";

const RAMP = 4096; // levels of ink

/** Counts points on a grid of square cells and smooths the counts. Row 0 lies at the top, y1. */
export class Density {
  constructor(side = 96) {
    this.side = side;
    this.total = new Float32Array(side * side);
    /** @type {Float32Array[]} */
    this.classes = [];
    this.stack = new Float32Array(0); // the classes' grids, one after the other
    this.counts = new Uint32Array(256); // shown points of each class, also those outside the extent
    this.turned = new Float32Array(side * side);
    this.values = new Float32Array(0); // at the points
    this.line = new Float64Array(3 * side); // a row with room at both ends
    this.next = new Float64Array(3 * side);
  }

  /**
   * The density of all shown points.
   * @param {Float32Array} xy interleaved coordinates
   * @param {Uint8Array} labels one class a point
   * @param {Uint8Array} hidden 1 for each class that does not count
   * @param {number[]} extent [x0, x1, y0, y1], a square; what lies outside is not seen
   * @param {number} bandwidth the smoothing Gaussian's sigma, in cells
   * @returns {Float32Array} points a cell; the same array at every call
   */
  update(xy, labels, hidden, extent, bandwidth) {
    this.total.fill(0);
    this.bin(this.total, 0, xy, labels, hidden, extent);
    this.smooth(this.total, bandwidth);
    return this.total;
  }

  /**
   * The same for each class by itself.
   * @param {Float32Array} xy @param {Uint8Array} labels @param {Uint8Array} hidden @param {number[]} extent @param {number} bandwidth
   * @param {number} classes how many
   * @returns {Float32Array[]} points a cell, zeros for a hidden class; the same arrays at every call
   */
  perClass(xy, labels, hidden, extent, bandwidth, classes) {
    const cells = this.side ** 2;
    if (this.classes.length !== classes) {
      this.stack = new Float32Array(classes * cells);
      this.classes = Array.from({ length: classes }, (_, k) => this.stack.subarray(k * cells, (k + 1) * cells));
    }
    this.stack.fill(0);
    this.bin(this.stack, cells, xy, labels, hidden, extent);
    for (let k = 0; k < classes; k++) if (this.counts[k]) this.smooth(this.classes[k], bandwidth);
    return this.classes;
  }

  /**
   * Shares each point among the four cells whose centres surround it.
   * @param {Float32Array} grid
   * @param {number} cells of one class's grid, or 0
   * @param {Float32Array} xy @param {Uint8Array} labels @param {Uint8Array} hidden @param {number[]} extent
   */
  bin(grid, cells, xy, labels, hidden, [x0, x1, y0, y1]) {
    const { side, counts } = this;
    const across = side / (x1 - x0);
    const down = side / (y1 - y0);
    counts.fill(0);
    for (let i = 0; i < labels.length; i++) {
      const label = labels[i];
      if (hidden[label]) continue;
      counts[label]++;
      const x = (xy[2 * i] - x0) * across - 0.5;
      const y = (y1 - xy[2 * i + 1]) * down - 0.5;
      if (!(x >= 0 && y >= 0 && x < side - 1 && y < side - 1)) continue;
      const column = x | 0;
      const row = y | 0;
      const at = label * cells + row * side + column;
      const right = x - column;
      const low = y - row;
      grid[at] += (1 - right) * (1 - low);
      grid[at + 1] += right * (1 - low);
      grid[at + side] += (1 - right) * low;
      grid[at + side + 1] += right * low;
    }
  }

  /**
   * The classes' densities at their own points, after `perClass` with the same arguments.
   * @param {Float32Array} xy
   * @param {Uint8Array} labels
   * @param {Uint8Array} hidden
   * @param {number[]} extent
   * @returns {Float32Array} points a cell, between the four centres around each point, 0 outside the grid: class after
   *   class, `counts` of each; the same array at every call
   */
  atPoints(xy, labels, hidden, [x0, x1, y0, y1]) {
    const { side, counts } = this;
    if (this.values.length < labels.length) this.values = new Float32Array(labels.length);
    const next = new Uint32Array(counts.length);
    for (let k = 1; k < next.length; k++) next[k] = next[k - 1] + counts[k - 1];
    const across = side / (x1 - x0);
    const down = side / (y1 - y0);
    for (let i = 0; i < labels.length; i++) {
      const label = labels[i];
      if (hidden[label]) continue;
      const x = (xy[2 * i] - x0) * across - 0.5;
      const y = (y1 - xy[2 * i + 1]) * down - 0.5;
      const at = next[label]++;
      this.values[at] = 0;
      if (!(x >= 0 && y >= 0 && x < side - 1 && y < side - 1)) continue;
      const grid = this.classes[label];
      const corner = (y | 0) * side + (x | 0);
      const right = x - (x | 0);
      const low = y - (y | 0);
      const top = (1 - right) * grid[corner] + right * grid[corner + 1];
      this.values[at] = (1 - low) * top + low * ((1 - right) * grid[corner + side] + right * grid[corner + side + 1]);
    }
    return this.values;
  }

  /**
   * Blurs a grid along rows, then along columns, by three extended boxes each: a Gaussian of exactly this
   * variance, but for a peak that is 6 % lower. Binning has blurred by a sixth of a squared cell already.
   *
   * Theoretical Foundations of Gaussian Convolution by Extended Box Filtering (Gwosdek et al., 2011)
   * @param {Float32Array} grid @param {number} bandwidth
   */
  smooth(grid, bandwidth) {
    const variance = (Math.min(bandwidth, this.side / 4) ** 2 - 1 / 6) / 3; // of each box
    if (!(variance > 0)) return;
    const reach = Math.floor(Math.sqrt(3 * variance + 0.25) - 0.5);
    const width = 2 * reach + 1;
    const edge = (width * (3 * variance - reach * (reach + 1))) / (6 * ((reach + 1) ** 2 - variance));
    this.smoothRows(grid, this.turned, reach, edge);
    this.smoothRows(this.turned, grid, reach, edge);
  }

  /**
   * Blurs the rows of one grid into the columns of the other; beyond the grid there is nothing.
   * @param {Float32Array} from @param {Float32Array} to @param {number} reach @param {number} edge
   */
  smoothRows(from, to, reach, edge) {
    const { side, line, next } = this;
    const room = reach + 1; // what leaves the row with one box may come back with the next
    const length = side + 2 * room;
    next.fill(0);
    for (let row = 0; row < side; row++) {
      const start = row * side;
      let first = 0;
      while (first < side && from[start + first] === 0) first++;
      if (first < side) {
        line.fill(0);
        for (let k = first; k < side; k++) line[2 * room + k] = from[start + k];
        boxBlur(line, next, room, length, reach, edge);
        boxBlur(next, line, room, length, reach, edge);
        boxBlur(line, next, room, length, reach, edge);
        for (let k = 0; k < side; k++) to[k * side + row] = next[2 * room + k];
      } else {
        for (let k = 0; k < side; k++) to[k * side + row] = 0;
      }
    }
  }
}

/**
 * A running mean over 2 * reach + 1 cells and two edge cells of a lesser weight.
 * @param {Float64Array} from @param {Float64Array} to @param {number} start @param {number} length @param {number} reach @param {number} edge
 */
function boxBlur(from, to, start, length, reach, edge) {
  const share = 1 / (2 * reach + 1 + 2 * edge);
  let sum = 0;
  for (let k = start - reach; k <= start + reach; k++) sum += from[k];
  for (let k = start; k < start + length; k++) {
    const entering = from[k + reach + 1];
    to[k] = (sum + edge * (from[k - reach - 1] + entering)) * share;
    sum += entering - from[k - reach];
  }
}

/**
 * What a field is painted with: a CSS colour, clear at 0 and solid at the top; or 256 little-endian RGBA words.
 * @typedef {string | Uint32Array} Ink
 */

/** Paints a field on a canvas of its own, one pixel a cell. */
export class Heat {
  /** @param {number} side cells */
  constructor(side) {
    this.canvas = document.createElement("canvas");
    Object.assign(this.canvas, { width: side, height: side });
    this.context = contextOf(this.canvas);
    this.image = this.context.createImageData(side, side);
    this.words = new Uint32Array(this.image.data.buffer);
    this.ramp = new Uint32Array(RAMP);
    /** @type {?{ink: Ink, gamma: number}} */
    this.key = null; // what the ramp is for
  }

  /**
   * @param {ArrayLike<number>} values from 0 up, one a cell, the top row first
   * @param {Ink} ink a CSS colour, clear at 0 and solid at the top; or 256 little-endian RGBA words
   * @param {number} [gamma] below 1 brings out what is faint
   * @param {?number} [top] the value that gets all the ink; the largest one if left out
   * @returns {HTMLCanvasElement} the same one at every call
   */
  paint(values, ink, gamma = 0.5, top = null) {
    const { words } = this;
    const ramp = this.rampOf(ink, gamma);
    let most = top ?? 0;
    if (top === null) for (let i = 0; i < values.length; i++) if (values[i] > most) most = values[i];
    const scale = most > 0 ? (RAMP - 1) / most : 0;
    for (let i = 0; i < words.length; i++) {
      const level = (scale * values[i] + 0.5) | 0;
      words[i] = ramp[level < 0 ? 0 : level < RAMP ? level : RAMP - 1];
    }
    return this.put();
  }

  /** Puts `words` on the canvas as they are, one little-endian RGBA word a cell. @returns {HTMLCanvasElement} the same one at every call */
  put() {
    this.context.putImageData(this.image, 0, 0);
    return this.canvas;
  }

  /** @param {Ink} ink @param {number} gamma */
  rampOf(ink, gamma) {
    if (this.key && this.key.ink === ink && this.key.gamma === gamma) return this.ramp;
    this.key = { ink, gamma };
    const colour = typeof ink === "string" ? wordOf(ink) & 0xffffff : 0;
    for (let i = 0; i < RAMP; i++) {
      const level = Math.round(255 * (i / (RAMP - 1)) ** gamma);
      this.ramp[i] = typeof ink === "string" ? (level << 24) | colour : ink[level];
    }
    return this.ramp;
  }
}

/** Any CSS colour as one little-endian RGBA word. @param {string} colour */
function wordOf(colour) {
  const canvas = document.createElement("canvas");
  const context = contextOf(canvas, { willReadFrequently: true });
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return new Uint32Array(context.getImageData(0, 0, 1, 1).data.buffer)[0];
}
