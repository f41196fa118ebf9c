// The plane of codes on a screen: a field below, the codes, and marks of terms above, all in latent units.

import { element } from "../dom.js";
import { Ladder } from "../ladder.js";
import { dress, mapKey, styleOf } from "../plots.js";
import { Heat } from "../scatter/fields.js";
import { Scatter } from "../scatter/scatter.js";
import { clipOf, markNode, svgNode } from "./marks.js";

/** @import { Mark } from "./marks.js" */
/** @import { Stage } from "./stage.js" */
/** @import { Place, View } from "../scatter/scatter.js" */

/**
 * What a screen does with its plane: whether codes are shown; told of a click (a place, and the code there) and of a key's step; `drag` is
 * told of the pointer that is held down on a mark with `data-grip` (its name, and where it is now; `done` when it is let go).
 * @typedef {{label: string, codes?: boolean, click?: (place: Place) => void, move?: (dx: number, dy: number) => void, hover?: (place: ?Place) => void,
 *   drag?: (grip: string, x: number, y: number, done: boolean) => void}} PlaneSpec
 */

export class LatentPlane {
  /** @param {Stage} stage @param {HTMLElement} host @param {PlaneSpec} spec */
  constructor(stage, host, spec) {
    this.stage = stage;
    this.spec = spec;
    /** @type {Mark[]} */
    this.marks = [];
    this.host = element("div", "plane plot");
    const canvas = element("canvas");
    Object.entries({ tabindex: "0", role: "application", "aria-label": spec.label }).forEach(([name, value]) => canvas.setAttribute(name, value));
    this.svg = svgNode("svg", { class: "over", "aria-hidden": "true" });
    this.host.append(canvas, this.svg);
    host.append(this.host);
    this.heats = new Map();
    this.ladder = new Ladder(stage.world);
    this.plot = new Scatter(canvas, {
      hover: (place) => spec.hover?.(place),
      click: (place) => this.clicked(place),
      view: () => this.place(),
      key: (event) => mapKey(event, { plot: this.plot, weight: { nudge: () => undefined }, step: (dx, dy) => spec.move?.(dx, dy) }),
      frame: () => this.place(),
    });
    dress(this.plot, stage.world);
    this.plot.set({ style: styleOf(this.host) });
    if (spec.codes ?? true) this.climb();
    else this.plot.set({ labels: new Uint8Array(0), xy: new Float32Array(0) });
    this.resizes = new ResizeObserver(() => this.restyle());
    this.resizes.observe(this.host);
    if (spec.drag) this.listen(spec.drag);
  }

  destroy() {
    this.plot.destroy();
    this.resizes.disconnect();
  }

  /** A click is a guess while one is asked for. @param {Place} place */
  clicked(place) {
    if (!this.stage.guessed(place)) this.spec.click?.(place);
  }

  restyle() {
    this.plot.set({ style: styleOf(this.host) });
    this.place();
  }

  /** Moves the codes to the KL weight of now. */
  climb() {
    this.ladder.climb(this.stage.beta);
    this.plot.set({ xy: this.ladder.xy });
  }

  /** Shows a square of the plane: left, right, bottom, top. @param {ArrayLike<number>} extent */
  look(extent) {
    const [left, right, bottom, top] = Array.from(extent);
    this.plot.setHome({ x: (left + right) / 2, y: (bottom + top) / 2, half: Math.max(right - left, top - bottom) / 2 });
  }

  /** Shows the whole plane again. */
  lookAtAll() {
    const [x, y, half] = this.stage.world.home;
    this.plot.setHome({ x, y, half });
  }

  /**
   * Lays a field below the codes: values from 0 up, the first row at the top; `name` tells several apart.
   * @param {string} name @param {?ArrayLike<number>} values null takes it away
   * @param {ArrayLike<number>} [extent] left, right, bottom, top @param {{colour?: string, gamma?: number, top?: number}} [look]
   */
  setField(name, values, extent = [], { colour = this.stage.colour(name), gamma = 0.6, top } = {}) {
    if (values === null) this.heats.delete(name);
    else {
      const side = Math.round(Math.sqrt(values.length));
      /** @type {{heat: Heat} | undefined} */
      const before = this.heats.get(name);
      const heat = before && before.heat.canvas.width === side ? before.heat : new Heat(side);
      heat.paint(values, colour, gamma, top ?? null);
      this.heats.set(name, { heat, extent: Array.from(extent) });
    }
    const underlays = [...this.heats.values()].map((/** @type {{heat: Heat, extent: number[]}} */ { heat, extent }) => ({
      image: heat.canvas,
      extent,
      smooth: true,
    }));
    this.plot.setLayers({ underlays });
  }

  /** Shows these marks above all; `grip` on one makes it draggable. @param {(Mark & {grip?: string})[]} marks */
  draw(marks) {
    this.marks = marks;
    this.place();
  }

  /** Puts the marks where they belong in what is seen now. */
  place() {
    const { plot, svg } = this;
    const { width, height } = plot.canvas.getBoundingClientRect();
    Object.entries({ viewBox: `0 0 ${width} ${height}`, width, height }).forEach(([name, value]) => svg.setAttribute(name, String(value)));
    svg.style.fontSize = `${plot.style.size}px`;
    const { box } = plot;
    const at = { x: (/** @type {number} */ v) => plot.toPixel(v, 0).x, y: (/** @type {number} */ v) => plot.toPixel(0, v).y, box };
    const { clip, ...cut } = clipOf(box);
    const groups = this.marks.map((/** @type {Mark & {grip?: string}} */ mark) => {
      const node = markNode(mark, at);
      if (mark.grip) node.dataset.grip = mark.grip;
      return node;
    });
    svg.replaceChildren(clip, svgNode("g", cut, ...groups));
  }

  /** @param {NonNullable<PlaneSpec["drag"]>} drag */
  listen(drag) {
    let grip = "";
    /** @param {PointerEvent} event @param {boolean} done */
    const tell = (event, done) => {
      const { left, top } = this.plot.canvas.getBoundingClientRect();
      const { x, y } = this.plot.toData({ x: event.clientX - left, y: event.clientY - top });
      drag(grip, this.plot.rounded(x), this.plot.rounded(y), done);
    };
    this.svg.addEventListener("pointerdown", (event) => {
      const mark = event.target instanceof Element ? event.target.closest("[data-grip]") : null;
      if (!(mark instanceof SVGElement)) return;
      grip = mark.dataset.grip ?? "";
      this.svg.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    this.svg.addEventListener("pointermove", (event) => grip && tell(event, false));
    this.svg.addEventListener("pointerup", (event) => {
      if (grip) tell(event, true);
      grip = "";
    });
  }
}
