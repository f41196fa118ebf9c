// Beside the map: the decoded image, what it is, and its numbers.

import { imageOf } from "./point.js";

/** The standard error that stands behind a figure of one decimal; nothing where there is none. */
export const errorText = (error) => (error ? ` \u00b1 ${error < 0.005 ? "0.01" : error.toFixed(error < 0.095 ? 2 : 1)}` : "");
export const minus = (text) => text.replaceAll("-", "\u2212");

/** Returns `(x, y)` with two decimals and no minus zero, as Python writes it. */
export function tupleText(values) {
  const shown = [...values].slice(0, 6).map((value) => value.toFixed(2).replace(/^-(0\.00)$/, "$1"));
  return `(${[...shown, ...(values.length > 6 ? ["\u2026"] : [])].join(", ")})`;
}

export const pngUrl = (base64) => `data:image/png;base64,${base64}`;

/** Returns room for an image: one grey level a pixel, or red, green and blue. */
export const roomFor = (shape) => new Uint8ClampedArray(shape.reduce((a, b) => a * b));

/** Writes grey levels, or three values a pixel, on a canvas of the images' own size. */
export function paint(canvas, grey, [height, width, channels = 1]) {
  if (canvas.width !== width || canvas.height !== height || !canvas.pixels) {
    Object.assign(canvas, { width, height });
    canvas.pixels = canvas.getContext("2d").createImageData(width, height);
  }
  const words = new Uint32Array(canvas.pixels.data.buffer);
  if (channels === 1) for (let k = 0; k < grey.length; k++) words[k] = 0xff000000 | (grey[k] << 16) | (grey[k] << 8) | grey[k];
  else for (let k = 0, at = 0; k < words.length; k++, at += 3) words[k] = 0xff000000 | (grey[at + 2] << 16) | (grey[at + 1] << 8) | grey[at];
  canvas.getContext("2d").putImageData(canvas.pixels, 0, 0);
}

export class Panel {
  constructor(find) {
    this.find = find;
    this.live = find(".decoded canvas");
    this.exact = find(".decoded img");
  }

  /** Shows PyTorch's answer for the pinned point. */
  show({ z, decoded, alt, of, nearest, part, file, point }) {
    const index = imageOf(point);
    this.find(".side").classList.toggle("pair", of !== null);
    this.exact.src = pngUrl(decoded);
    this.exact.alt = of ? `${alt}, reconstruction of image ${index}` : alt;
    const original = this.find(".original img");
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

  /** Draws what the browser decoded over PyTorch's image, until that is the right one; `elsewhere`: not the pin. */
  draw(grey, shape, words, elsewhere) {
    paint(this.live, grey, shape);
    this.live.hidden = false;
    this.name(elsewhere ? "Under the pointer" : "Reconstruction");
    this.find(".side").classList.add("live");
    this.find(".side").classList.toggle("elsewhere", elsewhere);
    this.head(words);
  }

  name(text) {
    const caption = this.find(".decoded figcaption");
    if (caption.textContent !== text) caption.textContent = text;
  }

  head({ text, colour = "", note }) {
    const title = this.find("h2");
    if (title.textContent !== text) title.textContent = text;
    title.style.setProperty("--class", colour);
    title.classList.toggle("swatch", colour !== "");
    const aside = this.find(".note");
    if (aside.textContent !== note) aside.textContent = note;
  }

  /** Distortion + rate = negative ELBO; a deterministic encoder has no finite rate. */
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

  /** The rate moves with the KL weight; the other terms wait for PyTorch. */
  showRate(rate) {
    this.find(".terms .rate b").textContent = rate.toFixed(1);
  }
}
