// The plane by the class of what is decoded there: a tint as strong as the classifier's lead, faint where no code lies near.

import { rungOf } from "./rungs.js";
import { Contours } from "./scatter/contours.js";
import { Density, Heat } from "./scatter/fields.js";
import { packed } from "./scatter/raster.js";

/** @import { Contour, Underlay } from "./scatter/layers.js" */
/** @import { Message } from "./wire.js" */

/**
 * What a classifier says of the images decoded on a grid of the plane, at some KL weights: `values` are probabilities times 255,
 * (rungs, side, side, classes), the first row at the top; or why there is nothing.
 * @typedef {Message & {kind: "classes" | "classes-near"} & ({absent: string} | {absent?: undefined, rungs: number[], extent: number[], side: number,
 *   classes: number[], values: Uint8Array})} ClassesMessage
 */

const TINT = [24, 150]; // alpha, of 255, without a lead and with all of it
const FAR = 0.25; // of the tint that is left where no code lies near
const NEAR = 0.02; // codes a cell from which on the plane counts as near to them
const BANDWIDTH = 1.5; // cells

export class Territory {
  /** @param {Extract<ClassesMessage, {values: Uint8Array}>} message */
  constructor({ rungs, extent, side, classes, values }) {
    /** @type {number[]} */
    this.rungs = rungs;
    /** @type {number[]} */
    this.extent = extent;
    this.side = side;
    /** @type {number[]} */
    this.classes = classes;
    /** @type {Uint8Array} */
    this.values = values;
    this.labels = new Uint8Array(side * side); // the likeliest class of each cell, by its place in `classes`
    this.leads = new Float32Array(side * side); // of its probability over the next one's
    this.heat = new Heat(side);
    this.density = new Density(side);
    this.contours = new Contours(side);
    this.grid = new Float32Array(side * side);
    /** @type {Contour[]} */
    this.lines = [];
  }

  /** Finds each cell's class and its lead at a KL weight, between the rungs on straight lines. @param {?number} beta */
  climb(beta) {
    const { values, labels, leads } = this;
    const count = this.classes.length;
    const { rung, share } = rungOf(this.rungs, beta);
    const low = rung * labels.length * count;
    const high = share ? low + labels.length * count : low;
    for (let cell = 0; cell < labels.length; cell++) {
      let [best, first, second] = [0, -1, -1];
      for (let k = 0, at = cell * count; k < count; k++, at++) {
        const value = values[low + at] + share * (values[high + at] - values[low + at]);
        if (value > first) [best, first, second] = [k, value, first];
        else if (value > second) second = value;
      }
      labels[cell] = best;
      leads[cell] = (first - Math.max(0, second)) / 255;
    }
  }

  /**
   * The tint, and the lines between classes, as a plot draws them.
   * @param {{xy: Float32Array, labels: Uint8Array, hidden: Uint8Array}} plot whose codes are near or far
   * @param {string[]} colours one CSS colour a class @param {string} ink of the lines
   * @returns {{underlay: Underlay, contours: Contour[]}}
   */
  paint({ xy, labels, hidden }, colours, ink) {
    const near = this.density.update(xy, labels, hidden, this.extent, BANDWIDTH);
    const words = this.classes.map((k) => packed(colours[k]) & 0xffffff);
    for (let cell = 0; cell < this.labels.length; cell++) {
      const strength = TINT[0] + (TINT[1] - TINT[0]) * this.leads[cell];
      const alpha = Math.round(strength * (FAR + (1 - FAR) * Math.min(1, near[cell] / NEAR)));
      this.heat.words[cell] = ((alpha << 24) | words[this.labels[cell]]) >>> 0;
    }
    return { underlay: { image: this.heat.put(), extent: this.extent, smooth: true }, contours: this.boundaries(ink) };
  }

  /** Where the likeliest class changes: of each class the line at which its lead over all others is 0. @param {string} ink @returns {Contour[]} */
  boundaries(ink) {
    const present = [...new Set(this.labels)];
    this.lines.length = present.length > 1 ? Math.min(this.lines.length, present.length) : 0;
    if (present.length < 2) return [];
    return present.map((k, which) => {
      const { labels, leads, grid } = this;
      for (let cell = 0; cell < labels.length; cell++) grid[cell] = labels[cell] === k ? 1 + leads[cell] : 1 - leads[cell];
      const lines = this.contours.segments(grid, this.extent, 1, this.lines[which]?.segments);
      return (this.lines[which] = { ...lines, colour: ink, width: 0.75 });
    });
  }

  /**
   * Centres of cells of another class than one, nearest first.
   * @param {number[]} z @param {number} from the class that is left @param {?number} to the class that is sought; any if null
   * @param {number} most how many @param {number[]} unit by which distances are divided on each axis
   * @returns {number[][]}
   */
  others([x, y = 0], from, to, most, unit) {
    const { side, labels, classes, extent } = this;
    const [x0, x1, y0, y1] = extent;
    /** @type {{distance: number, place: number[]}[]} */
    const found = [];
    for (let cell = 0; cell < labels.length; cell++) {
      const label = classes[labels[cell]];
      if (label === from || (to !== null && label !== to)) continue;
      const place = [x0 + ((cell % side) + 0.5) * ((x1 - x0) / side), y1 - (Math.floor(cell / side) + 0.5) * ((y1 - y0) / side)];
      found.push({ distance: Math.hypot((place[0] - x) / unit[0], (place[1] - y) / unit[1]), place });
    }
    return found
      .sort((a, b) => a.distance - b.distance)
      .slice(0, most)
      .map(({ place }) => place);
  }
}
