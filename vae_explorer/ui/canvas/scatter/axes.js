// The grid behind a plot, its ticks and the names of its axes.

/** @import { Pen, Plot } from "./layers.js" */

/** Steps of 1, 2 or 5 times a power of ten, at least `gap` px apart. @param {number} scale px a unit @param {number} gap */
export function step(scale, gap) {
  const least = gap / scale;
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5].map((k) => k * power).find((size) => size >= least) ?? 10 * power;
}

/** @param {number} from @param {number} to @param {number} size */
export function ticks(from, to, size) {
  const digits = Math.max(0, Math.ceil(-Math.log10(size) - 1e-9));
  const values = [];
  for (let k = Math.ceil(from / size); k * size <= to; k++) values.push(k * size);
  return values.map((value) => ({ value, text: (value === 0 ? 0 : value).toFixed(digits).replace("-", "\u2212") }));
}

/** @param {Plot} plot @param {Pen} context */
export function drawAxes(plot, context) {
  const { box, style, axes } = plot;
  const low = plot.toData({ x: box.x, y: box.y + box.height });
  const high = plot.toData({ x: box.x + box.width, y: box.y });
  const size = step(plot.scale, 4.5 * style.size);
  context.font = `${style.size}px ${style.font}`;
  context.lineWidth = 1;
  /** @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 @param {number} alpha */
  const line = (x0, y0, x1, y1, alpha) => {
    context.globalAlpha = alpha;
    context.strokeStyle = style.text;
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
    context.stroke();
  };
  /** @param {string} string @param {number} x @param {number} y @param {CanvasTextAlign} align @param {number} [alpha] */
  const text = (string, x, y, align, alpha = 0.72) => {
    context.globalAlpha = alpha;
    context.fillStyle = style.text;
    context.textAlign = align;
    context.fillText(string, x, y);
  };
  /** @param {number} at */
  const sharp = (at) => (plot.exact ? at : Math.floor(at) + 0.5); // the nearest place of a line one px wide
  context.textBaseline = "middle";
  for (const { value, text: string } of ticks(low.x, high.x, size)) {
    const x = sharp(plot.toPixel(value, 0).x);
    line(x, box.y, x, box.y + box.height, value === 0 ? 0.26 : 0.09);
    const room = box.x + box.width - context.measureText(axes[0]).width - 16;
    if (x < room) text(string, x, box.y + box.height + 1.25 * style.size, "center");
  }
  for (const { value, text: string } of ticks(low.y, high.y, size)) {
    const y = sharp(plot.toPixel(0, value).y);
    line(box.x, y, box.x + box.width, y, value === 0 ? 0.26 : 0.09);
    if (y > box.y + context.measureText(axes[1]).width + 16) text(string, box.x - 0.5 * style.size, y, "right");
  }
  text(axes[0], box.x + box.width, box.y + box.height + 1.25 * style.size, "right", 0.9);
  context.save();
  context.translate(box.x - 1.2 * style.size, box.y);
  context.rotate(-Math.PI / 2);
  text(axes[1], 0, 0, "right", 0.9);
  context.restore();
  context.globalAlpha = 1;
}
