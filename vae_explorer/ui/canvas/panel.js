// Beside the map: the decoded image, what it is, and its numbers.

import { imageOf } from "./point.js";
import { contextOf } from "./scatter/canvas.js";

/** @import { Find } from "./dom.js" */
/** @import { Levels } from "./decoder.js" */
/** @import { Measured, Said } from "./conversation.js" */

/**
 * What stands over an image, in the colour of its class, and what is noted beside it.
 * @typedef {{text: string, colour?: string, note: string}} Words
 */

/** The standard error that stands behind a figure of one decimal; nothing where there is none. @param {?number} error */
export const errorText = (error) => (error ? ` \u00b1 ${error < 0.005 ? "0.01" : error.toFixed(error < 0.095 ? 2 : 1)}` : "");
/** @param {string} text */
export const minus = (text) => text.replaceAll("-", "\u2212");

/** Returns `(x, y)` with two decimals and no minus zero, as Python writes it. @param {ArrayLike<number> & Iterable<number>} values */
export function tupleText(values) {
  const shown = [...values].slice(0, 6).map((value) => value.toFixed(2).replace(/^-(0\.00)$/, "$1"));
  return `(${[...shown, ...(values.length > 6 ? ["\u2026"] : [])].join(", ")})`;
}

/** @param {string} base64 */
export const pngUrl = (base64) => `data:image/png;base64,${base64}`;

/** Returns room for an image: one grey level a pixel, or red, green and blue. @param {number[]} shape */
export const roomFor = (shape) => new Uint8ClampedArray(shape.reduce((a, b) => a * b));

/**
 * Writes grey levels, or three values a pixel, on a canvas of the images' own size.
 * @param {HTMLCanvasElement & {pixels?: ImageData}} canvas @param {Levels} grey @param {number[]} shape
 */
export function paint(canvas, grey, [height, width, channels = 1]) {
  const context = contextOf(canvas);
  if (canvas.width !== width || canvas.height !== height || !canvas.pixels) {
    Object.assign(canvas, { width, height });
    canvas.pixels = context.createImageData(width, height);
  }
  const words = new Uint32Array(canvas.pixels.data.buffer);
  if (channels === 1) for (let k = 0; k < grey.length; k++) words[k] = 0xff000000 | (grey[k] << 16) | (grey[k] << 8) | grey[k];
  else for (let k = 0, at = 0; k < words.length; k++, at += 3) words[k] = 0xff000000 | (grey[at + 2] << 16) | (grey[at + 1] << 8) | grey[at];
  context.putImageData(canvas.pixels, 0, 0);
}

export class Panel {
  /** @param {Find} find */
  constructor(find) {
    this.find = find;
    this.live = find(".decoded canvas", HTMLCanvasElement);
    this.exact = find(".decoded img", HTMLImageElement);
    /** @type {?Words} */
    this.title = null; // of PyTorch's image
  }

  /** Shows PyTorch's answer for the pinned point. @param {Said} said */
  show({ z, decoded, alt, of, nearest, part, file, point }) {
    const index = imageOf(point);
    this.find(".side").classList.toggle("pair", of !== null);
    this.exact.src = pngUrl(decoded);
    this.exact.alt = of ? `${alt}, reconstruction of image ${index}` : alt;
    const original = this.find(".original img", HTMLImageElement);
    if (of) {
      original.src = pngUrl(of.original);
      original.alt = `Original image ${index}, class ${of.label}`;
    }
    this.title = of
      ? { text: of.label, colour: of.colour, note: `${part} image ${index}${file ? ` \u00b7 ${file}` : ""} \u00b7 z = ${minus(tupleText(z))}` }
      : { text: `z = ${minus(tupleText(z))}`, note: nearest };
    this.showTerms(of);
    this.rest();
  }

  /** PyTorch's image and words stand alone. */
  rest() {
    this.live.hidden = true;
    this.name("Reconstruction");
    this.find(".side").classList.remove("live", "elsewhere");
    if (this.title) this.head(this.title);
  }

  /**
   * Draws what the browser decoded over PyTorch's image, until that is the right one; `elsewhere`: not the pin.
   * @param {Levels} grey @param {number[]} shape @param {Words} words @param {boolean} elsewhere
   */
  draw(grey, shape, words, elsewhere) {
    paint(this.live, grey, shape);
    this.live.hidden = false;
    this.name(elsewhere ? "Under the pointer" : "Reconstruction");
    this.find(".side").classList.add("live");
    this.find(".side").classList.toggle("elsewhere", elsewhere);
    this.head(words);
  }

  /** @param {string} text */
  name(text) {
    const caption = this.find(".decoded figcaption");
    if (caption.textContent !== text) caption.textContent = text;
  }

  /** @param {Words} words */
  head({ text, colour = "", note }) {
    const title = this.find("h2");
    if (title.textContent !== text) title.textContent = text;
    title.style.setProperty("--class", colour);
    title.classList.toggle("swatch", colour !== "");
    const aside = this.find(".note");
    if (aside.textContent !== note) aside.textContent = note;
  }

  /** Distortion + rate = negative ELBO; a deterministic encoder has no finite rate. @param {?Measured} point */
  showTerms(point) {
    const terms = this.find(".terms");
    terms.hidden = this.find(".unit").hidden = !point;
    if (!point) return;
    const { distortion, rate, error } = point;
    const shown = { distortion, rate, elbo: rate === null ? null : distortion + rate };
    for (const [name, value] of Object.entries(shown)) {
      this.find(`.terms .${name}`).hidden = value === null;
      this.find(`.terms .${name} b`).textContent = value === null ? "" : value.toFixed(1);
      if (name !== "rate") this.find(`.terms .${name} small`).textContent = errorText(error);
    }
    this.find(".unit").textContent = point.terms;
  }

  /** The rate moves with the KL weight; the other terms wait for PyTorch. @param {number} rate */
  showRate(rate) {
    this.find(".terms .rate b").textContent = rate.toFixed(1);
  }
}
