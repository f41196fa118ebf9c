// The pad: strokes and pictures, in the order that they came.

import { contextOf } from "../scatter/canvas.js";

/** Part of the pad, px. @typedef {{x: number, y: number, width: number, height: number}} Rectangle */

/**
 * A stroke: the places that it passed, its width, the pointer that draws it.
 * @typedef {{points: number[][], width: number, pointer: number, picture?: undefined}} Stroke
 */

/**
 * A picture: as it lies on the pad, where, and in more pixels, to be cut from.
 * @typedef {{picture: HTMLCanvasElement, part: Rectangle, source: HTMLCanvasElement}} Picture
 */

/**
 * What is drawn; how many questions were asked of it, and how many when it was last cleared.
 * @typedef {{entries: (Stroke | Picture)[], serial: number, cleared: number}} Sketch
 */

/**
 * What a pad tells: each bit drawn, a picture taken from a file, words on what was not.
 * @typedef {{change: () => void, picture: () => void, say: (words: string) => void}} PadParts
 */

const KEPT_SIDE = 1600; // px of a picture that a part may be cut from
export const PAD_SIDE = 280; // pixels; ui/drawing takes no larger pictures
export const BRUSH = { least: 8, usual: 24, most: 48 }; // pixels of the pad; the usual one draws MNIST's strokes
const MOST_BYTES = 20e6; // of a file
const MOST_PIXELS = 50e6; // of a picture: more would take hundreds of megabytes to decode
const RASTER = /^image\/(png|jpeg|gif|webp|bmp|avif)$/;

/** What is drawn belongs to the visit, not to one map: it outlives the model that it was drawn for. */
function sketchOfVisit() {
  const page = /** @type {{[key: symbol]: Sketch | undefined}} */ (/** @type {unknown} */ (window));
  return (page[Symbol.for("vae-explorer sketch")] ??= { entries: [], serial: 0, cleared: 0 });
}

export class Pad {
  /** @param {HTMLCanvasElement} canvas @param {AbortSignal} signal @param {PadParts} on */
  constructor(canvas, signal, on) {
    this.canvas = canvas;
    this.on = on;
    this.sketch = sketchOfVisit();
    this.brush = BRUSH.usual;
    this.ground = 0; // its grey level
    this.turn = 0; // of the files that were to be taken
    /** @type {?Stroke} */
    this.stroke = null; // that is being drawn
    Object.assign(canvas, { width: PAD_SIDE, height: PAD_SIDE });
    /** @param {"pointerdown" | "pointermove" | "pointerup" | "pointercancel"} type @param {(event: PointerEvent) => void} handler */
    const add = (type, handler) => canvas.addEventListener(type, handler, { signal });
    add("pointerdown", (event) => this.begin(event));
    add("pointermove", (event) => this.draw(event));
    add("pointerup", () => (this.stroke = null));
    add("pointercancel", () => (this.stroke = null));
    this.paint();
  }

  get empty() {
    return this.sketch.entries.length === 0;
  }

  get holdsPicture() {
    return this.newest !== undefined;
  }

  /** The picture that lies above all others. */
  get newest() {
    return this.sketch.entries.filter((entry) => entry.picture !== undefined).at(-1);
  }

  /** The part that counts: a picture without the margins that its proportions leave. */
  get part() {
    return this.newest?.part ?? { x: 0, y: 0, width: PAD_SIDE, height: PAD_SIDE };
  }

  /** Returns the drawing as a PNG file in base64. */
  get png() {
    const { x, y, width, height } = this.part;
    const cut = Object.assign(document.createElement("canvas"), { width, height });
    contextOf(cut).drawImage(this.canvas, -x, -y);
    return cut.toDataURL("image/png").split(",")[1];
  }

  /** Draws on the ground that the data has: what is dark there is dark here. @param {number} ground */
  setGround(ground) {
    if (ground === this.ground) return;
    this.ground = ground;
    this.paint();
  }

  /** @param {PointerEvent} event */
  begin(event) {
    if (event.button > 0 || this.stroke) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.stroke = { points: [], width: this.brush, pointer: event.pointerId };
    this.sketch.entries.push(this.stroke);
    this.draw(event);
  }

  /** @param {PointerEvent} event */
  draw(event) {
    const { stroke } = this;
    if (stroke?.pointer !== event.pointerId) return;
    const box = this.canvas.getBoundingClientRect();
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const { clientX, clientY } of passed.length ? passed : [event])
      stroke.points.push([((clientX - box.x) / box.width) * PAD_SIDE, ((clientY - box.y) / box.height) * PAD_SIDE]);
    this.paint();
    this.on.change();
  }

  undo() {
    this.sketch.entries.pop();
    this.paint();
    this.on.change();
  }

  clear() {
    this.sketch.entries.length = 0;
    this.sketch.cleared = this.sketch.serial;
    this.paint();
    this.on.change();
  }

  paint() {
    const context = contextOf(this.canvas);
    context.fillStyle = `rgb(${this.ground} ${this.ground} ${this.ground})`;
    context.fillRect(0, 0, PAD_SIDE, PAD_SIDE);
    context.strokeStyle = this.ground < 128 ? "#fff" : "#000";
    Object.assign(context, { lineCap: "round", lineJoin: "round" });
    for (const entry of this.sketch.entries) {
      if (entry.picture) {
        context.fillRect(0, 0, PAD_SIDE, PAD_SIDE);
        context.drawImage(entry.picture, entry.part.x, entry.part.y);
        continue;
      }
      const { points, width } = entry;
      context.lineWidth = width;
      context.beginPath();
      points.forEach(([x, y]) => context.lineTo(x, y));
      if (points.length === 1) context.lineTo(points[0][0], points[0][1] + 0.01); // a dot
      context.stroke();
    }
  }

  /** Takes a picture from a file in place of what is drawn; of several at once, the last. @param {File | undefined} file */
  async take(file) {
    if (!file) return;
    const turn = ++this.turn;
    const name = file.name || "This";
    if (!RASTER.test(file.type)) return this.on.say(`${name} is no picture. Open a PNG, JPEG, GIF or WebP file.`);
    if (file.size > MOST_BYTES) return this.on.say(`${name} is larger than 20 MB. Open a smaller file.`);
    const image = new Image();
    image.src = URL.createObjectURL(file);
    const words = await this.load(image, name);
    URL.revokeObjectURL(image.src);
    if (turn !== this.turn) return;
    if (words) return this.on.say(words);
    this.clear();
    const { naturalWidth, naturalHeight } = image;
    const scale = Math.min(1, KEPT_SIDE / Math.max(naturalWidth, naturalHeight));
    const [width, height] = [naturalWidth, naturalHeight].map((side) => Math.max(1, Math.round(scale * side)));
    this.place(image, opaque(image, width, height));
    this.on.picture();
  }

  /** Puts a picture on the pad, as large as it fits. @param {HTMLImageElement | HTMLCanvasElement} image @param {HTMLCanvasElement} source */
  place(image, source) {
    const [across, down] = [source.width, source.height];
    const scale = PAD_SIDE / Math.max(across, down);
    const [width, height] = [across, down].map((side) => Math.max(1, Math.round(scale * side)));
    const part = { x: Math.floor((PAD_SIDE - width) / 2), y: Math.floor((PAD_SIDE - height) / 2), width, height };
    this.sketch.entries.push({ picture: opaque(image, width, height), part, source });
    this.paint();
    this.on.change();
  }

  /** Keeps a part of the picture, in the file's own pixels; strokes on it go, and Undo brings all back. @param {Rectangle} rect */
  crop(rect) {
    if (!this.newest) return;
    const { part, source } = this.newest;
    const scale = source.width / part.width;
    const [x, y] = [scale * (rect.x - part.x), scale * (rect.y - part.y)];
    const [width, height] = [rect.width, rect.height].map((side) => Math.max(1, Math.round(scale * side)));
    const cut = Object.assign(document.createElement("canvas"), { width, height });
    contextOf(cut).drawImage(source, -x, -y);
    this.place(cut, cut);
  }

  /**
   * Returns what is wrong with a picture, or nothing; its size is known before its pixels are decoded.
   * @param {HTMLImageElement} image @param {string} name
   */
  async load(image, name) {
    try {
      await new Promise((done, failed) => Object.assign(image, { onload: done, onerror: failed }));
      if (image.naturalWidth * image.naturalHeight > MOST_PIXELS) return `${name} has more than 50 million pixels. Open a smaller picture.`;
      await image.decode();
      return "";
    } catch {
      return `${name} cannot be read as a picture; it may be damaged. Open another file.`;
    }
  }
}

/**
 * Returns a picture of this size; behind clear pixels lies what its ink stands out from.
 * @param {HTMLImageElement | HTMLCanvasElement} image @param {number} width @param {number} height
 */
function opaque(image, width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = contextOf(canvas, { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  let [light, ink] = [0, 0];
  for (let i = 0; i < data.length; i += 4) {
    light += (data[i + 3] * (data[i] + data[i + 1] + data[i + 2])) / 3;
    ink += data[i + 3];
  }
  context.globalCompositeOperation = "destination-over";
  context.fillStyle = light < 128 * ink ? "#fff" : "#000";
  context.fillRect(0, 0, width, height);
  return canvas;
}
