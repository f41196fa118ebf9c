// What a scatter plot draws below and above its points: underlays, contours, circles, ellipses, lines, dots, guests, a marker.

import { contextOf } from "./canvas.js";

/**
 * An image, stretched over [x0, x1, y0, y1]; its first row lies at y1. Only a smooth one may change. One that lies over the others
 * takes their place.
 * @typedef {{image: HTMLCanvasElement, extent: number[], alpha?: number, smooth?: boolean, over?: boolean}} Underlay
 */

/**
 * Lines: x0, y0, x1, y1 of each segment, in data units; the first `count` numbers count.
 * @typedef {{segments: Float32Array, count?: number, colour: string, width: number}} Contour
 */

/** A line, in data units; a thin one leads from a place to its words. @typedef {{points: number[][], thin?: boolean}} Line */

/** A dot, with its number beside it if it has one. @typedef {{x: number, y: number, text?: string}} Dot */

/** A circle, in data units, with a word on its rim. @typedef {{x: number, y: number, radius: number, label: string}} Circle */

/** An ellipse along the axes, in data units. @typedef {{x: number, y: number, rx: number, ry: number}} Ellipse */

/** A point that is none of the plot's own: a diamond with its name, and a dashed ellipse. @typedef {Ellipse & {text: string}} Guest */

/**
 * What a plot draws beside its points.
 * @typedef {object} PlotLayers
 * @property {Underlay[]} underlays
 * @property {Contour[]} contours
 * @property {Circle[]} circles
 * @property {Ellipse[]} ellipses
 * @property {Line[]} lines
 * @property {Dot[]} dots
 * @property {Guest[]} guests
 * @property {?{x: number, y: number}} marker
 * @property {Dot[]} words
 */

/**
 * How a plot looks: lines and dots are `bold` times as thick.
 * @typedef {{text: string, background: string, font: string, size: number, bold: number}} Style
 */

/** @typedef {"beginPath" | "moveTo" | "lineTo" | "closePath" | "arc" | "ellipse" | "rect" | "roundRect" | "stroke" | "fill" | "clip"} PathPart */

/**
 * @typedef {"fillStyle" | "strokeStyle" | "lineWidth" | "lineJoin" | "globalAlpha" | "font" | "textAlign" | "textBaseline" | "setLineDash"}
 *   LookPart
 */

/** @typedef {"save" | "restore" | "translate" | "rotate" | "fillText" | "strokeText" | "measureText" | "imageSmoothingEnabled"} OtherPart */

/**
 * What is drawn with: a canvas's 2-D context, or whatever else has these parts of it.
 * @typedef {Pick<CanvasRenderingContext2D, PathPart | LookPart | OtherPart> & {
 *   imageSmoothingQuality?: ImageSmoothingQuality,
 *   drawImage(image: HTMLCanvasElement, x: number, y: number, width: number, height: number): void,
 * }} Pen
 */

/** What draws on any pen. @typedef {Omit<import("./scatter.js").Scatter, "context"> & {context: Pen}} Plot */

const CROWDED = 5; // lines of type: circles smaller than that are drawn above the points, and have one label
const MANY = 16; // dots from which on they are smaller

/** @param {Plot} plot @param {Pen} context */
export function drawUnderlays(plot, context) {
  const { layers, ratio } = plot;
  for (const { image, extent, alpha = 1, smooth = false, over = false } of layers.underlays) {
    const from = plot.toPixel(extent[0], extent[3]);
    const to = plot.toPixel(extent[1], extent[2]);
    if (over) {
      context.fillStyle = plot.style.background;
      context.beginPath();
      context.rect(from.x, from.y, to.x - from.x, to.y - from.y);
      context.fill();
    }
    const width = Math.round((to.x - from.x) * ratio);
    const height = Math.round((to.y - from.y) * ratio);
    const fine = !smooth && width < image.width;
    const shown = fine ? scaledDown(image, width, height) : image;
    const [x, y] = fine ? [from.x, from.y].map((value) => Math.round(value * ratio) / ratio) : [from.x, from.y];
    context.globalAlpha = alpha;
    context.imageSmoothingEnabled = smooth;
    context.imageSmoothingQuality = "low";
    context.drawImage(shown, x, y, width / ratio, height / ratio);
  }
  context.globalAlpha = 1;
  context.imageSmoothingEnabled = true;
}

/** @type {WeakMap<HTMLCanvasElement, HTMLCanvasElement>} */
const SCALED = new WeakMap(); // of pictures that never change: each as it was drawn last

/**
 * Returns a picture in the size that it is drawn in: scaling it well takes 2 ms, which is too much for every frame.
 * @param {HTMLCanvasElement} image @param {number} width @param {number} height
 */
function scaledDown(image, width, height) {
  let canvas = SCALED.get(image);
  if (canvas?.width === width && canvas.height === height) return canvas;
  if (!canvas) SCALED.set(image, (canvas = document.createElement("canvas")));
  Object.assign(canvas, { width: Math.max(1, width), height: Math.max(1, height) });
  const context = contextOf(canvas);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** @param {Plot} plot @param {Pen} context */
export function drawContours(plot, context) {
  const { layers, style, scale } = plot;
  const origin = plot.toPixel(0, 0);
  for (const { segments, count = segments.length, colour, width } of layers.contours) {
    context.beginPath();
    for (let i = 0; i < count; i += 4) {
      const goesOn = i > 0 && segments[i] === segments[i - 2] && segments[i + 1] === segments[i - 1];
      if (!goesOn) context.moveTo(origin.x + segments[i] * scale, origin.y - segments[i + 1] * scale);
      context.lineTo(origin.x + segments[i + 2] * scale, origin.y - segments[i + 3] * scale);
    }
    context.lineWidth = width * style.bold + 2;
    context.globalAlpha = 0.6;
    context.strokeStyle = style.background;
    context.stroke();
    context.lineWidth = width * style.bold;
    context.globalAlpha = 1;
    context.strokeStyle = colour;
    context.stroke();
  }
}

/** @param {Plot} plot */
export function drawLines(plot) {
  for (const { points, thin } of plot.layers.lines) {
    plot.context.beginPath();
    points.forEach(([x, y]) => {
      const at = plot.toPixel(x, y);
      plot.context.lineTo(at.x, at.y);
    });
    halo(plot.context, plot.style, thin ? 1 : 2);
  }
}

/** @param {Plot} plot */
export function drawDots(plot) {
  const { context, style, layers } = plot;
  if (layers.dots.length === 0) return; // setting a font lays out a page whose text has changed: 1 ms a frame
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = `600 ${0.85 * style.size}px ${style.font}`;
  const reach = layers.dots.length > MANY && isCrowded(plot) ? Math.max(...layers.circles.map(({ radius }) => radius)) : 0;
  for (const { x, y, text = "" } of layers.dots) {
    if (!text && Math.hypot(x, y) < reach) continue; // they would hide the circle that they lie in
    const at = plot.toPixel(x, y);
    context.beginPath();
    context.arc(at.x, at.y, text ? 0.75 * style.size : layers.dots.length > MANY ? 2 : 3, 0, 2 * Math.PI);
    context.fillStyle = text ? style.background : style.text;
    context.fill();
    context.lineWidth = text || layers.dots.length <= MANY ? 1.5 : 1;
    context.strokeStyle = text ? style.text : style.background;
    context.stroke();
    context.fillStyle = style.text;
    context.fillText(text, at.x, at.y + 0.5);
  }
}

/**
 * A stroke that reads on anything: the background's colour below, the text's above.
 * @param {Pen} context @param {Style} style @param {number} width @param {number[]} [dash]
 */
function halo(context, style, width, dash = []) {
  context.setLineDash([]);
  context.lineWidth = width * style.bold + 2.5;
  context.strokeStyle = style.background;
  context.globalAlpha = 0.75;
  context.stroke();
  context.setLineDash(dash);
  context.lineWidth = width * style.bold;
  context.strokeStyle = style.text;
  context.globalAlpha = 1;
  context.stroke();
  context.setLineDash([]);
}

/** The circles of a plot, but for those that its points would hide: see `drawBeacon`. @param {Plot} plot @param {Pen} context */
export function drawCircles(plot, context) {
  if (isCrowded(plot)) return;
  const { layers, scale, style } = plot;
  for (const { x, y, radius, label } of layers.circles) {
    const centre = plot.toPixel(x, y);
    context.beginPath();
    context.arc(centre.x, centre.y, radius * scale, 0, 2 * Math.PI);
    halo(context, style, 1.25, [5, 4]);
    drawLabel(context, style, label, { x: centre.x + radius * scale * Math.SQRT1_2, y: centre.y - radius * scale * Math.SQRT1_2 });
  }
}

/** Of circles so small that points and each other's words would hide them, the largest, above the points, its word beside it. @param {Plot} plot */
export function drawBeacon(plot) {
  if (!isCrowded(plot)) return;
  const { context, layers, scale, style } = plot;
  const largest = layers.circles.reduce((a, b) => (b.radius > a.radius ? b : a));
  const centre = plot.toPixel(largest.x, largest.y);
  const reach = largest.radius * scale;
  context.beginPath();
  context.arc(centre.x, centre.y, reach, 0, 2 * Math.PI);
  halo(context, style, 2.5);
  const at = { x: centre.x + Math.SQRT1_2 * reach + 3 * style.size, y: centre.y + Math.SQRT1_2 * reach + 2.2 * style.size };
  context.beginPath();
  context.moveTo(centre.x + Math.SQRT1_2 * reach, centre.y + Math.SQRT1_2 * reach);
  context.lineTo(at.x, at.y);
  halo(context, style, 1);
  drawLabel(context, style, `${largest.label} of N(0, I)`, at);
}

/** @param {Plot} plot */
function isCrowded({ layers, scale, style }) {
  return layers.circles.length > 0 && Math.max(...layers.circles.map(({ radius }) => radius)) * scale < CROWDED * style.size;
}

/** A word on a plate. @param {Pen} context @param {Style} style @param {string} label @param {{x: number, y: number}} at */
function drawLabel(context, style, label, at) {
  const font = `600 ${style.size}px ${style.font}`;
  if (context.font !== font) context.font = font;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const half = context.measureText(label).width / 2 + 4;
  context.fillStyle = style.background;
  context.globalAlpha = 0.85;
  context.beginPath();
  context.roundRect(at.x - half, at.y - 0.75 * style.size, 2 * half, 1.5 * style.size, 4);
  context.fill();
  context.globalAlpha = 1;
  context.fillStyle = style.text;
  context.fillText(label, at.x, at.y + 0.5);
}

/** Words on the plane. @param {Plot} plot @param {Pen} context */
export function drawWords(plot, context) {
  const { style, layers } = plot;
  if (layers.words.length === 0) return;
  context.font = `italic 700 ${1.15 * style.size}px ${style.font}`;
  for (const { x, y, text = "" } of layers.words) write(context, style, text, plot.toPixel(x, y));
}

/** Writes a word that reads on anything, in the font of now. @param {Pen} context @param {Style} style @param {string} text @param {{x: number, y: number}} at */
function write(context, style, text, at) {
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 5;
  context.strokeStyle = style.background;
  context.strokeText(text, at.x, at.y);
  context.fillStyle = style.text;
  context.fillText(text, at.x, at.y);
}

/** The classes' names, each at the mean of its shown points. @param {Plot} plot @param {Pen} context */
export function drawCaptions(plot, context) {
  const { xy, labels, hidden, captions, style } = plot;
  if (!captions) return;
  const sums = captions.map(() => [0, 0, 0]);
  for (let i = 0; i < labels.length; i++) {
    const sum = sums[labels[i]];
    sum[0] += xy[2 * i];
    sum[1] += xy[2 * i + 1];
    sum[2]++;
  }
  context.font = `700 ${1.25 * style.size}px ${style.font}`;
  sums.forEach(([x, y, count], k) => {
    if (count > 0 && !hidden[k]) write(context, style, captions[k], plot.toPixel(x / count, y / count));
  });
}

/** @param {Plot} plot */
export function drawEllipses(plot) {
  for (const ellipse of plot.layers.ellipses) {
    fillEllipse(plot, ellipse);
    halo(plot.context, plot.style, 1.5);
  }
}

/** Fills an ellipse and leaves it as the path, for its outline. @param {Plot} plot @param {Ellipse} ellipse */
function fillEllipse(plot, { x, y, rx, ry }) {
  const { context, scale, style } = plot;
  const centre = plot.toPixel(x, y);
  context.beginPath();
  context.ellipse(centre.x, centre.y, rx * scale, ry * scale, 0, 0, 2 * Math.PI);
  context.globalAlpha = 0.16;
  context.fillStyle = style.text;
  context.fill();
}

/** @param {Plot} plot */
export function drawGuests(plot) {
  const { context, layers, style } = plot;
  if (layers.guests.length === 0) return;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.font = `600 ${style.size}px ${style.font}`;
  for (const { x, y, rx, ry, text } of layers.guests) {
    const at = plot.toPixel(x, y);
    fillEllipse(plot, { x, y, rx, ry });
    if (rx > 0) halo(context, style, 1.5, [4, 3]);
    context.globalAlpha = 1;
    context.beginPath();
    for (const [dx, dy] of [
      [0, -9],
      [9, 0],
      [0, 9],
      [-9, 0],
    ])
      context.lineTo(at.x + dx, at.y + dy);
    context.closePath();
    halo(context, style, 2.5);
    context.lineWidth = 4;
    context.strokeStyle = style.background;
    context.strokeText(text, at.x + 15, at.y);
    context.fillStyle = style.text;
    context.fillText(text, at.x + 15, at.y);
  }
}

/** @param {Plot} plot */
export function drawMarker(plot) {
  const { context, layers, style } = plot;
  if (!layers.marker) return;
  const { x, y } = plot.toPixel(layers.marker.x, layers.marker.y);
  context.beginPath();
  context.arc(x, y, 9, 0, 2 * Math.PI);
  for (const [dx, dy] of [
    [1, 0],
    [-1, 0],
    [0, 1],
    [0, -1],
  ]) {
    context.moveTo(x + 9 * dx, y + 9 * dy);
    context.lineTo(x + 15 * dx, y + 15 * dy);
  }
  halo(context, style, 2);
  context.beginPath();
  context.arc(x, y, 1.75, 0, 2 * Math.PI);
  context.fillStyle = style.text;
  context.fill();
}
