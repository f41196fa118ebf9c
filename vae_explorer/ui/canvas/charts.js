// What charts that follow the KL weight share, and the smaller one: which axes pay the rate.

import { rungOf, valueAt } from "./rungs.js";

const COLLAPSED = 0.01; // nats: an axis that pays less cannot be told from the prior
const MOST_AXES = 20;
const DRAWN = ["svg", "g", "path", "circle", "text"];

/** @import { Curve } from "./rate_distortion.js" */

/** @typedef {"svg" | "g" | "path" | "circle" | "text"} DrawnTag */

/**
 * The element that a tag makes.
 * @template {string} T
 * @typedef {T extends DrawnTag ? SVGElementTagNameMap[T] : T extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[T] : never} Made
 */

/**
 * Builds an element from its tag, attributes and children (text among them).
 * @template {DrawnTag | keyof HTMLElementTagNameMap} T @param {T} tag @param {Record<string, string | number>} [attributes] @param {(Node | string)[]} children
 */
export function chartNode(tag, attributes = {}, ...children) {
  const space = DRAWN.includes(tag) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const made = document.createElementNS(space, tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, String(value)));
  made.append(...children);
  return /** @type {Made<T>} */ (/** @type {unknown} */ (made));
}

/** One bar a latent axis: the rate that it pays at the slider's KL weight. */
export class AxisBars {
  /** @param {HTMLElement} host gets one more child */
  constructor(host) {
    this.beta = 1;
    this.most = COLLAPSED; // nats of the longest bar
    /** @type {{row: HTMLElement, bar: HTMLElement, value: Text, rates: number[]}[]} */
    this.rows = [];
    /** @type {number[]} */
    this.betas = [];
    this.title = chartNode("p");
    this.list = chartNode("ul");
    this.figure = chartNode("div", { class: "axis-bars" }, this.title, this.list);
    this.figure.hidden = true;
    host.append(this.figure);
  }

  /** @param {?Curve} curve null hides all */
  set(curve) {
    const rates = curve?.axis_rate;
    this.rows = [];
    this.figure.hidden = !rates?.flat().every(Number.isFinite);
    if (!curve || !rates || this.figure.hidden) return;
    this.betas = curve.beta;
    const axes = rates[0].length;
    const shown = Math.min(axes, MOST_AXES);
    this.most = Math.max(COLLAPSED, ...rates.flat());
    const which = axes > shown ? `the first ${shown} of ${axes} axes` : "each axis";
    this.title.textContent = `Mean rate of ${which}, nats per image`;
    this.rows = Array.from({ length: shown }, (_, axis) => {
      const [bar, value] = [chartNode("i"), document.createTextNode("")];
      const row = chartNode("li", {}, `axis ${axis + 1} `, chartNode("span", {}, bar), chartNode("b", {}, value));
      return { row, bar, value, rates: rates.map((each) => each[axis]) };
    });
    this.list.replaceChildren(...this.rows.map(({ row }) => row));
    this.at(this.beta);
  }

  /** Sets the bars to a KL weight, with every frame. @param {number} beta */
  at(beta) {
    this.beta = beta;
    if (!this.rows.length) return;
    const place = rungOf(this.betas, beta);
    for (const { bar, value, rates } of this.rows) {
      const rate = valueAt(rates, place);
      bar.style.transform = `scaleX(${Math.max(0, rate / this.most).toFixed(4)})`;
      const text = rate < COLLAPSED ? "collapsed" : rate.toFixed(2);
      if (value.data !== text) value.data = text;
    }
  }
}
