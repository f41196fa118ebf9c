// A few pixels to draw on, black or white, by pointer or keys; and an atlas of such small images.

import { element } from "../../dom.js";

export const DIGIT_SIDE = 8; // pixels along a side
const PIXEL_SIDE = DIGIT_SIDE + 2; // of the atlas, with a gap around
const PAD_PIXEL = 12; // px of the canvas a pixel

/** Where a line of pixels of an atlas lies once its tiles have gaps. @param {number} line */
export const spaced = (line) => PIXEL_SIDE * Math.floor(line / DIGIT_SIDE) + 1 + (line % DIGIT_SIDE);

/** Paints an atlas of digits, row by row from the top, with gaps between them. @param {HTMLCanvasElement} canvas @param {Uint8Array} atlas */
export function paintAtlas(canvas, atlas) {
  const side = Math.round(Math.sqrt(atlas.length));
  const wide = PIXEL_SIDE * (side / DIGIT_SIDE);
  Object.assign(canvas, { width: wide, height: wide });
  const context = canvas.getContext("2d");
  if (!context) return;
  const pixels = context.createImageData(wide, wide);
  atlas.forEach((level, k) => pixels.data.set([level, level, level, 255], 4 * (spaced(Math.floor(k / side)) * wide + spaced(k % side))));
  context.putImageData(pixels, 0, 0);
}

/** Adds or removes a pixel from those that are white. @param {number[]} white @param {number} pixel @param {boolean} on */
export function withPixel(white, pixel, on) {
  const others = white.filter((each) => each !== pixel);
  return (on ? [...others, pixel] : others).sort((a, b) => a - b);
}

/** Where a key leads from a pixel; the edges hold. @param {number} at @param {string} key @param {number} side */
export function padStep(at, key, side) {
  const [row, column] = [Math.floor(at / side), at % side];
  const [down, across] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key] ?? [0, 0];
  const hold = (/** @type {number} */ value) => Math.min(side - 1, Math.max(0, value));
  return hold(row + down) * side + hold(column + across);
}

export class Scribble {
  /** @param {number} side pixels @param {(white: number[], done: boolean) => void} told */
  constructor(side, told) {
    this.side = side;
    this.told = told;
    /** @type {number[]} */
    this.white = [];
    this.cursor = 0;
    this.canvas = element("canvas", "scribble");
    Object.assign(this.canvas, { width: side * PAD_PIXEL, height: side * PAD_PIXEL, tabIndex: 0 });
    this.canvas.setAttribute("role", "application");
    this.listen();
    this.paint();
  }

  /** @param {number[]} white */
  set(white) {
    this.white = [...white];
    this.paint();
  }

  clear() {
    this.set([]);
    this.told([], true);
  }

  listen() {
    const { canvas } = this;
    /** @type {?boolean} */
    let on = null; // what the pointer that is down does
    /** @param {PointerEvent} event */
    const at = (event) => {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      const [column, row] = [(event.clientX - left) / width, (event.clientY - top) / height].map((share) => Math.floor(share * this.side));
      return column >= 0 && row >= 0 && column < this.side && row < this.side ? row * this.side + column : null;
    };
    /** @param {?number} pixel */
    const put = (pixel) => {
      if (pixel === null || on === null || this.white.includes(pixel) === on) return;
      this.cursor = pixel;
      this.set(withPixel(this.white, pixel, on));
      this.told(this.white, false);
    };
    canvas.addEventListener("pointerdown", (event) => {
      const pixel = at(event);
      on = pixel !== null && !this.white.includes(pixel);
      canvas.setPointerCapture(event.pointerId);
      put(pixel);
    });
    canvas.addEventListener("pointermove", (event) => put(at(event)));
    canvas.addEventListener("pointerup", () => {
      if (on !== null) this.told(this.white, true);
      on = null;
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focus", () => this.paint());
    canvas.addEventListener("blur", () => this.paint());
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key.startsWith("Arrow")) this.cursor = padStep(this.cursor, event.key, this.side);
    else if (event.key === " " || event.key === "Enter") {
      this.set(withPixel(this.white, this.cursor, !this.white.includes(this.cursor)));
      this.told(this.white, true);
    } else return;
    event.preventDefault();
    this.paint();
  }

  paint() {
    const { canvas, side, white, cursor } = this;
    const context = canvas.getContext("2d");
    if (!context) return;
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = "#fff";
    for (const pixel of white) context.fillRect((pixel % side) * PAD_PIXEL, Math.floor(pixel / side) * PAD_PIXEL, PAD_PIXEL, PAD_PIXEL);
    context.strokeStyle = "#666";
    for (let k = 1; k < side; k++) {
      context.strokeRect(k * PAD_PIXEL, -1, 0, canvas.height + 2);
      context.strokeRect(-1, k * PAD_PIXEL, canvas.width + 2, 0);
    }
    const root = canvas.getRootNode();
    const focused = (root instanceof ShadowRoot || root instanceof Document) && root.activeElement === canvas;
    if (focused) {
      context.strokeStyle = "#f0a347";
      context.lineWidth = 2;
      context.strokeRect((cursor % side) * PAD_PIXEL + 1, Math.floor(cursor / side) * PAD_PIXEL + 1, PAD_PIXEL - 2, PAD_PIXEL - 2);
      context.lineWidth = 1;
    }
    const where = `row ${Math.floor(cursor / side) + 1}, column ${(cursor % side) + 1}, ${white.includes(cursor) ? "white" : "black"}`;
    canvas.setAttribute("aria-label", `Draw: arrows move, space sets a pixel; ${where}`);
  }
}
