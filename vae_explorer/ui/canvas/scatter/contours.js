// Lines of equal value on a grid, and those that hold half and nine tenths of each class's codes.

import { Density } from "./fields.js";

const SHARES = [0.5, 0.9]; // of a class that its lines enclose
const WIDTHS = [2.25, 1.25]; // px of these lines
// On which edge of a cell its line begins and on which it ends (0 top, 1 right, 2 bottom, 3 left), by the corners
// above the level (1 top left, 2 top right, 4 bottom right, 8 bottom left), which lie to the line's right.
const BEGINS = [-1, 0, 1, 1, 2, -1, 2, 2, 3, 0, -1, 1, 3, 0, 3, -1];
const ENDS = [-1, 3, 0, 3, 1, -1, 0, 3, 2, 2, -1, 2, 1, 1, 0, -1];

/**
 * The levels above which lie given shares of the codes of one class: quantiles of the density at the codes themselves.
 * The density is blurred, so that a region with half of its mass holds more codes than half.
 * @param {Float32Array} values densities at the codes, 0 for one outside the grid; sorted in place
 * @param {number[]} shares such as 0.5 and 0.9
 * @returns {number[]} 0 where the whole grid does not hold so many
 */
function codeLevels(values, shares) {
  values.sort();
  const count = values.length;
  return shares.map((share) => {
    const below = Math.min(Math.round((1 - share) * count), count - 1); // codes that lie outside
    const outside = below > 0 ? values[below - 1] : 0;
    return values[below] > 0 ? (outside + values[below]) / 2 : 0;
  });
}

/**
 * Lines as a plot draws them: x0, y0, x1, y1 of each segment, in data units; `count` numbers of them.
 * @typedef {import("./layers.js").Contour} Contour
 */

/** Finds the lines of equal value of one grid after another. */
export class Contours {
  /** @param {number} side cells */
  constructor(side) {
    const rim = side + 2; // with a rim of zeros, which closes every line
    this.side = side;
    this.rim = rim;
    this.values = new Float32Array(rim * rim);
    this.next = new Int32Array(2 * rim * rim).fill(-1); // for the edge where a line enters a cell: where it leaves
    this.entries = new Int32Array(2 * rim * rim);
    this.edges = [0, 3, 2 * rim, 1]; // number of a cell's edges, beyond twice the number of its top left corner
  }

  /**
   * @param {Float32Array} values at the cells' centres, the top row first
   * @param {number[]} extent [x0, x1, y0, y1] of the cells
   * @param {number} level above 0
   * @param {?Float32Array} [room] segments of an earlier answer, to be written over
   * @returns {{segments: Float32Array, count: number}} x0, y0, x1, y1 of each segment, in data units, and how many
   *   numbers these are; a line's segments follow each other and close
   */
  segments(values, extent, level, room = null) {
    const { side, rim, next, entries } = this;
    for (let row = 0; row < side; row++) {
      this.values.set(values.subarray(row * side, (row + 1) * side), (row + 1) * rim + 1);
    }
    const found = level > 0 ? this.march(level) : 0;
    const segments = room && room.length >= 4 * found ? room : new Float32Array(6 * found);
    let count = 0;
    for (let k = 0; k < found; k++) {
      let edge = entries[k];
      if (next[edge] < 0) continue; // an earlier line came by
      this.cross(edge, level, extent, segments, count);
      while (next[edge] >= 0) {
        const after = next[edge];
        next[edge] = -1;
        this.cross(after, level, extent, segments, count + 2);
        count += 4;
        if (next[after] >= 0) segments.copyWithin(count, count - 2, count);
        edge = after;
      }
    }
    return { segments, count };
  }

  /** Marching squares: writes `next` and lists the edges that have one; returns how many. @param {number} level */
  march(level) {
    const { rim, values, next, entries, edges } = this;
    let found = 0;
    /** @param {number} at @param {number} begin @param {number} end */
    const link = (at, begin, end) => {
      const entry = 2 * at + edges[begin];
      next[entry] = 2 * at + edges[end];
      entries[found++] = entry;
    };
    for (let row = 0; row < rim - 1; row++) {
      let left = 0; // the rim's
      for (let at = row * rim; at < row * rim + rim - 1; at++) {
        const right = (values[at + 1] > level ? 2 : 0) | (values[at + rim + 1] > level ? 4 : 0);
        const corners = left | right;
        left = (right & 2 ? 1 : 0) | (right & 4 ? 8 : 0);
        if (corners === 0 || corners === 15) continue;
        if (corners !== 5 && corners !== 10) {
          link(at, BEGINS[corners], ENDS[corners]);
          continue;
        }
        const middle = values[at] + values[at + 1] + values[at + rim] + values[at + rim + 1] > 4 * level;
        const first = corners === 5 ? 0 : 1; // a saddle: its two lines cut off either the low corners or the high ones
        link(at, first, (first + (middle ? 1 : 3)) % 4);
        link(at, first + 2, (first + (middle ? 3 : 1)) % 4);
      }
    }
    return found;
  }

  /**
   * Writes where a line crosses an edge.
   * @param {number} edge @param {number} level @param {number[]} extent @param {Float32Array} out @param {number} at
   */
  cross(edge, level, [x0, x1, y0, y1], out, at) {
    const { side, rim, values } = this;
    const node = edge >> 1;
    const upright = edge & 1;
    const value = values[node];
    const part = (level - value) / (values[node + (upright ? rim : 1)] - value);
    const column = (node % rim) - 0.5 + (upright ? 0 : part);
    const row = Math.floor(node / rim) - 0.5 + (upright ? part : 0);
    out[at] = x0 + (column * (x1 - x0)) / side;
    out[at + 1] = y1 - (row * (y1 - y0)) / side;
  }
}

/** The lines around half and nine tenths of each class. */
export class ClassContours {
  constructor(side = 72) {
    this.density = new Density(side);
    this.contours = new Contours(side);
    /** @type {Contour[]} */
    this.layers = [];
  }

  /**
   * Arguments as for `Density.update`, and the classes' colours.
   * @param {Float32Array} xy
   * @param {Uint8Array} labels
   * @param {Uint8Array} hidden
   * @param {number[]} extent
   * @param {number} bandwidth
   * @param {string[]} colours one CSS colour a class
   * @returns {Contour[]} what a plot draws; a class
   *   that has a share of its points outside the extent has no line for what is more
   */
  update(xy, labels, hidden, extent, bandwidth, colours) {
    const grids = this.density.perClass(xy, labels, hidden, extent, bandwidth, colours.length);
    const values = this.density.atPoints(xy, labels, hidden, extent);
    let used = 0;
    let start = 0;
    grids.forEach((grid, k) => {
      const count = this.density.counts[k];
      if (count === 0) return;
      const own = values.subarray(start, (start += count));
      codeLevels(own, SHARES).forEach((level, which) => {
        const at = used++;
        const lines = this.contours.segments(grid, extent, level, this.layers[at]?.segments);
        this.layers[at] = { ...lines, colour: colours[k], width: WIDTHS[which] };
      });
    });
    return this.layers.slice(0, used);
  }
}
