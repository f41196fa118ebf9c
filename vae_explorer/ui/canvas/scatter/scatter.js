// A scatter plot that answers anywhere: on a point, and on the empty plane between points.
// It knows points, classes, colours and layers, and nothing of what they mean.

import { listen } from "./gestures.js";
import { drawAxes, drawCaptions, drawCircles, drawContours, drawDots, drawEllipses, drawGuests, drawLines, drawMarker, drawUnderlays } from "./layers.js";
import { MARK_LEAST } from "./marks.js";
import { Raster } from "./raster.js";

const BLEED = 10; // px that the raster is larger, so that discs are cut by the edge and do not vanish at it
const REACH = 6; // px within which a click takes a point
export const OUTLINE = 0.35; // opacity of one of many ellipses
export const VEILED = 0.8; // opacity of points over an underlay, which shall be seen through them
const GROUND = ["underlays", "contours", "circles"]; // layers that move with the points
const ZOOM = [0.3, 200]; // least and most, relative to home

export class Scatter {
  /**
   * @param {HTMLCanvasElement} canvas sized by CSS
   * @param {{hover: Function, click: Function, view: Function, key: Function}} on hover(place or null),
   *   click(place), view({x, y, half}), key(event); a place is {x, y, index}, index null on the plane
   */
  constructor(canvas, on) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.on = on;
    this.raster = new Raster();
    this.ground = document.createElement("canvas").getContext("2d"); // all that a marker which moves leaves as it is
    this.grounded = ""; // the view that it shows; empty where it is stale
    this.xy = new Float32Array(0);
    this.labels = new Uint8Array(0);
    this.colours = new Uint32Array(0);
    this.tints = null; // one packed colour a point; none: those of the classes
    this.hidden = new Uint8Array(256);
    this.marks = null; // one name a class; none: discs for all
    this.captions = null; // one name a class, written at its middle; or none
    this.layers = { underlays: [], contours: [], circles: [], ellipses: [], lines: [], dots: [], guests: [], marker: null };
    this.spread = null; // half axes of an ellipse around every point, or none
    this.style = { text: "#000000", background: "#ffffff", font: "sans-serif", size: 12, bold: 1 };
    this.axes = ["", ""];
    this.home = { x: 0, y: 0, half: 1 };
    this.view = { ...this.home };
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

  /** Changes any of xy, spread, labels, colours, tints, hidden, marks, captions, style, axes; draws with the next frame. */
  set(changes) {
    Object.assign(this, changes);
    this.grounded = ""; // the points may have moved within the same array
    this.redraw();
  }

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

  toPixel(x, y) {
    const { box, scale, view } = this;
    return { x: box.x + box.width / 2 + (x - view.x) * scale, y: box.y + box.height / 2 - (y - view.y) * scale };
  }

  toData(p) {
    const { box, scale, view } = this;
    return { x: view.x + (p.x - box.x - box.width / 2) / scale, y: view.y - (p.y - box.y - box.height / 2) / scale };
  }

  /** Rounds a coordinate to what one pixel can tell, so that the number shown is the number meant. */
  rounded(value) {
    const digits = Math.max(2, Math.ceil(Math.log10(this.scale) - 0.1));
    return Number(value.toFixed(digits));
  }

  inside(p) {
    const { box } = this;
    return p.x >= box.x && p.x <= box.x + box.width && p.y >= box.y && p.y <= box.y + box.height;
  }

  /** The nearest shown point within reach of a pixel, or else the place on the plane. */
  place(p) {
    const { xy, labels, hidden, scale } = this;
    const { x, y } = this.toData(p);
    let best = (REACH / scale) ** 2;
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

  zoom(factor, p) {
    const at = p ? this.toData(p) : { x: this.view.x, y: this.view.y };
    const half = Math.min(this.home.half / ZOOM[0], Math.max(this.home.half / ZOOM[1], this.view.half / factor));
    const k = half / this.view.half;
    this.setView({ x: at.x + (this.view.x - at.x) * k, y: at.y + (this.view.y - at.y) * k, half });
  }

  setHome(home) {
    this.home = home;
    this.setView(home, true);
  }

  /** Keeps the middle of the view within three times the home square. */
  setView({ x, y, half }, quiet = false) {
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
    drawGuests(this);
    drawMarker(this);
    context.restore();
  }

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
