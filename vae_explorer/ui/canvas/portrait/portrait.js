// The map as a file: drawn again at the file's own size, with a title and a legend.

import { drawAxes } from "../scatter/axes.js";
import { contextOf } from "../scatter/canvas.js";
import { drawCaptions, drawCircles, drawContours, drawDots, drawEllipses, drawGuests, drawLines, drawMarker, drawUnderlays } from "../scatter/layers.js";
import { MARKS } from "../scatter/marks.js";
import { Raster } from "../scatter/raster.js";
import { OUTLINE, VEILED } from "../scatter/scatter.js";
import { SvgContext, shortNumber } from "./svg_context.js";

/** @import { Legend, LegendEntry } from "../legend.js" */
/** @import { Pen, Plot, Style } from "../scatter/layers.js" */
/** @import { Scatter } from "../scatter/scatter.js" */

/** Where a class stands in a file's legend. @typedef {LegendEntry & {x: number, y: number}} PlacedEntry */

/**
 * Where title, map and legend go, in CSS px.
 * @typedef {{width: number, height: number, top: number, left: number, entries: PlacedEntry[], lines: string[]}} Layout
 */

const PORTRAIT = 1600; // px that a PNG's shorter side has at least
const MOST_VECTORS = 20000; // points of an SVG file; more of them would take megabytes, and go in as one picture
const FINE = 3; // pixels a CSS px of the pictures in an SVG file
const TYPES = { png: "image/png", svg: "image/svg+xml" };

/**
 * Saves a plot as it is seen.
 * @param {Scatter} plot
 * @param {Legend} legend its classes
 * @param {"png"|"svg"} kind
 * @param {{stem: string, title: string}} words the file's name without its ending, and what stands above the map
 */
export async function savePortrait(plot, legend, kind, { stem, title }) {
  plot.draw();
  const blob = kind === "svg" ? new Blob([svgPortrait(plot, legend, title)], { type: TYPES.svg }) : await pngPortrait(plot, legend, title);
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: `${stem}.${kind}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** @param {Scatter} plot @param {Legend} legend @param {string} title @returns {Promise<Blob>} */
function pngPortrait(plot, legend, title) {
  const canvas = document.createElement("canvas");
  const context = contextOf(canvas);
  const layout = portraitLayout(context, plot, legend, title);
  const ratio = Math.max(2, PORTRAIT / Math.min(layout.width, layout.height));
  Object.assign(canvas, { width: Math.round(ratio * layout.width), height: Math.round(ratio * layout.height) });
  context.scale(ratio, ratio);
  context.textRendering = "geometricPrecision"; // else letters keep the distances of small type
  paintPortrait(context, plot, layout, ratio);
  return new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("This picture is too large."))), TYPES.png));
}

/** @param {Scatter} plot @param {Legend} legend @param {string} title */
function svgPortrait(plot, legend, title) {
  const context = new SvgContext();
  const layout = portraitLayout(context, plot, legend, title);
  paintPortrait(context, plot, layout, FINE);
  return context.finish(layout.width, layout.height, title);
}

/**
 * Where title, map and legend go, in CSS px. The map keeps the size that it has on the screen.
 * @param {Pen} context @param {Scatter} plot @param {Legend} legend @param {string} title
 * @returns {Layout}
 */
function portraitLayout(context, plot, legend, title) {
  const { size, font } = plot.style;
  context.font = `600 ${size}px ${font}`;
  const lines = linesOf(context, title, plot.width - plot.box.x);
  context.font = `${size}px ${font}`;
  const [row, left] = [1.7 * size, plot.box.x];
  const width = Math.ceil(plot.width);
  const top = Math.ceil((0.6 + 1.4 * lines.length) * size); // of the map
  let [x, y] = [left, top + Math.ceil(plot.height) + size];
  const entries = legend.entries.map((entry) => {
    const room = context.measureText(entry.name).width + 3 * size;
    if (x + room > width && x > left) [x, y] = [left, y + row];
    const place = { ...entry, x, y };
    x += room;
    return place;
  });
  return { width, height: Math.ceil(y + row), top, left, entries, lines };
}

/**
 * Breaks a title between its words, so that no line is wider than `room` but a single word.
 * @param {Pen} context @param {string} title @param {number} room
 */
function linesOf(context, title, room) {
  const lines = [""];
  for (const word of title.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trimStart();
    if (lines.at(-1) && context.measureText(longer).width > room) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

/**
 * Draws all of it on any context; a shadow of the plot stands in for it there, so that the screen keeps its own.
 * @param {CanvasRenderingContext2D | SvgContext} context @param {Scatter} plot @param {Layout} layout @param {number} ratio
 */
function paintPortrait(context, plot, { width, height, top, left, entries, lines }, ratio) {
  const { style } = plot;
  /** @type {Plot} */
  const shadow = Object.assign(Object.create(plot), { context, ratio, raster: new Raster(), shiftY: top, exact: true });
  context.fillStyle = style.background;
  context.beginPath();
  context.rect(0, 0, width, height);
  context.fill();
  Object.assign(context, { font: `600 ${style.size}px ${style.font}`, fillStyle: style.text, textAlign: "left", textBaseline: "middle" });
  lines.forEach((line, k) => context.fillText(line, left, (1.2 + 1.4 * k) * style.size));
  drawAxes(shadow, context);
  context.save();
  shadow.clip(context);
  drawUnderlays(shadow, context);
  if (context instanceof SvgContext && vectorsOf(shadow) <= MOST_VECTORS) svgPoints(context, shadow);
  else shadow.drawPoints(context);
  drawContours(shadow, context);
  drawCircles(shadow, context);
  drawCaptions(shadow, context);
  for (const draw of [drawEllipses, drawLines, drawDots, drawGuests, drawMarker]) draw(shadow);
  context.restore();
  Object.assign(context, { font: `${style.size}px ${style.font}`, textAlign: "left", textBaseline: "middle", globalAlpha: 1 });
  for (const entry of entries) drawEntry(context, entry, style);
}

/** @param {CanvasRenderingContext2D | SvgContext} context @param {PlacedEntry} entry @param {Style} style */
function drawEntry(context, { name, colour, mark, x, y }, { size, text }) {
  context.fillStyle = colour;
  fillMark(context, mark, x + 0.6 * size, y, 0.4 * size);
  context.fillStyle = text;
  context.fillText(name, x + 1.6 * size, y);
}

/** @param {CanvasRenderingContext2D | SvgContext} context @param {string} mark @param {number} x @param {number} y @param {number} radius */
function fillMark(context, mark, x, y, radius) {
  if (context instanceof SvgContext) {
    const transform = `translate(${shortNumber(x)} ${shortNumber(y)}) scale(${shortNumber(radius)})`;
    return context.write("path", { d: MARKS[mark], transform, fill: context.fillStyle });
  }
  context.save();
  context.translate(x, y);
  context.scale(radius, radius);
  context.fill(new Path2D(MARKS[mark]));
  context.restore();
}

/**
 * Calls with each shown point inside the box, in the order of the images, as the screen draws them.
 * @param {Plot} plot @param {(i: number, x: number, y: number) => void} call
 */
function eachSeen(plot, call) {
  const { xy, labels, hidden, box, radius } = plot;
  for (let i = 0; i < labels.length; i++) {
    if (hidden[labels[i]]) continue;
    const { x, y } = plot.toPixel(xy[2 * i], xy[2 * i + 1]);
    if (x < box.x - radius || x > box.x + box.width + radius || y < box.y - radius || y > box.y + box.height + radius) continue;
    call(i, x, y);
  }
}

/** @param {Plot} plot */
function vectorsOf(plot) {
  let count = 0;
  eachSeen(plot, () => count++);
  return count;
}

/** Each point is a copy of its class's mark; below them their ellipses, if they are shown. @param {SvgContext} context @param {Plot} plot */
function svgPoints(context, plot) {
  const { labels, colours, tints, marks, spread, scale, radius, layers } = plot;
  /** @param {number} colour */
  const written = (colour) => `#${[0, 8, 16].map((bits) => ((colour >> bits) & 255).toString(16).padStart(2, "0")).join("")}`;
  /** @param {number} k */
  const colourOf = (k) => written(colours[k]);
  if (spread) {
    context.group({ fill: "none", "stroke-width": 1, "stroke-opacity": OUTLINE });
    eachSeen(plot, (i, cx, cy) => context.write("ellipse", { cx, cy, rx: spread[2 * i] * scale, ry: spread[2 * i + 1] * scale, stroke: colourOf(labels[i]) }));
    context.parts.push("</g>");
  }
  context.parts.push("<defs>");
  for (let k = 0; k < colours.length; k++) {
    const mark = marks?.[k] ?? "disc";
    const shape = mark === "disc" ? { r: radius } : { d: MARKS[mark], transform: `scale(${shortNumber(radius)})` };
    context.write(mark === "disc" ? "circle" : "path", { id: `class${k}`, ...(tints ? {} : { fill: colourOf(k) }), ...shape });
  }
  context.parts.push("</defs>");
  context.group({ id: "codes", opacity: layers.underlays.length ? VEILED : 1 });
  eachSeen(plot, (i, x, y) => context.write("use", { "xlink:href": `#class${labels[i]}`, x, y, ...(tints ? { fill: written(tints[i]) } : {}) }));
  context.parts.push("</g>");
}
