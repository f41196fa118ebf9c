// What images cost in rate and in distortion, at every KL weight that was measured.

import { chartNode } from "./charts.js";
import { rungOf, valueAt } from "./rungs.js";
import { step, ticks } from "./scatter/axes.js";

/** @import { Rung } from "./rungs.js" */
/** @import { Message } from "./wire.js" */

/**
 * What images cost at rising KL weights, in nats per image (rate and nll may be missing): on how many images and samples,
 * of which part, against which target and from which source.
 * @typedef {object} Curve
 * @property {number[]} beta
 * @property {number[]} distortion
 * @property {?number[]} rate
 * @property {?number[]} nll
 * @property {?number[]} nll_error
 * @property {?number[][]} axis_rate
 * @property {number} images
 * @property {number} samples
 * @property {number} nll_images
 * @property {string} part
 * @property {string} target
 * @property {string} source
 */

/** What Python sends of it. @typedef {Message & {kind: "curve", curve: ?Curve}} CurveMessage */

/** @typedef {"distortion" | "rate" | "elbo" | "nll"} Term */

const LEAST_ERROR = 0.05; // nats that a decimal would show

/** The rate-distortion curve, with a marker and numbers at the slider's KL weight. */
export class RateDistortion {
  /**
   * @param {HTMLElement} host gets one more child
   * @param {(beta: number) => void} [onpick] called with the KL weight of the place on the curve that was clicked
   */
  constructor(host, onpick = () => {}) {
    this.onpick = onpick;
    this.beta = 1;
    /** @type {number[]} */
    this.betas = [];
    /** @type {Partial<Record<Term, ?number[]>>} */
    this.series = {};
    /** @type {?number[]} */
    this.error = null; // of the quadrature: narrow posteriors slip through its grid
    /** @type {?{box: {left: number, right: number, top: number, bottom: number}, toX: (value: number) => number, toY: (value: number) => number}} */
    this.scale = null; // where values lie; the old curve's goes, until there is room for the new one
    this.frame = chartNode("g"); // all that `layout` draws anew
    this.guide = chartNode("path", { class: "rd-guide" });
    this.marker = chartNode("circle", { class: "rd-marker", r: 6 });
    this.svg = chartNode("svg", { role: "img" }, this.frame, this.guide, this.marker);
    const text = () => document.createTextNode("");
    this.values = { distortion: text(), rate: text(), elbo: text(), nll: text() };
    /** @param {Term} name @param {string} label @param {string} sign */
    const term = (name, label, sign) => {
      const value = chartNode("dd", {}, chartNode("i", {}, sign), this.values[name]);
      return chartNode("div", {}, chartNode("dt", {}, label), value);
    };
    this.cells = {
      distortion: term("distortion", "Distortion", ""),
      rate: term("rate", "Rate", "+"),
      elbo: term("elbo", "Negative ELBO", "="),
      nll: term("nll", "\u2212log p(x)", ""),
    };
    this.caption = chartNode("p", {});
    const body = chartNode("div", {}, this.svg, chartNode("dl", {}, ...Object.values(this.cells)), this.caption);
    this.figure = chartNode("div", { class: "rd" }, body);
    this.figure.hidden = true;
    this.absent = chartNode("p", { class: "rd-absent" }, "The curve is measured beside the page, and will appear here.");
    host.append(this.figure, this.absent);
    this.svg.addEventListener("click", (event) => this.pick(event));
    this.resizes = new ResizeObserver(() => this.layout());
    this.resizes.observe(this.svg);
  }

  destroy() {
    this.resizes.disconnect();
  }

  /**
   * @param {?Curve} curve null hides all
   */
  set(curve) {
    /** @param {?number[]} values */
    const all = (values) => (values?.length && values.every(Number.isFinite) ? values : null);
    this.figure.hidden = !curve;
    this.absent.hidden = Boolean(curve);
    this.absent.textContent = "Rate and distortion are measured on images, and there are none here.";
    this.series = {};
    if (!curve) return;
    const { beta, distortion } = curve;
    const [rate, nll] = [all(curve.rate), all(curve.nll)];
    const elbo = rate?.map((value, k) => value + distortion[k]) ?? null;
    this.betas = beta;
    this.series = { distortion, rate, elbo, nll };
    this.error = nll && curve.nll_error;
    for (const name of this.terms) this.cells[name].hidden = !this.series[name];
    this.svg.style.display = rate ? "" : "none";
    this.caption.textContent = curveCaption(curve, rate, nll);
    this.scale = null;
    this.layout();
    this.at(this.beta);
    this.settle();
  }

  /** Moves marker and numbers to a KL weight, with every frame. @param {number} beta */
  at(beta) {
    this.beta = beta;
    const { series, values, scale } = this;
    if (!series.distortion) return;
    const place = rungOf(this.betas, beta);
    for (const name of this.terms) {
      const measured = series[name];
      let text = measured ? valueAt(measured, place).toFixed(1) : "";
      const error = name === "nll" && this.error ? valueAt(this.error, place) : 0;
      if (error >= LEAST_ERROR) text += ` \u00b1 ${error.toFixed(1)}`;
      if (values[name].data !== text) values[name].data = text;
    }
    if (!series.rate || !scale) return;
    const x = scale.toX(valueAt(series.rate, place)).toFixed(2);
    const y = scale.toY(valueAt(series.distortion, place)).toFixed(2);
    this.marker.setAttribute("transform", `translate(${x} ${y})`);
    this.guide.setAttribute("d", `M${scale.box.left} ${y}H${x}V${scale.box.bottom}`);
  }

  /** @returns {Term[]} */
  get terms() {
    return ["distortion", "rate", "elbo", "nll"];
  }

  /** Says in words where the marker is; for when it has come to rest. */
  settle() {
    const { distortion, rate, elbo, nll } = this.values;
    if (!this.series.rate) return;
    const weight = this.betas.length > 1 ? `At KL weight ${Number(this.beta.toPrecision(3))}: ` : "";
    const known = nll.data && `, \u2212log p(x) ${nll.data}`;
    const numbers = `rate ${rate.data}, distortion ${distortion.data}, negative ELBO ${elbo.data}${known}`;
    this.svg.setAttribute("aria-label", `Rate and distortion. ${weight}${numbers} nats per image.`);
  }

  /** Draws axes, curve and dots for the size that the chart has now. */
  layout() {
    const { width, height } = this.svg.getBoundingClientRect();
    const { rate, distortion } = this.series;
    if (!rate || !distortion || !width || !height) return;
    const size = parseFloat(getComputedStyle(this.svg).fontSize);
    const box = { left: 3.2 * size, right: width - 0.8 * size, top: 1.8 * size, bottom: height - 2.9 * size };
    const x = curveAxis(rate, box.left, box.right, 4 * size);
    const y = curveAxis(distortion, box.bottom, box.top, 2.2 * size);
    this.scale = { box, toX: x.at, toY: y.at };
    /** @param {string} words @param {number} left @param {number} top @param {string} anchor */
    const text = (words, left, top, anchor) => chartNode("text", { x: left, y: top, "text-anchor": anchor }, words);
    /** @param {string} d */
    const grid = (d) => chartNode("path", { class: "rd-grid", d });
    const dots = rate.map((_, k) => ({ cx: x.at(rate[k]), cy: y.at(distortion[k]) }));
    const line = dots.map(({ cx, cy }, k) => `${k ? "L" : "M"}${cx} ${cy}`).join("");
    this.frame.replaceChildren(
      ...x.ticks.map(({ value }) => grid(`M${x.at(value)} ${box.top}V${box.bottom}`)),
      ...y.ticks.map(({ value }) => grid(`M${box.left} ${y.at(value)}H${box.right}`)),
      ...x.ticks.map((tick) => text(tick.text, x.at(tick.value), box.bottom + 1.25 * size, "middle")),
      ...y.ticks.map((tick) => text(tick.text, box.left - 0.5 * size, y.at(tick.value) + 0.35 * size, "end")),
      text("Distortion, nats per image", 0, 0.9 * size, "start"),
      text("Rate, nats per image", box.right, height - 0.4 * size, "end"),
      chartNode("path", { class: "rd-line", d: line }),
      ...dots.map((dot) => chartNode("circle", { class: "rd-dot", r: 2.25, ...dot })),
      ...this.weights(size).map(({ words, left, top }) => text(words, left, top, "start")),
      chartNode("path", { class: "rd-grip", d: line }), // wide and clear: a thin line is hard to hit
    );
    this.at(this.beta);
  }

  /** Names the KL weights that are powers of ten, 1 before all others, where their words have room. @param {number} size px of the type */
  weights(size) {
    const { scale } = this;
    const { rate, distortion } = this.series;
    if (this.betas.length === 1 || !scale || !rate || !distortion) return [];
    /** @type {{words: string, left: number, top: number}[]} */
    const taken = [];
    /** @param {number} k */
    const far = (k) => Math.abs(Math.log(this.betas[k]));
    const order = [...this.betas.keys()].sort((a, b) => far(a) - far(b));
    for (const k of order) {
      const power = Math.log10(this.betas[k]);
      if (Math.abs(power - Math.round(power)) > 1e-6) continue;
      const words = `\u03b2 = ${Number(this.betas[k].toPrecision(3))}`;
      const room = 0.55 * size * words.length;
      const left = Math.min(scale.toX(rate[k]) + 0.5 * size, scale.box.right - room);
      const top = Math.max(scale.toY(distortion[k]) - 0.6 * size, scale.box.top + 0.3 * size);
      const near = taken.some((other) => Math.abs(other.left - left) < room + 6 && Math.abs(other.top - top) < 1.1 * size);
      if (!near) taken.push({ words, left, top });
    }
    return taken;
  }

  /** Reports the KL weight of the place on the curve that is nearest to a click on it. @param {MouseEvent} event */
  pick(event) {
    const { scale } = this;
    const { rate, distortion } = this.series;
    const grip = event.target instanceof Element && event.target.classList.contains("rd-grip");
    if (!grip || this.betas.length === 1 || !scale || !rate || !distortion) return;
    const corner = this.svg.getBoundingClientRect();
    const [left, top] = [event.clientX - corner.left, event.clientY - corner.top];
    const to = rate.map((_, k) => [scale.toX(rate[k]) - left, scale.toY(distortion[k]) - top]);
    let best = { distance: Infinity, beta: this.beta };
    for (let k = 0; k + 1 < to.length; k++) {
      const [dx, dy] = [to[k + 1][0] - to[k][0], to[k + 1][1] - to[k][1]];
      const along = -(to[k][0] * dx + to[k][1] * dy) / (dx * dx + dy * dy || 1);
      const share = Math.min(1, Math.max(0, along));
      const distance = Math.hypot(to[k][0] + share * dx, to[k][1] + share * dy);
      const beta = this.betas[k] * (this.betas[k + 1] / this.betas[k]) ** share;
      if (distance < best.distance) best = { distance, beta };
    }
    this.onpick(best.beta);
  }
}

/**
 * Maps values to pixels with a little room at both ends; ticks at least `gap` px apart.
 * @param {number[]} values @param {number} from @param {number} to @param {number} gap
 */
function curveAxis(values, from, to, gap) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const half = 0.56 * (most - least) || Math.max(0.1 * most, 0.5);
  const low = (least + most) / 2 - half;
  const scale = (to - from) / (2 * half);
  /** @param {number} value */
  const at = (value) => Number((from + (value - low) * scale).toFixed(2));
  return { at, ticks: ticks(low, low + 2 * half, step(Math.abs(scale), gap)) };
}

/** Which images, how many, against which target and with how many samples. @param {Curve} curve @param {?number[]} rate @param {?number[]} nll */
function curveCaption({ images, part, target, samples, nll_images: judged, source }, rate, nll) {
  /** @param {number} number */
  const count = (number) => number.toLocaleString("en");
  const draws = rate ? `${count(samples)} ${samples === 1 ? "sample" : "samples"} of z each` : ""; // else z is no draw
  const grids = nll ? `\u00b1 at \u2212log p(x), shown from ${LEAST_ERROR} nats up: its mean absolute change on a grid half as fine` : "";
  const fewer = nll && judged !== images ? `\u2212log p(x) of ${count(judged)} of them` : "";
  const over = `Nats per image, over ${count(images)} ${part} images`;
  return [over, target === "grey" ? "against grey levels" : "as a density", draws, fewer, grids, source].filter(Boolean).join(" \u00b7 ");
}
