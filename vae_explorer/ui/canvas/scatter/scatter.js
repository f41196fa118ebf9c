// A scatter plot that answers anywhere: on a point, and on the empty plane between points. It knows points, classes,
// colours and layers, and nothing of what they mean; this folder imports nothing from outside, and runs without a build.
//
//   const plot = new Scatter(canvas, { hover, click, view, key });
//   plot.setHome({ x: 0, y: 0, half: 3 });
//   plot.set({ xy, labels, colours: Uint32Array.from(["#0072b2", "#d55e00"], packed), axes: ["width", "height"] });
//   plot.setLayers({ circles: [{ x: 0, y: 0, radius: 1, label: "1" }] });
//
// Takes a canvas that CSS sizes; `set` takes points (xy, float32, interleaved), a class for each (labels, uint8), colours,
// marks and looks, all of them optional (`Points`); `setLayers` what is drawn below and above the points (layers.js).
// Draws at most once a frame: grid, underlays, points, contours, circles, names, ellipses, lines, dots, guests, a marker.
// Gives hover(place or null) and click(place), a place being {x, y} in data units and the index of the point that lies
// there, null on the plane; view({x, y, half}) after each pan and zoom, key(event), and frame() before each drawing.
// `place`, `toData` and `toPixel` answer the same without an event. fields.js and contours.js make layers of points.

import { drawAxes } from "./axes.js";
import { contextOf } from "./canvas.js";
import { listen } from "./gestures.js";
import {
  drawBeacon,
  drawCaptions,
  drawCircles,
  drawContours,
  drawDots,
  drawEllipses,
  drawGuests,
  drawLines,
  drawMarker,
  drawUnderlays,
  drawWords,
} from "./layers.js";
import { MARK_LEAST } from "./marks.js";
import { Raster } from "./raster.js";

/** @import { Pixel } from "./gestures.js" */
/** @import { Pen, PlotLayers, Style } from "./layers.js" */

/** A place in data units, and the point that lies there; index null on the plane. @typedef {{x: number, y: number, index: ?number}} Place */

/** The middle of what is seen, and half of its shorter side, in data units. @typedef {{x: number, y: number, half: number}} View */

/**
 * What is told of what the user does.
 * @typedef {object} Reports
 * @property {(place: ?Place) => void} hover
 * @property {(place: Place) => void} click
 * @property {(view: View) => void} view
 * @property {(event: KeyboardEvent) => void} key
 * @property {() => void} [frame] what moves the points does so now, once a frame
 */

/**
 * What `set` takes.
 * @typedef {Partial<Pick<Scatter, "xy" | "labels" | "colours" | "tints" | "hidden" | "marks" | "captions" | "spread" | "style" | "axes">>}
 *   Points
 */

const BLEED = 10; // px that the raster is larger, so that discs are cut by the edge and do not vanish at it
const REACH = 6; // px within which a click takes a point
export const OUTLINE = 0.35; // opacity of one of many ellipses
export const VEILED = 0.8; // opacity of points over an underlay, which shall be seen through them
const GROUND = ["underlays", "contours", "circles", "words"]; // layers that move with the points
const ZOOM = [0.3, 200]; // least and most, relative to home

export class Scatter {
  /**
   * @param {HTMLCanvasElement} canvas sized by CSS
   * @param {Reports} on
   */
  constructor(canvas, on) {
    this.canvas = canvas;
    this.context = contextOf(canvas);
    this.on = on;
    this.raster = new Raster();
    this.ground = contextOf(document.createElement("canvas")); // all that a marker which moves leaves as it is
    this.grounded = ""; // the view that it shows; empty where it is stale
    /** @type {Float32Array} */
    this.xy = new Float32Array(0);
    /** @type {Uint8Array} */
    this.labels = new Uint8Array(0);
    /** @type {Uint32Array} */
    this.colours = new Uint32Array(0);
    /** @type {?Uint32Array} */
    this.tints = null; // one packed colour a point; none: those of the classes
    /** @type {Uint8Array} */
    this.hidden = new Uint8Array(256);
    /** @type {?string[]} */
    this.marks = null; // one name a class; none: discs for all
    /** @type {?string[]} */
    this.captions = null; // one name a class, written at its middle; or none
    /** @type {PlotLayers} */
    this.layers = { underlays: [], contours: [], circles: [], ellipses: [], lines: [], dots: [], guests: [], marker: null, words: [] };
    /** @type {?Float32Array} */
    this.spread = null; // half axes of an ellipse around every point, or none
    /** @type {Style} */
    this.style = { text: "#000000", background: "#ffffff", font: "sans-serif", size: 12, bold: 1 };
    this.axes = ["", ""];
    this.home = { x: 0, y: 0, half: 1 };
    this.view = { ...this.home };
    this.ratio = 1; // pixels a CSS px
    this.width = this.height = 0; // CSS px of the canvas
    this.exact = false; // whether grid lines stand where they belong, and not on the screen's pixels
    this.shiftY = 0; // px that the plot lies lower: in a file, below a title
    this.frame = 0;
    this.abort = new AbortController();
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(canvas);
    listen(canvas, this.abort.signal, {
      move: (p) => this.on.hover(this.inside(p) ? this.place(p) : null),
      leave: () => this.on.hover(null),
      click: (p) => this.inside(p) && this.on.click(this.place(p)),
      pan: (dx, dy) => this.setView({ ...this.view, x: this.view.x - dx / this.scale, y: this.view.y + dy / this.scale }),
      zoom: (factor, p) => this.zoom(factor, p),
      reset: () => this.setView(this.home),
      key: (event) => this.on.key(event),
    });
    this.resize();
  }

  destroy() {
    this.abort.abort();
    this.resizes.disconnect();
    cancelAnimationFrame(this.frame);
  }

  /** Changes any of xy, spread, labels, colours, tints, hidden, marks, captions, style, axes; draws with the next frame. @param {Points} changes */
  set(changes) {
    Object.assign(this, changes);
    this.grounded = ""; // the points may have moved within the same array
    this.redraw();
  }

  /** @param {Partial<PlotLayers>} changes */
  setLayers(changes) {
    Object.assign(this.layers, changes);
    if (GROUND.some((name) => name in changes)) this.grounded = "";
    this.redraw();
  }

  /** The plot's box in CSS px. */
  get box() {
    const { size } = this.style; // the margins hold the ticks' text
    const width = Math.max(1, this.width - 4 * size);
    const height = Math.max(1, this.height - 3 * size);
    return { x: 3.3 * size, y: 0.7 * size + this.shiftY, width, height };
  }

  /** CSS px per data unit, the same on both axes. */
  get scale() {
    return Math.min(this.box.width, this.box.height) / (2 * this.view.half);
  }

  /** @param {number} x @param {number} y */
  toPixel(x, y) {
    const { box, scale, view } = this;
    return { x: box.x + box.width / 2 + (x - view.x) * scale, y: box.y + box.height / 2 - (y - view.y) * scale };
  }

  /** @param {Pixel} p */
  toData(p) {
    const { box, scale, view } = this;
    return { x: view.x + (p.x - box.x - box.width / 2) / scale, y: view.y - (p.y - box.y - box.height / 2) / scale };
  }

  /** Rounds a coordinate to what one pixel can tell, so that the number shown is the number meant. @param {number} value */
  rounded(value) {
    const digits = Math.max(2, Math.ceil(Math.log10(this.scale) - 0.1));
    return Number(value.toFixed(digits));
  }

  /** @param {Pixel} p */
  inside(p) {
    const { box } = this;
    return p.x >= box.x && p.x <= box.x + box.width && p.y >= box.y && p.y <= box.y + box.height;
  }

  /** The nearest shown point within reach of a pixel, or else the place on the plane. @param {Pixel} p @returns {Place} */
  place(p) {
    const { xy, labels, hidden, scale } = this;
    const { x, y } = this.toData(p);
    let best = (REACH / scale) ** 2;
    /** @type {?number} */
    let index = null;
    for (let i = 0; i < labels.length; i++) {
      const dx = xy[2 * i] - x;
      const dy = xy[2 * i + 1] - y;
      const distance = dx * dx + dy * dy;
      if (distance <= best && !hidden[labels[i]]) [best, index] = [distance, i];
    }
    if (index === null) return { x: this.rounded(x), y: this.rounded(y), index };
    return { x: xy[2 * index], y: xy[2 * index + 1], index };
  }

  /** @param {number} factor @param {Pixel} [p] stays where it is; else the middle does */
  zoom(factor, p) {
    const at = p ? this.toData(p) : { x: this.view.x, y: this.view.y };
    const half = Math.min(this.home.half / ZOOM[0], Math.max(this.home.half / ZOOM[1], this.view.half / factor));
    const k = half / this.view.half;
    this.setView({ x: at.x + (this.view.x - at.x) * k, y: at.y + (this.view.y - at.y) * k, half });
  }

  /** @param {View} home */
  setHome(home) {
    this.home = home;
    this.setView(home, true);
  }

  /** Keeps the middle of the view within three times the home square. @param {View} view @param {boolean} [quiet] whether nobody is told */
  setView({ x, y, half }, quiet = false) {
    /** @param {number} value @param {number} centre */
    const within = (value, centre) => Math.min(centre + 3 * this.home.half, Math.max(centre - 3 * this.home.half, value));
    this.view = { x: within(x, this.home.x), y: within(y, this.home.y), half };
    if (!quiet) this.on.view(this.view);
    this.redraw();
  }

  resize() {
    const { width, height } = this.canvas.getBoundingClientRect();
    this.ratio = window.devicePixelRatio || 1;
    this.width = width;
    this.height = height;
    this.canvas.width = Math.max(1, Math.round(width * this.ratio));
    this.canvas.height = Math.max(1, Math.round(height * this.ratio));
    this.draw(); // at once: a resized canvas is blank until it is drawn
  }

  redraw() {
    this.frame ||= requestAnimationFrame(() => {
      this.on.frame?.(); // what moves the points does so now, once a frame
      this.draw();
    });
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const { context, canvas, ratio, width, height, view, ground } = this;
    const shown = [width, height, ratio, view.x, view.y, view.half].join();
    if (shown !== this.grounded) {
      this.grounded = shown;
      Object.assign(ground.canvas, { width: canvas.width, height: canvas.height });
      ground.setTransform(ratio, 0, 0, ratio, 0, 0);
      drawAxes(this, ground);
      this.clip(ground);
      drawUnderlays(this, ground);
      this.drawPoints(ground);
      drawContours(this, ground);
      drawCircles(this, ground);
      drawCaptions(this, ground);
      drawWords(this, ground);
    }
    context.setTransform(1, 0, 0, 1, 0, 0); // pixel by pixel: a box of broken CSS px would be blurred
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(ground.canvas, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.save();
    this.clip(context);
    drawEllipses(this);
    drawLines(this);
    drawDots(this);
    drawBeacon(this);
    drawGuests(this);
    drawMarker(this);
    context.restore();
  }

  /** @param {Pen} context */
  clip(context) {
    const { box } = this;
    context.beginPath();
    context.rect(box.x, box.y, box.width, box.height);
    context.clip();
  }

  /** Discs that touch but seldom cover each other, and grow a little as the view closes in. */
  get radius() {
    const { box, labels } = this;
    const spacing = Math.sqrt((box.width * box.height) / Math.max(1, labels.length));
    const closer = Math.max(1, this.home.half / this.view.half) ** 0.3;
    const least = this.marks ? MARK_LEAST : 1.4;
    return Math.min(9, Math.max(least, Math.min(3.2, 0.3 * spacing)) * closer * this.style.bold);
  }

  /** @param {Pen} context */
  drawPoints(context) {
    const { box, ratio, raster, xy, labels, colours, tints, hidden, scale } = this;
    const origin = this.toPixel(0, 0);
    raster.resize(Math.round((box.width + 2 * BLEED) * ratio), Math.round((box.height + 2 * BLEED) * ratio));
    raster.setRadius(Math.round(this.radius * ratio * 4) / 4, this.marks);
    const a = scale * ratio;
    const left = box.x - BLEED;
    const top = box.y - BLEED;
    const map = { ax: a, bx: (origin.x - left) * ratio, ay: -a, by: (origin.y - top) * ratio };
    raster.draw(xy, labels, colours, hidden, map, this.spread && { std: this.spread, alpha: OUTLINE }, tints);
    context.globalAlpha = this.layers.underlays.length ? VEILED : 1;
    context.drawImage(raster.canvas, left, top, box.width + 2 * BLEED, box.height + 2 * BLEED);
    context.globalAlpha = 1;
  }
}
