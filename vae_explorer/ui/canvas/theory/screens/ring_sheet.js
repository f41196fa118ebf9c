// A square of the plane around 0: a density as ink, draws as dots, the brushed square's cells, and marks above.

import { element } from "../../dom.js";
import { contextOf } from "../../scatter/canvas.js";
import { Heat } from "../../scatter/fields.js";
import { markNode, svgNode } from "../marks.js";

/** @import { Mark } from "../marks.js" */

/** A cell of the brushed square: its outline in the sheet's units, and its ink, 0 to 1. @typedef {{outline: [number, number][], ink: number}} Cell */

/**
 * What a sheet tells: of the pointer that is down (the place where it went down, and where it is), of keys, of a click.
 * @typedef {{label: string, term: string, press?: (from: number[], to: number[], done: boolean) => void, key?: (event: KeyboardEvent) => void}} SheetSpec
 */

const DOT = 1.8; // px a draw

export class Sheet {
  /** @param {HTMLElement} host @param {SheetSpec} spec */
  constructor(host, spec) {
    this.spec = spec;
    this.reach = 1;
    this.ink = ""; // of the density
    this.cellInk = "";
    /** @type {?HTMLCanvasElement} */
    this.heat = null;
    this.heats = new Map();
    /** @type {Float32Array} */
    this.dots = new Float32Array(0);
    /** @type {Uint8Array} */
    this.lit = new Uint8Array(0);
    /** @type {Cell[]} */
    this.cells = [];
    /** @type {Mark[]} */
    this.marks = [];
    this.host = element("div");
    this.host.style.cssText = "position: relative; flex: 1; min-height: 0; min-width: 0; touch-action: none; cursor: crosshair; border-radius: 4px";
    Object.entries({ tabindex: "0", role: "application", "aria-label": spec.label }).forEach(([name, value]) => this.host.setAttribute(name, value));
    this.canvas = element("canvas");
    this.svg = svgNode("svg", { class: "over", "aria-hidden": "true" });
    this.axes = svgNode("svg", { class: "over", "aria-hidden": "true" });
    for (const node of [this.canvas, this.svg, this.axes]) node.style.cssText = "position: absolute; pointer-events: none";
    this.host.append(this.canvas, this.axes, this.svg);
    host.append(this.host);
    this.resizes = new ResizeObserver(() => this.redraw());
    this.resizes.observe(this.host);
    this.listen();
  }

  destroy() {
    this.resizes.disconnect();
  }

  /** Has density and draws hidden until the prediction is made; the place itself takes clicks. */
  hide() {
    this.canvas.dataset.answer = "";
  }

  /** The square's place within the host, px. */
  get square() {
    const { width, height } = this.host.getBoundingClientRect();
    const side = Math.max(40, Math.floor(Math.min(width, height)));
    return { left: (width - side) / 2, top: (height - side) / 2, side };
  }

  /** @param {ArrayLike<number>} values @param {string} colour */
  setField(values, colour) {
    const side = Math.round(Math.sqrt(values.length));
    const heat = this.heats.get(side) ?? new Heat(side);
    this.heats.set(side, heat);
    this.heat = values.length ? heat.paint(values, colour, 0.75) : null;
  }

  redraw() {
    const { left, top, side } = this.square;
    const ratio = devicePixelRatio || 1;
    const size = Math.round(side * ratio);
    if (this.canvas.width !== size) Object.assign(this.canvas, { width: size, height: size });
    for (const node of [this.canvas, this.svg, this.axes])
      for (const [name, value] of Object.entries({ left, top, width: side, height: side })) node.style.setProperty(name, `${value}px`);
    const context = contextOf(this.canvas);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, side, side);
    if (this.heat) context.drawImage(this.heat, 0, 0, side, side);
    const half = side / 2;
    const scale = half / this.reach;
    const { color } = getComputedStyle(this.host);
    context.fillStyle = this.cellInk;
    context.strokeStyle = this.cellInk;
    for (const { outline, ink } of this.cells) {
      context.globalAlpha = ink;
      context.beginPath();
      outline.forEach(([x, y], k) => (k ? context.lineTo(half + scale * x, half - scale * y) : context.moveTo(half + scale * x, half - scale * y)));
      context.closePath();
      context.fill();
    }
    for (const lit of [0, 1]) {
      context.globalAlpha = lit ? 1 : 0.5;
      context.fillStyle = lit ? this.cellInk : color;
      const dot = lit ? DOT + 0.7 : DOT;
      for (let k = 0; k < this.lit.length; k++) {
        if (this.lit[k] === lit) context.fillRect(half + scale * this.dots[2 * k] - dot / 2, half - scale * this.dots[2 * k + 1] - dot / 2, dot, dot);
      }
    }
    context.globalAlpha = 1;
    this.frame(side);
    this.place();
  }

  /** @param {number} side */
  frame(side) {
    const { axes, reach } = this;
    const half = side / 2;
    const unit = reach > 4 ? 2 : reach > 1.6 ? 1 : 0.5;
    const nodes = [svgNode("rect", { x: 0.5, y: 0.5, width: side - 1, height: side - 1, fill: "none", stroke: "currentColor", "stroke-opacity": 0.35 })];
    const words = [];
    for (let k = Math.ceil(-reach / unit); k * unit <= reach; k++) {
      const p = half + (k * unit * half) / reach;
      const line = { stroke: "currentColor", "stroke-opacity": k === 0 ? 0.35 : 0.08 };
      nodes.push(/** @type {never} */ (svgNode("path", { d: `M${p},0V${side}M0,${side - p}H${side}`, fill: "none", ...line })));
      if (p < 14 || p > side - 14) continue;
      const word = svgNode("text", { x: p, y: side - 4, "text-anchor": "middle", fill: "currentColor", "fill-opacity": 0.75, "font-size": 11 });
      word.textContent = String(k * unit).replace("-", "\u2212");
      words.push(word);
    }
    axes.replaceChildren(...nodes, ...words);
  }

  /** Shows marks above all. @param {Mark[]} marks */
  draw(marks) {
    this.marks = marks;
    this.place();
  }

  place() {
    const { side } = this.square;
    const scale = side / 2 / this.reach;
    const at = {
      x: (/** @type {number} */ v) => side / 2 + scale * v,
      y: (/** @type {number} */ v) => side / 2 - scale * v,
      box: { x: 0, y: 0, width: side, height: side },
    };
    this.svg.setAttribute("viewBox", `0 0 ${side} ${side}`);
    this.svg.replaceChildren(...this.marks.map((mark) => markNode(mark, at)));
  }

  listen() {
    /** @type {?number[]} */
    let from = null;
    /** @param {PointerEvent} event */
    const place = (event) => {
      const { left, top } = this.host.getBoundingClientRect();
      const square = this.square;
      const scale = this.reach / (square.side / 2);
      return [(event.clientX - left - square.left - square.side / 2) * scale, (square.side / 2 - (event.clientY - top - square.top)) * scale];
    };
    this.host.addEventListener("pointerdown", (event) => {
      from = place(event);
      this.host.setPointerCapture(event.pointerId);
      this.spec.press?.(from, from, false);
    });
    this.host.addEventListener("pointermove", (event) => from && this.spec.press?.(from, place(event), false));
    this.host.addEventListener("pointerup", (event) => {
      if (from) this.spec.press?.(from, place(event), true);
      from = null;
    });
    this.host.addEventListener("keydown", (event) => this.spec.key?.(event));
  }
}
