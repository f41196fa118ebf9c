// Two of PyTorch's images side by side, and their difference.

import { pngUrl } from "./panel.js";
import { contextOf } from "./scatter/canvas.js";

/** A picture of PyTorch's, a PNG file in base64, and what it is of. @typedef {{png: string, name: string}} NamedPicture */

export class Difference {
  /** @param {HTMLElement} host */
  constructor(host) {
    this.words = document.createElement("p");
    this.row = document.createElement("div");
    this.row.className = "trio";
    /** @param {HTMLElement} picture @param {string} caption */
    const figure = (picture, caption) => {
      const made = document.createElement("figure");
      const text = document.createElement("figcaption");
      text.textContent = caption;
      made.append(picture, text);
      this.row.append(made);
      return text;
    };
    this.one = new Image();
    this.other = new Image();
    this.turn = 0; // of the pairs that were to be shown
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.captions = [this.one, this.other, this.canvas].map((picture) => figure(picture, ""));
    host.append(this.row, this.words);
  }

  /** @param {NamedPicture} one @param {?NamedPicture} other null where there is none to compare with */
  async show(one, other) {
    this.row.hidden = !other;
    this.words.textContent = other ? "" : "Pin points, then choose one of the strip: it is compared with the image above.";
    if (!other) return;
    const turn = ++this.turn;
    [this.one.src, this.other.src] = [pngUrl(one.png), pngUrl(other.png)];
    [this.one.alt, this.other.alt] = [one.name, other.name];
    await Promise.all([this.one.decode(), this.other.decode()]).catch(() => {});
    if (turn !== this.turn || !this.one.naturalWidth || !this.other.naturalWidth) return; // a newer pair came meanwhile
    const [a, b] = [levels(this.one), levels(this.other)];
    const image = contextOf(this.canvas);
    Object.assign(this.canvas, { width: a.width, height: a.height });
    const out = image.createImageData(a.width, a.height);
    let sum = 0;
    for (let i = 0; i < a.data.length; i += 4) {
      const [red, green, blue] = [0, 1, 2].map((k) => a.data[i + k] - b.data[i + k]); // all the same in grey images
      const difference = (red + green + blue) / 3;
      sum += (Math.abs(red) + Math.abs(green) + Math.abs(blue)) / 3;
      const size = Math.abs(difference); // orange where the first is brighter, blue where the second is
      out.data.set(difference > 0 ? [size, 0.62 * size, 0.1 * size, 255] : [0.25 * size, 0.62 * size, size, 255], i);
    }
    image.putImageData(out, 0, 0);
    const mean = sum / (a.width * a.height);
    this.captions[0].textContent = one.name;
    this.captions[1].textContent = other.name;
    this.captions[2].textContent = `Difference, mean ${mean.toFixed(1)} of 255`;
    this.canvas.setAttribute("aria-label", this.captions[2].textContent);
  }
}

/** @param {HTMLImageElement} image */
function levels(image) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = contextOf(canvas, { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
