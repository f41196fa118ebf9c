// Draws many small discs or other marks, and ellipses around them, into an ImageData: a few writes per pixel, no path and no GPU.

import { contextOf } from "./canvas.js";
import { markStamp } from "./marks.js";
import { Outlines } from "./outlines.js";

/** How data lie in a picture: pixel = a * data + b. @typedef {{ax: number, bx: number, ay: number, by: number}} PixelMap */

/** A mark: dx, dy and coverage (1 to 255) of each of its pixels, none farther than `reach`. @typedef {{reach: number, cells: number[][]}} Stamp */

/** A mark in a picture of one width: offsets of whole and of edge pixels. @typedef {ReturnType<Raster["offsets"]>} Offsets */

/** Returns "#rrggbb" as one little-endian RGBA word without its alpha. @param {string} colour */
export function packed(colour) {
  const rgb = parseInt(colour.slice(1), 16);
  return ((rgb & 0xff) << 16) | (rgb & 0xff00) | (rgb >> 16);
}

/** Returns a disc as offsets from its centre's pixel, with coverages from 1 to 255. @param {number} radius @returns {Stamp} */
function stamp(radius) {
  const reach = Math.ceil(radius);
  const cells = [];
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      const coverage = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(dx, dy)));
      if (coverage > 0.02) cells.push([dx, dy, Math.round(255 * coverage)]);
    }
  }
  return { reach, cells };
}

/** A picture of points, redrawn whole each time. */
export class Raster {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.context = contextOf(this.canvas);
    /** @type {?Outlines} */
    this.outlines = null; // made when first needed
    this.canvas.width = this.canvas.height = 1;
    this.image = this.context.createImageData(1, 1);
    this.words = new Uint32Array(this.image.data.buffer);
    this.stamped = ""; // what the stamps are for
    /** @type {Offsets[]} */
    this.stamps = [];
  }

  /** @param {number} width @param {number} height */
  resize(width, height) {
    if (this.image.width === width && this.image.height === height) return;
    this.canvas.width = width;
    this.canvas.height = height;
    this.image = this.context.createImageData(width, height);
    this.words = new Uint32Array(this.image.data.buffer);
    this.stamped = ""; // the stamps' offsets depend on the width
  }

  /**
   * @param {number} radius px
   * @param {?string[]} [marks] one name a class, or none: discs for all
   */
  setRadius(radius, marks = null) {
    const stamped = `${radius} ${marks}`;
    if (stamped === this.stamped) return;
    this.stamped = stamped;
    /** @type {Record<string, Offsets>} */
    const made = {};
    /** @param {string} name */
    const stampOf = (name) => (made[name] ??= this.offsets(name === "disc" ? stamp(radius) : markStamp(name, radius)));
    this.stamps = Array.from({ length: 256 }, (_, k) => stampOf(marks?.[k] ?? "disc"));
  }

  /** Splits a stamp into whole pixels and edge pixels, both as offsets into the words. @param {Stamp} stamp */
  offsets({ reach, cells }) {
    /** @param {number[]} cell */
    const offset = ([dx, dy]) => dy * this.image.width + dx;
    const edge = cells.filter((cell) => cell[2] < 255);
    return {
      reach,
      whole: Int32Array.from(
        cells.filter((cell) => cell[2] === 255),
        offset,
      ),
      edge: Int32Array.from(edge, offset),
      coverage: Uint8Array.from(edge, (cell) => cell[2]),
    };
  }

  /**
   * Draws every point whose class is shown, and below the points their ellipses, if any.
   * @param {Float32Array} xy interleaved coordinates, in data units
   * @param {Uint8Array} labels one class a point
   * @param {Uint32Array} colours packed colour of each class
   * @param {Uint8Array} hidden 1 for each class that is not drawn
   * @param {PixelMap} map
   * @param {?{std: Float32Array, alpha: number}} [spread] see `ellipses`
   * @param {?Uint32Array} [tints] packed colour of each point, in place of its class's
   */
  draw(xy, labels, colours, hidden, map, spread = null, tints = null) {
    this.words.fill(0);
    if (spread) this.ellipses(xy, spread.std, labels, colours, hidden, map, spread.alpha);
    this.points(xy, labels, colours, hidden, map, tints);
    this.context.putImageData(this.image, 0, 0);
  }

  /**
   * Outlines an ellipse around every point of a shown class.
   * @param {Float32Array} xy
   * @param {Float32Array} std interleaved half-axes along the axes, in data units
   * @param {Uint8Array} labels @param {Uint32Array} colours @param {Uint8Array} hidden @param {PixelMap} map
   * @param {number} alpha of a single outline, 0 to 1; it grows where outlines overlap
   */
  ellipses(xy, std, labels, colours, hidden, map, alpha) {
    this.outlines ??= new Outlines();
    this.outlines.draw(this.words, this.image.width, xy, std, labels, colours, hidden, map, alpha);
  }

  /**
   * @param {Float32Array} xy @param {Uint8Array} labels @param {Uint32Array} colours @param {Uint8Array} hidden @param {PixelMap} map
   * @param {?Uint32Array} tints
   */
  points(xy, labels, colours, hidden, map, tints) {
    const { words, stamps } = this;
    const { width, height } = this.image;
    for (let i = 0; i < labels.length; i++) {
      const label = labels[i];
      if (hidden[label]) continue;
      const x = Math.round(map.ax * xy[2 * i] + map.bx);
      const y = Math.round(map.ay * xy[2 * i + 1] + map.by);
      const { whole, edge, coverage, reach } = stamps[label];
      if (!(x >= reach && y >= reach && x < width - reach && y < height - reach)) continue;
      const at = y * width + x;
      const colour = tints ? tints[i] : colours[label];
      const solid = (colour | 0xff000000) >>> 0;
      for (let k = 0; k < whole.length; k++) words[at + whole[k]] = solid;
      for (let k = 0; k < edge.length; k++) {
        const j = at + edge[k];
        words[j] = blend(words[j], colour, coverage[k]);
      }
    }
  }
}

/**
 * Puts a colour of some coverage (of 255) over a pixel; between two soft edges the stronger alpha stays.
 * @param {number} under @param {number} colour @param {number} coverage
 */
function blend(under, colour, coverage) {
  const alpha = under >>> 24;
  if (alpha === 0) return (colour | (coverage << 24)) >>> 0;
  const rest = 255 - coverage;
  const r = ((colour & 0xff) * coverage + (under & 0xff) * rest) >> 8;
  const g = (((colour >> 8) & 0xff) * coverage + ((under >> 8) & 0xff) * rest) >> 8;
  const b = (((colour >> 16) & 0xff) * coverage + ((under >> 16) & 0xff) * rest) >> 8;
  return ((Math.max(alpha, coverage) << 24) | (b << 16) | (g << 8) | r) >>> 0;
}
