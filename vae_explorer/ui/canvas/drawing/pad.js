const KEPT_SIDE = 1600; // px of a picture that a part may be cut from
export const PAD_SIDE = 280; // pixels; ui/drawing takes no larger pictures
export const BRUSH = { least: 8, usual: 24, most: 48 }; // pixels of the pad; the usual one draws MNIST's strokes
const MOST_BYTES = 20e6; // of a file
const MOST_PIXELS = 50e6; // of a picture: more would take hundreds of megabytes to decode
const RASTER = /^image\/(png|jpeg|gif|webp|bmp|avif)$/;

/** What is drawn belongs to the visit, not to one map: it outlives the model that it was drawn for. */
function sketchOfVisit() {
  return (window[Symbol.for("vae-explorer sketch")] ??= { entries: [], serial: 0, cleared: 0 });
}

export class Pad {
  /** @param {{change: Function, picture: Function, say: Function}} on change() after each bit drawn, picture() after a file, say(words) */
  constructor(canvas, signal, on) {
    Object.assign(this, { canvas, on, sketch: sketchOfVisit(), brush: BRUSH.usual, ground: 0, turn: 0, stroke: null });
    Object.assign(canvas, { width: PAD_SIDE, height: PAD_SIDE });
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
    return this.sketch.entries.some((entry) => entry.picture);
  }

  /** The part that counts: a picture without the margins that its proportions leave. */
  get part() {
    const { part } = this.sketch.entries.findLast((entry) => entry.picture) ?? {};
    return part ?? { x: 0, y: 0, width: PAD_SIDE, height: PAD_SIDE };
  }

  /** Returns the drawing as a PNG file in base64. */
  get png() {
    const { x, y, width, height } = this.part;
    const cut = Object.assign(document.createElement("canvas"), { width, height });
    cut.getContext("2d").drawImage(this.canvas, -x, -y);
    return cut.toDataURL("image/png").split(",")[1];
  }

  /** Draws on the ground that the data has: what is dark there is dark here. */
  setGround(ground) {
    if (ground === this.ground) return;
    this.ground = ground;
    this.paint();
  }

  begin(event) {
    if (event.button > 0 || this.stroke) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.stroke = { points: [], width: this.brush, pointer: event.pointerId };
    this.sketch.entries.push(this.stroke);
    this.draw(event);
  }

  draw(event) {
    if (this.stroke?.pointer !== event.pointerId) return;
    const box = this.canvas.getBoundingClientRect();
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const { clientX, clientY } of passed.length ? passed : [event])
      this.stroke.points.push([((clientX - box.x) / box.width) * PAD_SIDE, ((clientY - box.y) / box.height) * PAD_SIDE]);
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
    const context = this.canvas.getContext("2d");
    context.fillStyle = `rgb(${this.ground} ${this.ground} ${this.ground})`;
    context.fillRect(0, 0, PAD_SIDE, PAD_SIDE);
    context.strokeStyle = this.ground < 128 ? "#fff" : "#000";
    Object.assign(context, { lineCap: "round", lineJoin: "round" });
    for (const { points, width, picture, part } of this.sketch.entries) {
      if (picture) {
        context.fillRect(0, 0, PAD_SIDE, PAD_SIDE);
        context.drawImage(picture, part.x, part.y);
        continue;
      }
      context.lineWidth = width;
      context.beginPath();
      points.forEach(([x, y]) => context.lineTo(x, y));
      if (points.length === 1) context.lineTo(points[0][0], points[0][1] + 0.01); // a dot
      context.stroke();
    }
  }

  /** Takes a picture from a file in place of what is drawn; of several at once, the last. */
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
    const source = opaque(image, ...[naturalWidth, naturalHeight].map((side) => Math.max(1, Math.round(scale * side))));
    this.place(image, source);
    this.on.picture();
  }

  /** Puts a picture on the pad, as large as it fits. */
  place(image, source) {
    const [across, down] = [source.width, source.height];
    const scale = PAD_SIDE / Math.max(across, down);
    const [width, height] = [across, down].map((side) => Math.max(1, Math.round(scale * side)));
    const part = { x: Math.floor((PAD_SIDE - width) / 2), y: Math.floor((PAD_SIDE - height) / 2), width, height };
    this.sketch.entries.push({ picture: opaque(image, width, height), part, source });
    this.paint();
    this.on.change();
  }

  /** Keeps a part of the picture, in the file's own pixels; strokes on it go, and Undo brings all back. */
  crop(rect) {
    const { part, source } = this.sketch.entries.findLast((entry) => entry.picture);
    const scale = source.width / part.width;
    const [x, y] = [scale * (rect.x - part.x), scale * (rect.y - part.y)];
    const [width, height] = [rect.width, rect.height].map((side) => Math.max(1, Math.round(scale * side)));
    const cut = Object.assign(document.createElement("canvas"), { width, height });
    cut.getContext("2d").drawImage(source, -x, -y);
    this.place(cut, cut);
  }

  /** Returns what is wrong with a picture, or nothing; its size is known before its pixels are decoded. */
  async load(image, name) {
    try {
      await new Promise((done, failed) => Object.assign(image, { onload: done, onerror: failed }));
      if (image.naturalWidth * image.naturalHeight > MOST_PIXELS) return `${name} has more than 50 million pixels. Open a smaller picture.`;
      await image.decode();
    } catch {
      return `${name} cannot be read as a picture; it may be damaged. Open another file.`;
    }
  }
}

/** Returns a picture of this size; behind clear pixels lies what its ink stands out from. */
function opaque(image, width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
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
