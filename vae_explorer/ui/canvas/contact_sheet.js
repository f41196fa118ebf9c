// Pictures that are decoded a few with every frame, so that nothing waits for them.

import { paint, roomFor } from "./panel.js";
import { contextOf } from "./scatter/canvas.js";

/** @import { Levels } from "./decoder.js" */

/** Writes the image of a latent point, which is the sheet's picture of this number. @typedef {(z: number[], grey: Levels, which: number) => void} Decode */

/** A canvas of many small pictures, `across` beside each other; `turn` of them are decoded in one frame of the screen. */
export class ContactSheet {
  /** @param {HTMLCanvasElement} canvas @param {number} across @param {number} turn */
  constructor(canvas, across, turn) {
    this.canvas = canvas;
    this.across = across;
    this.turn = turn;
    this.key = ""; // what the pictures are of
    /** @type {number[]} */
    this.due = [];
    /** @type {number[][]} */
    this.points = [];
    /** @type {number[]} */
    this.shape = [0, 0]; // of an image
    this.grey = roomFor(this.shape);
    /** @type {?string} */
    this.source = null; // of the whole picture
    this.scrap = document.createElement("canvas");
  }

  /**
   * Decodes other points, or the same ones where something else changed what they decode to.
   * @param {number[][]} points @param {number[]} shape
   * @param {unknown} [by] what else decides what stands there, such as the KL weight; unless given, all is decoded anew
   */
  set(points, shape, by) {
    const key = `${by} ${points.join()}`;
    if (by !== undefined && key === this.key) return;
    this.key = key;
    const [height, width] = shape;
    this.points = points;
    this.due = points.map((_, k) => k);
    const size = { width: this.across * width, height: Math.ceil(points.length / this.across) * height };
    if (this.canvas.width !== size.width || this.canvas.height !== size.height) Object.assign(this.canvas, size);
    this.shape = shape;
    this.grey = roomFor(shape);
  }

  /** Shows all of them as one picture made elsewhere; none while that is awaited. @param {?string} source */
  async showWhole(source) {
    this.due = [];
    if (source === this.source) return;
    this.source = source;
    const context = contextOf(this.canvas);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (source === null) return;
    const image = Object.assign(new Image(), { src: source });
    await image.decode();
    if (source === this.source) context.drawImage(image, 0, 0);
  }

  /** Decodes some; says whether more are due. @param {Decode} decode */
  develop(decode) {
    const [height, width] = this.shape;
    for (const k of this.due.splice(0, this.turn)) {
      decode(this.points[k], this.grey, k);
      paint(this.scrap, this.grey, this.shape);
      contextOf(this.canvas).drawImage(this.scrap, (k % this.across) * width, Math.floor(k / this.across) * height);
    }
    return this.due.length > 0;
  }
}
