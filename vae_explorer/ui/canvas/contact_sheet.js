// Pictures that are decoded a few with every frame, so that nothing waits for them.

import { paint, roomFor } from "./panel.js";

/** A canvas of many small pictures, `across` beside each other; `turn` of them are decoded in one frame of the screen. */
export class ContactSheet {
  constructor(canvas, across, turn) {
    Object.assign(this, { canvas, across, turn, due: [], points: [], scrap: document.createElement("canvas") });
  }

  set(points, shape) {
    const [height, width] = shape;
    this.points = points;
    this.due = points.map((_, k) => k);
    const size = { width: this.across * width, height: Math.ceil(points.length / this.across) * height };
    if (this.canvas.width !== size.width || this.canvas.height !== size.height) Object.assign(this.canvas, size);
    this.shape = shape;
    this.grey = roomFor(shape);
  }

  /** Shows all of them as one picture made elsewhere; none while that is awaited. */
  async showWhole(source) {
    this.due = [];
    if (source === this.source) return;
    this.source = source;
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (source === null) return;
    const image = Object.assign(new Image(), { src: source });
    await image.decode();
    if (source === this.source) context.drawImage(image, 0, 0);
  }

  /** Decodes some; says whether more are due. */
  develop(decode) {
    const [height, width] = this.shape ?? [0, 0];
    for (const k of this.due.splice(0, this.turn)) {
      decode(this.points[k], this.grey);
      paint(this.scrap, this.grey, this.shape);
      this.canvas.getContext("2d").drawImage(this.scrap, (k % this.across) * width, Math.floor(k / this.across) * height);
    }
    return this.due.length > 0;
  }
}
