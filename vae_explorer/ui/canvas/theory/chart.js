// A chart in an SVG as wide and high as its place: axes, linear or logarithmic, and marks that are drawn anew at every change.

import { step, ticks } from "../scatter/axes.js";
import { clipOf, markNode, svgNode } from "./marks.js";

/** @import { Mark } from "./marks.js" */

/** An axis: what it shows with its unit; its ends, where they are not those of the marks; bare: without lines and figures. @typedef {{label: string, log?: boolean, domain?: [number, number], bare?: boolean}} Axis */

/** @typedef {{x: Axis, y: Axis, label: string, click?: (x: number, y: number) => void}} ChartSpec */

const SUPER = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079";
const MARGIN = { left: 3.9, right: 0.8, top: 0.6, bottom: 2.7 }; // in lines of type

/** A power of ten. @param {number} power */
export const powerText = (power) =>
  power >= 0 && power <= 3 ? String(10 ** power) : `10${power < 0 ? "\u207b" : ""}${[...String(Math.abs(power))].map((d) => SUPER[Number(d)]).join("")}`;

export class Chart {
  /** @param {HTMLElement} host which has a height of its own @param {ChartSpec} spec */
  constructor(host, spec) {
    this.host = host;
    this.spec = spec;
    /** @type {Mark[]} */
    this.marks = [];
    /** @type {{x?: [number, number], y?: [number, number]}} */
    this.domains = {};
    this.svg = svgNode("svg", { class: "chart", role: "img", "aria-label": spec.label });
    host.append(this.svg);
    this.resizes = new ResizeObserver(() => this.redraw());
    this.resizes.observe(host);
    this.svg.addEventListener("click", (event) => this.clicked(event));
  }

  destroy() {
    this.resizes.disconnect();
  }

  /** Shows these marks; ends of an axis that are not given are those of the marks. @param {Mark[]} marks @param {{x?: [number, number], y?: [number, number]}} [domains] */
  draw(marks, domains = {}) {
    this.marks = marks;
    this.domains = domains;
    this.redraw();
  }

  /** @param {"x" | "y"} way @returns {[number, number]} */
  domain(way) {
    const axis = this.spec[way];
    const given = this.domains[way] ?? axis.domain;
    if (given) return given;
    let [low, high] = [Infinity, -Infinity];
    /** @param {number} value */
    const see = (value) => {
      if (!Number.isFinite(value) || (axis.log && value <= 0)) return;
      low = Math.min(low, value);
      high = Math.max(high, value);
    };
    for (const { points = [], low: lower = [], high: upper = [], bars = [], x, y, mark, base = 0 } of this.marks) {
      for (const p of [...points, ...lower, ...upper]) see(p[way === "x" ? 0 : 1]);
      for (const [x0, x1, top] of bars) way === "x" ? (see(x0), see(x1)) : (see(top), see(base));
      if (mark === "rule") see((way === "x" ? x : y) ?? NaN);
    }
    if (low > high) return axis.log ? [1, 10] : [0, 1];
    if (axis.log) return low === high ? [low / 2, high * 2] : [low, high];
    const room = way === "y" ? 0.06 * (high - low || Math.abs(high) || 1) : 0;
    return low === high ? [low - (room || 0.5), high + (room || 0.5)] : [low - (low === 0 ? 0 : room), high + room];
  }

  /** Where data lie now. */
  get places() {
    const { width, height } = this.host.getBoundingClientRect();
    const size = 0.85 * parseFloat(getComputedStyle(this.host).fontSize);
    const box = {
      x: MARGIN.left * size,
      y: MARGIN.top * size,
      width: Math.max(20, width - (MARGIN.left + MARGIN.right) * size),
      height: Math.max(20, height - (MARGIN.top + MARGIN.bottom) * size),
    };
    const [x, y] = /** @type {const} */ (["x", "y"]).map((way) => {
      const { log = false } = this.spec[way];
      const up = log ? (/** @type {number} */ v) => Math.log10(Math.max(v, 1e-300)) : (/** @type {number} */ v) => v;
      const [low, high] = this.domain(way).map(up);
      /** @param {number} v */
      const share = (v) => (up(v) - low) / (high - low || 1);
      return { log, low, high, share };
    });
    return {
      size,
      width,
      height,
      box,
      axes: { x, y },
      x: (/** @type {number} */ v) => box.x + box.width * x.share(v),
      y: (/** @type {number} */ v) => box.y + box.height * (1 - y.share(v)),
    };
  }

  redraw() {
    const at = this.places;
    const { size, width, height, box, axes } = at;
    if (width < 40 || height < 40) return;
    Object.entries({ viewBox: `0 0 ${width} ${height}`, width, height }).forEach(([name, value]) => this.svg.setAttribute(name, String(value)));
    this.svg.style.fontSize = `${size}px`;
    const { clip, ...cut } = clipOf({ ...box, x: box.x - 1, width: box.width + 2 });
    const inside = svgNode("g", cut, ...this.marks.map((mark) => markNode(mark, at)));
    const base = svgNode("line", { x1: box.x, x2: box.x + box.width, y1: box.y + box.height, y2: box.y + box.height, class: "axis" });
    this.svg.replaceChildren(clip, ...this.grid("x", axes.x, at), ...this.grid("y", axes.y, at), base, inside, ...this.names(at));
  }

  /** Lines and figures of one axis. @param {"x" | "y"} way @param {{log: boolean, low: number, high: number}} axis @param {Chart["places"]} at */
  grid(way, { log, low, high }, at) {
    if (this.spec[way].bare) return [];
    const { box, size } = at;
    const length = way === "x" ? box.width : box.height;
    const scale = length / (high - low || 1);
    const gap = (way === "x" ? 4.5 : 2.2) * size;
    const every = Math.max(1, Math.ceil(gap / scale));
    const close = log && high - low < 2.2 && 0.3 * scale > gap;
    const found = close
      ? ticks(Math.floor(low), high, 1).flatMap(({ value }) =>
          [1, 2, 5].map((n) => ({ value: n * 10 ** value, text: String(Number((n * 10 ** value).toPrecision(1))) })),
        )
      : log
        ? ticks(low, high, every).map(({ value }) => ({ value: 10 ** value, text: powerText(Math.round(value)) }))
        : ticks(low, high, step(scale, gap));
    const inside = found.filter(({ value }) => !log || (Math.log10(value) >= low - 1e-9 && Math.log10(value) <= high + 1e-9));
    return inside.flatMap(({ value, text }) => {
      const p = way === "x" ? at.x(value) : at.y(value);
      const line = way === "x" ? { x1: p, x2: p, y1: box.y, y2: box.y + box.height } : { x1: box.x, x2: box.x + box.width, y1: p, y2: p };
      const place =
        way === "x"
          ? { x: p, y: box.y + box.height + 1.15 * size, "text-anchor": "middle" }
          : { x: box.x - 0.4 * size, y: p + 0.35 * size, "text-anchor": "end" };
      const word = svgNode("text", { ...place, class: "figure" });
      word.textContent = text;
      return [svgNode("line", { ...line, class: "grid" }), word];
    });
  }

  /** @param {Chart["places"]} at */
  names({ box, size, height }) {
    const x = svgNode("text", { x: box.x + box.width / 2, y: height - 0.3 * size, "text-anchor": "middle", class: "name" });
    const middle = box.y + box.height / 2;
    const y = svgNode("text", { x: 0.9 * size, y: middle, "text-anchor": "middle", transform: `rotate(-90 ${0.9 * size} ${middle})`, class: "name" });
    x.textContent = this.spec.x.label;
    y.textContent = this.spec.y.label;
    return [x, y];
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    if (!this.spec.click) return;
    const { box, axes } = this.places;
    const corner = this.svg.getBoundingClientRect();
    /** @param {{log: boolean, low: number, high: number}} axis @param {number} share */
    const value = ({ log, low, high }, share) => (log ? 10 ** (low + share * (high - low)) : low + share * (high - low));
    const across = (event.clientX - corner.left - box.x) / box.width;
    const up = 1 - (event.clientY - corner.top - box.y) / box.height;
    if (across >= 0 && across <= 1 && up >= 0 && up <= 1) this.spec.click(value(axes.x, across), value(axes.y, up));
  }
}
