// One knob, two names: the rate-distortion curve with its point, the ELBO against sigma, and images with the noise that the model claims.

import { element } from "../../dom.js";
import { minus } from "../../panel.js";
import { gaussianTerms, joinedCurve, logSteps, objectiveLine, pointOf, sigmaChoice } from "./rate_distortion.js";

/** @import { Mark } from "../marks.js" */
/** @import { Stage } from "../stage.js" */
/** @import { PartAnswer } from "../talk.js" */
/** @import { RateDistortion } from "./rate_distortion.js" */

/** @typedef {PartAnswer & {scale: number, pixels: number, sigma: number, curve: ?RateDistortion, original: Uint8Array, means: Uint8Array, samples: Uint8Array}} SigmaAnswer */

const SIGMA_LINES = 120; // points of a line
/** sigma_0 of a loss that is written without one: half the squared error, and the squared error itself. @type {Record<string, number>} */
const SIGMAS_WRITTEN = { half: 1, plain: Math.SQRT1_2 };

/** @param {number} value */
const sigmaText = (value) => minus(String(Number(value.toPrecision(3))));

export class SigmaScreen {
  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    /** @type {?SigmaAnswer} */
    this.said = null;
    /** @type {?RateDistortion} */
    this.curve = null;
    this.measuring = false;
    const charts = element("div", "pair");
    const [left, right] = [element("div"), element("div")];
    right.dataset.answer = "";
    charts.append(left, right);
    this.plane = stage.chart(left, {
      x: { label: "rate D[Q||P], nats an image" },
      y: { label: "E||X \u2212 f(z)||\u00b2, full intensity squared" },
      label: "Rate-distortion curve with the point that both sliders set",
    });
    this.elbo = stage.chart(right, {
      x: { label: "\u03c3 of P(X|z), full intensity", log: true },
      y: { label: "nats an image" },
      label: "Negative ELBO and its terms against sigma",
      click: (sigma) => this.turn(sigma),
    });
    this.note = element("p", "note");
    this.note.dataset.answer = "";
    this.images = element("div", "images");
    this.original = stage.image(this.images, "X");
    this.pairs = ["z from Q(z|X)", "z from P(z)", "z from P(z)"].map((from) => {
      const pair = element("div", "drawn");
      const title = element("small");
      title.textContent = from;
      const shown = [stage.image(pair, "f(z)"), stage.image(pair, "drawn from P(X|z)", "sigma")];
      const box = element("div", "from");
      box.append(title, pair);
      this.images.append(box);
      return shown;
    });
    stage.picture.append(charts, this.note, this.images);
  }

  /** Both sliders are of the KL weight: one writes it, the other sigma. */
  control() {
    const { stage } = this;
    const [min, max] = stage.weights ?? [1, 1];
    const common = { name: "beta", min, max, log: true };
    stage.slider({ ...common, label: "\u03c3 of P(X|z), with \u03b2 = 1", format: (beta) => sigmaText(this.trained * Math.sqrt(beta)) });
    stage.slider({
      ...common,
      label: "KL weight \u03b2, with \u03c3\u2080 fixed",
      format: (beta) => sigmaText((beta * this.trained ** 2) / this.written ** 2),
    });
    stage.choice({
      name: "objective",
      label: "Squared error in the loss",
      options: [
        ["trained", `1/2\u03c3\u2080\u00b2, \u03c3\u2080 = ${sigmaText(this.trained)}`],
        ["half", "\u00bd"],
        ["plain", "1"],
      ],
    });
    stage.imageField();
  }

  /** sigma_0 of the model. */
  get trained() {
    return this.said?.scale ?? 1;
  }

  /** sigma_0 of the loss as it is written now. */
  get written() {
    return SIGMAS_WRITTEN[String(this.stage.state.objective)] ?? this.trained;
  }

  get sigma() {
    return this.trained * Math.sqrt(this.stage.beta);
  }

  /** Turns the knob so that sigma is this. @param {number} sigma */
  turn(sigma) {
    const [min, max] = this.stage.weights ?? [1, 1];
    this.stage.set({ beta: Number(Math.min(max, Math.max(min, (sigma / this.trained) ** 2)).toPrecision(4)) });
  }

  /** @param {Set<string>} changed */
  moved(changed) {
    if (changed.has("seed") && !this.said?.curve) this.curve = null;
    this.redraw();
  }

  redraw() {
    const { said, curve, sigma, stage } = this;
    if (!said || !curve) return;
    const at = pointOf(curve, stage.beta);
    const terms = gaussianTerms(at, sigma, said.pixels);
    for (const name of /** @type {const} */ (["elbo", "misfit", "constant", "rate"])) stage.formula.say(name, minus(terms[name].toFixed(1)));
    const beta = (sigma / this.written) ** 2;
    stage.formula.say("sigma", `${sigmaText(sigma)}\u00b2 = ${sigmaText(beta)} \u00b7 ${sigmaText(this.written)}\u00b2`);
    this.drawCurve(curve, at, sigma);
    this.drawElbo(curve, at, sigma, said.pixels);
    const { best, images, samples, part } = curve;
    const where = best.inside ? "" : ", at the end of the curve";
    const measured = `${curve.beta.length} KL weights, ${images.toLocaleString("en")} ${part} images, ${samples} samples of z each`;
    this.note.textContent = `Averages over ${measured}. Best ELBO: \u03c3 = ${sigmaText(best.sigma)}${where}, \u2212ELBO = ${minus(best.negative_elbo.toFixed(1))} nats. Root mean squared error of a pixel here: ${sigmaText(Math.sqrt(at.squared / said.pixels))}.`;
  }

  /** @param {RateDistortion} curve @param {{squared: number, rate: number}} at @param {number} sigma */
  drawCurve(curve, at, sigma) {
    const line = logSteps(curve.beta[0], curve.beta[curve.beta.length - 1], SIGMA_LINES).map((beta) => pointOf(curve, beta));
    const { atNoRate, atNoError } = objectiveLine(at, sigma);
    const [least, top] = [Math.min(...curve.squared), Math.max(...curve.squared)];
    const room = 0.6 * (top - least);
    /** @type {Mark[]} */
    const marks = [
      { mark: "line", points: line.map(({ rate, squared }) => [rate, squared]), width: 2.5 },
      { mark: "dots", points: curve.rate.map((rate, k) => [rate, curve.squared[k]]), radius: 2.5 },
      { mark: "line", term: "sigma", points: [[0, atNoRate], [atNoError, 0]], dashed: true }, // biome-ignore format: two points
      { mark: "line", term: "misfit", points: [[0, at.squared], [at.rate, at.squared]], width: 1.5 }, // biome-ignore format: two points
      { mark: "line", term: "rate", points: [[at.rate, 0], [at.rate, at.squared]], width: 1.5 }, // biome-ignore format: two points
      { mark: "dots", term: "sigma", points: [[at.rate, at.squared]], radius: 6 },
      { mark: "word", term: "sigma", x: at.rate, y: at.squared, text: "slope \u22122\u03c3\u00b2", anchor: "start", dx: 10, dy: -8 },
    ];
    this.plane.draw(marks, { x: [0, 1.08 * Math.max(...curve.rate)], y: [least - room, top + room] });
  }

  /** @param {RateDistortion} curve @param {{squared: number, rate: number}} at @param {number} sigma @param {number} pixels */
  drawElbo(curve, at, sigma, pixels) {
    const [low, high] = [curve.beta[0], curve.beta[curve.beta.length - 1]].map((beta) => this.trained * Math.sqrt(beta));
    const sigmas = logSteps(low, high, SIGMA_LINES);
    const along = sigmas.map((s) => gaussianTerms(pointOf(curve, (s / this.trained) ** 2), s, pixels));
    const fixed = sigmas.map((s) => [s, gaussianTerms(at, s, pixels).elbo]);
    /** @param {"misfit" | "constant" | "rate" | "elbo"} name */
    const of = (name) => sigmas.map((s, k) => [s, along[k][name]]);
    const { best } = curve;
    const now = gaussianTerms(at, sigma, pixels);
    const root = Math.sqrt(at.squared / pixels);
    /** @type {Mark[]} */
    const marks = [
      { mark: "line", term: "misfit", points: of("misfit"), width: 1.5 },
      { mark: "line", term: "constant", points: of("constant"), width: 1.5 },
      { mark: "line", term: "rate", points: of("rate"), width: 1.5 },
      { mark: "line", term: "elbo", points: fixed, dashed: true, width: 1.5 },
      { mark: "line", term: "elbo", points: of("elbo"), width: 3 },
      { mark: "rule", term: "elbo", x: best.sigma, text: `best \u03c3 = ${sigmaText(best.sigma)}`, width: 1 },
      { mark: "dots", term: "elbo", points: [[root, gaussianTerms(at, root, pixels).elbo]], radius: 5, hollow: true },
      { mark: "line", term: "sigma", points: [[sigma, -1e6], [sigma, 1e6]], width: 1, dashed: true }, // biome-ignore format: two points
      { mark: "dots", term: "sigma", points: [[sigma, now.elbo]], radius: 6 },
    ];
    const bottom = gaussianTerms(at, best.sigma, pixels).constant - 0.2 * pixels;
    this.elbo.draw(marks, { x: [low, high], y: [bottom, bottom + 2.4 * pixels] });
  }

  /** @param {string} _part @param {PartAnswer} answer */
  show(_part, answer) {
    const first = this.said === null;
    const said = (this.said = /** @type {SigmaAnswer} */ (answer));
    if (first) this.control();
    const pixels = said.original.length;
    this.original.paint(said.original, "The image");
    this.pairs.forEach(([mean, sample], k) => {
      mean.paint(said.means.subarray(k * pixels, (k + 1) * pixels), "Decoded mean");
      sample.paint(said.samples.subarray(k * pixels, (k + 1) * pixels), "Image drawn from P(X|z)");
    });
    if (said.curve) this.curve = said.curve;
    else if (!this.curve) this.measure();
    this.redraw();
  }

  /** Has the curve measured, one KL weight after the other: ends with the screen. */
  async measure() {
    if (this.measuring) return;
    this.measuring = true;
    /** @type {RateDistortion[]} */
    const points = [];
    for (let k = 0, of = 1; k < of && this.stage.screen === this; k++) {
      const answer = /** @type {?(PartAnswer & {of: number, point: RateDistortion})} */ (await this.stage.ask("point", { k }));
      if (!answer) break;
      of = answer.of;
      points.push(answer.point);
      this.note.textContent = `Measuring the curve: ${k + 1} of ${of} KL weights.`;
      if (points.length < 2) continue;
      this.curve = joinedCurve(points, this.trained, this.said?.pixels ?? 1);
      this.redraw();
    }
    this.measuring = false;
  }

  truth() {
    const best = this.curve?.best;
    if (!best) return null;
    return { choice: sigmaChoice(best.sigma), words: `The best \u03c3 is ${sigmaText(best.sigma)}, as large as the error of a pixel that the decoder leaves.` };
  }
}
