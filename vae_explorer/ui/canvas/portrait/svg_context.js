// A canvas' 2-D context that writes SVG: what draws the map on the screen draws the file.

import { contextOf } from "../scatter/canvas.js";

/** @import { Pen } from "../scatter/layers.js" */

/** Attributes of an element; numbers are shortened. @typedef {Record<string, string | number | undefined>} SvgAttributes */

/** @type {Record<string, string>} */
const SVG_ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text from outside as XML takes it: marked-up characters escaped, those that XML does not know left out. @param {string} text */
function xmlText(text) {
  const known = [...text].filter((c) => /[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(c));
  return known.join("").replace(/[&<>"]/g, (c) => SVG_ESCAPES[c]);
}

/** @param {number} value */
export const shortNumber = (value) => String(Number(value.toFixed(2)));

/**
 * Knows what scatter/layers.js asks for: paths, whole circles and ellipses, text, images, one clip at a time.
 * @implements {Pen}
 */
export class SvgContext {
  constructor() {
    this.ruler = contextOf(document.createElement("canvas")); // measures text
    /** @type {string[]} */
    this.parts = [];
    /** @type {{groups: number, moves: string[]}[]} */
    this.open = [];
    /** @type {string[]} */
    this.moves = [];
    /** @type {number[]} */
    this.dash = [];
    this.clips = 0;
    this.d = ""; // the path
    /** @type {?{cx: number, cy: number, rx: number, ry: number}} */
    this.round = null; // the ellipse that is all of it
    this.globalAlpha = this.lineWidth = 1;
    this.fillStyle = this.strokeStyle = "#000";
    this.font = "10px sans-serif";
    /** @type {CanvasLineJoin} */
    this.lineJoin = "miter";
    /** @type {CanvasTextAlign} */
    this.textAlign = "start";
    /** @type {CanvasTextBaseline} */
    this.textBaseline = "alphabetic";
    this.imageSmoothingEnabled = true;
  }

  /** Writes an element; numbers are shortened, text is escaped. @param {string} tag @param {SvgAttributes} attributes @param {?string} [text] */
  write(tag, attributes, text = null) {
    let all = "";
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== undefined) all += ` ${name}="${typeof value === "number" ? shortNumber(value) : xmlText(value)}"`;
    }
    this.parts.push(`<${tag}${all}${text === null ? "/>" : `>${xmlText(text)}</${tag}>`}`);
  }

  /** @param {SvgAttributes} attributes */
  group(attributes) {
    this.write("g", attributes);
    this.parts.push(this.parts.splice(-1)[0].replace("/>", ">"));
  }

  save() {
    this.open.push({ groups: 0, moves: [...this.moves] });
  }

  restore() {
    const [{ groups, moves }] = this.open.splice(-1);
    for (let k = 0; k < groups; k++) this.parts.push("</g>");
    this.moves = moves;
  }

  clip() {
    const id = `clip${++this.clips}`;
    this.parts.push(`<clipPath id="${id}"><path d="${this.d}"/></clipPath>`);
    this.group({ "clip-path": `url(#${id})` });
    if (this.open.length) this.open[this.open.length - 1].groups++;
  }

  /** @param {number} x @param {number} y */
  translate(x, y) {
    this.moves.push(`translate(${shortNumber(x)} ${shortNumber(y)})`);
  }

  /** @param {number} angle */
  rotate(angle) {
    this.moves.push(`rotate(${shortNumber((angle * 180) / Math.PI)})`);
  }

  // Paths -----------------------------------------------------------------------------------

  beginPath() {
    this.d = "";
    this.round = null;
  }

  /** @param {string} letter @param {number[]} values */
  step(letter, ...values) {
    this.d += letter + values.map(shortNumber).join(" ");
  }

  /** @param {number} x @param {number} y */
  moveTo(x, y) {
    this.step("M", x, y);
  }

  /** @param {number} x @param {number} y */
  lineTo(x, y) {
    this.step(this.d ? "L" : "M", x, y);
  }

  closePath() {
    this.d += "Z";
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  rect(x, y, width, height) {
    this.d += `M${shortNumber(x)} ${shortNumber(y)}h${shortNumber(width)}v${shortNumber(height)}h${shortNumber(-width)}Z`;
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  roundRect(x, y, width, height) {
    this.rect(x, y, width, height);
  }

  /** @param {number} x @param {number} y @param {number} radius */
  arc(x, y, radius) {
    this.ellipse(x, y, radius, radius);
  }

  /** A whole ellipse; alone in its path, it is written as one. @param {number} x @param {number} y @param {number} rx @param {number} ry */
  ellipse(x, y, rx, ry) {
    this.round = this.d ? null : { cx: x, cy: y, rx, ry };
    this.step("M", x + rx, y);
    for (const way of [-1, 1]) this.step("A", rx, ry, 0, 1, 1, x + way * rx, y);
  }

  /** @param {number[]} dash */
  setLineDash(dash) {
    this.dash = dash;
  }

  /** @param {SvgAttributes} paint */
  outline(paint) {
    const { round, d } = this;
    const whole = d.split("A").length === 3 && !d.includes("L") ? round : null;
    if (whole && whole.rx === whole.ry) this.write("circle", { cx: whole.cx, cy: whole.cy, r: whole.rx, ...paint });
    else if (whole) this.write("ellipse", { ...whole, ...paint });
    else if (d) this.write("path", { d, ...paint });
  }

  /** @returns {SvgAttributes} */
  get stroked() {
    const { strokeStyle, lineWidth, globalAlpha, dash } = this;
    const dashes = dash.length ? { "stroke-dasharray": dash.join(" ") } : {};
    return { fill: "none", stroke: strokeStyle, "stroke-width": lineWidth, "stroke-opacity": globalAlpha, "stroke-linejoin": "round", ...dashes };
  }

  stroke() {
    this.outline(this.stroked);
  }

  fill() {
    this.outline({ fill: this.fillStyle, "fill-opacity": this.globalAlpha });
  }

  // Text and images -------------------------------------------------------------------------

  /** @param {string} text */
  measureText(text) {
    this.ruler.font = this.font;
    return this.ruler.measureText(text);
  }

  /** @param {string} text @param {number} x @param {number} y @param {SvgAttributes} paint */
  text(text, x, y, paint) {
    if (text === "") return;
    const [, weight = "400", size, family] = /^(?:(\d+) )?([\d.]+)px (.*)$/.exec(this.font) ?? [];
    const anchor = this.textAlign === "center" ? "middle" : ["right", "end"].includes(this.textAlign) ? "end" : "start";
    const middle = this.textBaseline === "middle" ? 0.35 * Number(size) : 0; // programs differ on dominant-baseline
    const turned = this.moves.length ? { transform: this.moves.join(" ") } : {};
    const type = { "font-family": family, "font-size": Number(size), "font-weight": weight, "text-anchor": anchor };
    this.write("text", { x, y: y + middle, ...turned, ...type, ...paint }, text);
  }

  /** @param {string} text @param {number} x @param {number} y */
  fillText(text, x, y) {
    this.text(text, x, y, { fill: this.fillStyle, "fill-opacity": this.globalAlpha });
  }

  /** @param {string} text @param {number} x @param {number} y */
  strokeText(text, x, y) {
    this.text(text, x, y, this.stroked);
  }

  /** @param {HTMLCanvasElement} image @param {number} x @param {number} y @param {number} width @param {number} height */
  drawImage(image, x, y, width, height) {
    const smooth = this.imageSmoothingEnabled ? {} : { style: "image-rendering:pixelated" };
    const place = { x, y, width, height, preserveAspectRatio: "none", opacity: this.globalAlpha, ...smooth };
    this.write("image", { ...place, "xlink:href": image.toDataURL("image/png") });
  }

  /** Returns the file. @param {number} width @param {number} height @param {string} title */
  finish(width, height, title) {
    const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
    const names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"';
    return `<?xml version="1.0" encoding="UTF-8"?>\n<svg ${names} ${size}>\n<title>${xmlText(title)}</title>\n${this.parts.join("\n")}\n</svg>\n`;
  }
}
