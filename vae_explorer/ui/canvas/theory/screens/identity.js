// The identity behind the ELBO: two sums that balance at the bound, and the true posterior with the Gaussians beside it.

/** @import { Mark } from "../marks.js" */
/** @import { Stage } from "../stage.js" */
/** @import { PartAnswer } from "../talk.js" */

import { element } from "../../dom.js";
import { minus } from "../../panel.js";

/** @typedef {PartAnswer & {expected: number, rate: number, elbo: number, q: number[], image: Float32Array}} IdentityRight */
/** @typedef {PartAnswer & {log_px: number, kl: number, extent: number[], posterior: ArrayLike<number>}} IdentityLeft */
/** @typedef {PartAnswer & {approximation: number, full_approximation: number, amortization: number, diagonal: number[], full: number[]}} IdentityBest */
/** @typedef {PartAnswer & {approximation: number, amortization: number, index: number, of: number, image: ArrayLike<number>}} IdentityRanked */

const IDENTITY_STRIP = 12; // images that the strip has room for

/**
 * The bars from left to right: how far each reaches down, from its start, and the words on them.
 * @param {IdentityRight} right @param {?IdentityLeft} left @param {?IdentityBest} best
 * @returns {{marks: Mark[], y: [number, number]}}
 */
export function identityBars(right, left, best) {
  const { expected, rate, elbo } = right;
  const high = Math.max(expected, left?.log_px ?? expected);
  const room = Math.max(1, 0.25 * (high - elbo));
  /** @type {[number, number]} */
  const y = [elbo - room, high + room];
  /** @type {Mark[]} */
  const marks = [];
  /** @param {string} term @param {number} x @param {number} from @param {number} to @param {number} opacity */
  const bar = (term, x, from, to, opacity = 1) => {
    marks.push({ mark: "bars", term, bars: [[x, x + 0.8, to]], base: from, opacity });
  };
  /** @param {string} text @param {number} x @param {number} at @param {string} [term] */
  const word = (text, x, at, term) => marks.push({ mark: "word", term, x: x + 0.4, y: at, dy: -5, text });
  if (left) {
    bar("log_px", 0.1, y[0], left.log_px, 0.35);
    bar("kl", 0.1, left.log_px, left.log_px - left.kl);
    word(minus(`log P(X) ${left.log_px.toFixed(2)}`), 0.1, left.log_px, "log_px");
  }
  bar("expected", 1.1, y[0], expected, 0.35);
  bar("rate", 1.1, expected, expected - rate);
  word(minus(`E log P(X|z) ${expected.toFixed(2)}`), 1.1, expected, "expected");
  if (best && left) {
    const top = left.log_px;
    bar("kl", 2.1, elbo, elbo + best.amortization, 0.55);
    bar("kl", 2.1, elbo + best.amortization, top);
    word(`Q's gap ${(best.amortization + best.approximation).toFixed(2)}`, 2.1, top, "kl");
  }
  marks.push({ mark: "rule", y: elbo, dashed: true });
  marks.push({ mark: "word", x: 2.5, y: elbo, dy: 14, text: minus(`ELBO ${elbo.toFixed(2)}`) }); // below: the gap's word is above
  return { marks, y };
}

/** Which choice is right: 0 the approximation, 1 the amortization, 2 neither. @param {{approximation: number, amortization: number}} best */
export function identityTruth({ approximation, amortization }) {
  if (approximation + amortization < 0.05) return 2;
  return amortization > approximation ? 1 : 0;
}

export class IdentityScreen {
  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    /** @type {?IdentityRight} */
    this.right = null;
    /** @type {?IdentityLeft} */
    this.left = null;
    /** @type {?IdentityBest} */
    this.best = null;
    /** @type {{index: number, gap: number, amortization: number, image: number[]}[]} */
    this.ranked = [];
    this.ranking = 0; // the run of the strip that is wanted; another number ends it
    this.running = false;
    this.model = "";
    const pair = element("div", "identity-pair");
    const bars = element("div", "identity-bars");
    const field = element("div", "identity-field");
    field.dataset.answer = "";
    this.key = element("p", "identity-key");
    this.key.dataset.answer = "";
    this.strip = element("div", "identity-strip");
    pair.append(bars, field);
    const foot = element("div", "identity-foot");
    this.image = stage.image(foot, "X");
    foot.append(this.key, this.strip);
    stage.picture.append(pair, foot);
    this.chart = stage.chart(bars, { x: { label: "", domain: [0, 3], bare: true }, y: { label: "nats" }, label: "Two sums that balance at the ELBO" });
    this.plane = stage.plane(field, { label: "The true posterior and the Gaussians beside it", codes: false });
    stage.imageField();
    stage.weight();
    this.button = stage.button("Rank test images", () => (this.running ? this.stop() : this.rank()));
  }

  destroy() {
    this.ranking++;
  }

  /** @param {Set<string>} changed */
  moved(changed) {
    if (changed.has("beta")) {
      this.stop();
      this.ranked = [];
      this.strip.replaceChildren();
    }
  }

  /** @param {string} _part @param {PartAnswer} answer */
  show(_part, answer) {
    this.right = /** @type {IdentityRight} */ (answer);
    this.left = null;
    this.best = null;
    for (const name of /** @type {const} */ (["expected", "rate"])) this.stage.formula.say(name, this.right[name].toFixed(2));
    for (const name of ["log_px", "kl"]) this.stage.formula.say(name, "\u2026");
    this.image.paint(this.right.image.map((level) => Math.round(255 * level)));
    this.draw();
    this.more();
  }

  redraw() {
    this.draw();
  }

  /** Asks for what takes longer, first things first. */
  async more() {
    const { right } = this;
    const left = await this.stage.ask("left");
    if (!left || this.right !== right) return;
    this.left = /** @type {IdentityLeft} */ (left);
    this.stage.formula.say("log_px", this.left.log_px.toFixed(2));
    this.stage.formula.say("kl", this.left.kl.toFixed(2));
    this.plane.look(this.left.extent);
    this.plane.setField("kl", this.left.posterior, this.left.extent, { gamma: 0.5, top: 1 });
    this.draw();
    const best = await this.stage.ask("best");
    if (!best || this.right !== right) return;
    this.best = /** @type {IdentityBest} */ (best);
    this.draw();
    this.stage.prediction.settle();
  }

  draw() {
    const { right, left, best } = this;
    if (!right) return;
    const { marks, y } = this.stage.prediction?.open ? identityBars(right, left, best) : identityBars(right, null, null);
    this.chart.draw(marks, { x: [0, 3], y });
    this.plane.draw([
      ...this.ellipses(right.q, { term: "rate kl expected", fill: 0.12 }, 2),
      ...(best ? this.ellipses(best.diagonal, { dashed: true, fill: 0 }, 2) : []),
      ...(best ? this.ellipses(best.full, { fill: 0 }, 2) : []),
    ]);
    this.key.textContent = best
      ? `Gap ${(best.approximation + best.amortization).toFixed(2)} nats: the encoder's Q misses the best upright Gaussian (dashed) by ${best.amortization.toFixed(2)}, ` +
        `that one the posterior by ${best.approximation.toFixed(2)}; any Gaussian (solid), ${best.full_approximation.toFixed(2)}.`
      : "Integrating over the plane\u2026";
  }

  /**
   * Ellipses of one and two standard deviations.
   * @param {number[]} q centre, half axes, angle @param {Partial<Mark>} look @param {number} most @returns {Mark[]}
   */
  ellipses([x, y, rx, ry, angle], look, most) {
    return [...Array(most).keys()].map((k) => ({ mark: "ellipse", x, y, rx: (k + 1) * rx, ry: (k + 1) * ry, angle, ...look }));
  }

  truth() {
    const { best } = this;
    if (!best) return null;
    const words = `Upright axes cost ${best.approximation.toFixed(2)} nats here, the encoder ${best.amortization.toFixed(2)}.`;
    return { choice: identityTruth(best), words };
  }

  stop() {
    this.ranking++;
    this.running = false;
    this.button.textContent = "Rank test images";
  }

  /** Asks for the gaps of test images one by one, and shows those that miss most. */
  async rank() {
    const run = ++this.ranking;
    this.running = true;
    this.ranked = [];
    for (let at = 0, of = 1; at < of; at++) {
      const answer = await this.stage.ask("ranked", { at });
      if (run !== this.ranking) return;
      if (!answer) break;
      const said = /** @type {IdentityRanked} */ (answer);
      of = said.of;
      const { index, approximation, amortization, image } = said;
      this.ranked.push({ index, gap: approximation + amortization, amortization, image: Array.from(image) });
      this.button.textContent = `Stop (${at + 1} of ${of})`;
      this.hang();
    }
    this.stop();
  }

  /** Hangs the images with the largest gaps, largest first. */
  hang() {
    const first = [...this.ranked].sort((a, b) => b.gap - a.gap).slice(0, IDENTITY_STRIP);
    this.strip.replaceChildren(
      ...first.map(({ index, gap, amortization, image }) => {
        const button = element("button", "identity-one");
        button.type = "button";
        const { paint } = this.stage.image(button, gap.toFixed(1));
        paint(
          image.map((level) => Math.round(255 * level)),
          `Image ${index}: Q misses ${gap.toFixed(1)} nats, the encoder's part ${amortization.toFixed(1)}`,
        );
        button.addEventListener("click", () => this.stage.set({ image: index }), { signal: this.stage.signal });
        return button;
      }),
    );
  }
}
