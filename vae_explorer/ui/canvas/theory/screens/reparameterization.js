// The reparameterization trick: one image forward and back in one row, steps on the map, and the noise of two estimators.

import { element } from "../../dom.js";
import { minus } from "../../panel.js";
import { binned, inFigures } from "./histogram.js";
import { Pipeline } from "./pipeline.js";

/** @import { Chart } from "../chart.js" */
/** @import { LatentPlane } from "../latent_plane.js" */
/** @import { Mark } from "../marks.js" */
/** @import { Truth } from "../prediction.js" */
/** @import { Stage } from "../stage.js" */
/** @import { PartAnswer } from "../talk.js" */
/** @import { PassAnswer } from "./pipeline.js" */

/** @typedef {PartAnswer & {exact: number, means: Estimates, variances: Estimates, ratio: ?number, reparameterized: Float32Array, score: Float32Array}} DrawsAnswer */

/** One number of each estimator. @typedef {{reparameterized: number, score: number}} Estimates */

/** @typedef {PartAnswer & {q: number[], before: number, after: number}} StepAnswer */

const GRADIENT_BINS = 60;
const LAST_DRAW = 999999;
const STEP_SIZE = 0.3; // of a step along the mean, in units of sigma^2
const SIGMAS_SEEN = 5; // sigmas of Q that the plane shows at least

export class ReparameterizationScreen {
  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    /** @type {?PassAnswer} */
    this.pass = null;
    /** @type {?DrawsAnswer} */
    this.drawn = null;
    this.key = ""; // what the histograms that are shown, or asked for, are of
    /** @type {number[][]} means that steps have led over */
    this.trail = [];
    this.stepping = false;
    /** @type {number | undefined} half the side of the plane that is seen */
    this.half = undefined;
    /** @type {number | undefined} nats, before the last step */
    this.before = undefined;
    /** @type {number[]} */
    this.home = [];
    this.pipeline = new Pipeline(stage, stage.picture);
    const below = element("div", "below");
    const map = element("div", "steps");
    const words = element("p", "stepped");
    const histograms = element("div", "histograms");
    map.append(words);
    below.append(map, histograms);
    stage.picture.append(below);
    this.words = words;
    /** @type {LatentPlane} */
    this.plane = stage.plane(map, { label: "Plane with Q, z and the next step" });
    this.charts = {
      reparameterized: this.histogram(histograms, "z", "Reparameterized: the slope at z"),
      score: this.histogram(histograms, "likelihood", "Score function: the value at z"),
    };
    stage.imageField();
    stage.weight();
    stage.choice({
      name: "way",
      label: "z is",
      options: [
        ["reparameterized", "\u03bc + \u03c3\u03b5"],
        ["sampled", "drawn"],
        ["score", "drawn, score function"],
      ],
    });
    stage.button("Another \u03b5", () => stage.set({ draw: (stage.number("draw") + 1) % (LAST_DRAW + 1) }));
    this.stepButton = stage.button("Step", () => this.step());
    stage.button("Reset Q", () => this.reset());
    stage.toggle({ name: "baseline", label: "Baseline" });
  }

  /** @param {HTMLElement} host @param {string} term @param {string} title @returns {{chart: Chart, said: HTMLElement, title: string, term: string}} */
  histogram(host, term, title) {
    const said = element("p", "said");
    const place = element("div", "histogram");
    place.dataset.answer = "";
    said.dataset.term = term;
    said.style.setProperty("--term", `var(--term-${term})`);
    host.append(said, place);
    const label = `Histogram of 1,000 gradients. ${title}`;
    const chart = this.stage.chart(place, {
      x: { label: "gradient by \u03bc\u2081 of one draw, nats per latent unit" },
      y: { label: "draws" },
      label,
    });
    return { chart, said, title, term };
  }

  /** @param {Set<string>} changed */
  moved(changed) {
    if (!changed.has("screen") && ["image", "beta"].some((name) => changed.has(name))) this.stage.state.q = []; // another image's Q
    if (/** @type {number[]} */ (this.stage.state.q).length === 0) this.trail = [];
    if (changed.has("beta")) this.plane.climb();
  }

  /** @param {string} part @param {PartAnswer} answer */
  show(part, answer) {
    if (part === "draws") this.showDraws(/** @type {DrawsAnswer} */ (answer));
    else this.showPass(/** @type {PassAnswer} */ (answer));
  }

  /** @param {PassAnswer} pass */
  showPass(pass) {
    this.pass = pass;
    const { formula } = this.stage;
    this.pipeline.show(pass, String(this.stage.state.way));
    formula.say("z", pass.z[0].toFixed(3));
    formula.say("mean", pass.q.mean[0].toFixed(3));
    formula.say("std", inFigures(pass.std[0]));
    formula.say("epsilon", pass.epsilon[0].toFixed(3));
    formula.say("likelihood", pass.log_p.toFixed(2));
    formula.say("rate", pass.rate.toFixed(2));
    formula.say("objective", pass.objective.toFixed(2));
    this.drawPlane(pass);
    const { image, beta, q, seed, baseline, model } = this.stage.state;
    const key = JSON.stringify([model, image, beta, q, seed, baseline]);
    if (key !== this.key) this.askDraws(key);
  }

  /** @param {string} key */
  async askDraws(key) {
    this.key = key;
    this.stage.picture.classList.add("late");
    const answer = await this.stage.ask("draws");
    if (answer) this.stage.hear("draws", answer);
    else if (answer === null) this.key = "";
  }

  /** @param {PassAnswer} pass */
  drawPlane({ q, std, z, encoder, exact, from_log_p, from_rate, moved }) {
    const [x, y = 0] = q.mean;
    const [rx, ry = 0] = std;
    const step = q.mean.map((_, d) => STEP_SIZE * std[d] ** 2 * (from_log_p.mean[d] + from_rate.mean[d]));
    const to = [x + step[0], y + (step[1] ?? 0)];
    const home = [encoder.mean[0], encoder.mean[1] ?? 0];
    const seen = [...this.trail, [x, y]];
    const half = Math.max(SIGMAS_SEEN * Math.max(rx, ry), ...seen.map((p) => 1.3 * Math.max(Math.abs(p[0] - home[0]), Math.abs(p[1] - home[1])) + 2 * rx));
    if (Math.abs(Math.log(half / (this.half ?? 1e9))) > 0.25 || this.home.join() !== home.join()) {
      [this.half, this.home] = [half, home];
      this.plane.look([home[0] - half, home[0] + half, home[1] - half, home[1] + half]);
    }
    const began = encoder.log_var.map((value) => Math.exp(value / 2));
    /** @type {Mark[]} */
    const marks = [
      { mark: "ellipse", x: home[0], y: home[1], rx: 2 * began[0], ry: 2 * (began[1] ?? 0), dashed: true, fill: 0 },
      { mark: "ellipse", term: "std", x, y, rx: 2 * rx, ry: 2 * ry, fill: 0.12 },
      { mark: "ellipse", term: "std", x, y, rx, ry, fill: 0.2 },
      { mark: "line", term: "mean", points: [...this.trail, [x, y]], width: 1.5 },
      { mark: "dots", term: "mean", points: [...this.trail, [x, y]], radius: 3 },
      {
        mark: "line",
        term: "epsilon",
        points: [
          [x, y],
          [z[0], z[1] ?? 0],
        ],
        width: 1.5,
        dashed: true,
      },
      { mark: "dots", term: "z", points: [[z[0], z[1] ?? 0]], radius: 5 },
      { mark: "arrow", term: "objective", from: [x, y], to, width: 2.5 },
    ];
    this.plane.draw(marks);
    const steps = this.trail.length;
    const mean = `E[log P(X|z)] \u2212 \u03b2D over Q: ${minus(exact.objective.toFixed(2))} nats`;
    const before = steps && this.before !== undefined ? ` (before step ${steps}: ${minus(this.before.toFixed(2))})` : "";
    const what = q.mean.length > 2 ? ` First two of ${q.mean.length} axes.` : "";
    this.words.textContent = `${mean}${moved ? before : ""}.${what}`;
  }

  /** @param {DrawsAnswer} drawn */
  showDraws(drawn) {
    this.drawn = drawn;
    this.stage.picture.classList.remove("late");
    for (const name of /** @type {const} */ (["reparameterized", "score"])) {
      const { chart, said, title, term } = this.charts[name];
      const bars = binned(drawn[name], GRADIENT_BINS, drawn.exact);
      const top = Math.max(...bars.map((bar) => bar[2]));
      /** @type {Mark[]} */
      const marks = [
        { mark: "bars", term, bars },
        { mark: "rule", x: drawn.exact, text: `exact ${minus(inFigures(drawn.exact))}` },
      ];
      chart.draw(marks, { x: [bars[0][0], bars[bars.length - 1][1]], y: [0, 1.12 * top] });
      const more = name === "score" && drawn.ratio !== null ? ` (${inFigures(drawn.ratio)} times)` : "";
      const variance = element("span");
      variance.dataset.answer = "";
      variance.textContent = ` \u00b7 mean ${minus(inFigures(drawn.means[name]))} \u00b7 variance ${inFigures(drawn.variances[name])}${more}`;
      said.replaceChildren(title, variance);
    }
  }

  async step() {
    if (this.stepping || !this.pass) return;
    this.stepping = true;
    const from = this.pass.q.mean.slice(0, 2);
    const answer = /** @type {?StepAnswer | undefined} */ (await this.stage.ask("step"));
    this.stepping = false;
    if (!answer) return;
    this.trail.push(from.length > 1 ? from : [from[0], 0]);
    this.before = answer.before;
    this.stage.set({ q: answer.q, draw: (this.stage.number("draw") + 1) % (LAST_DRAW + 1) });
  }

  reset() {
    this.trail = [];
    this.half = undefined;
    this.stage.set({ q: [] });
  }

  /** @returns {?Truth} */
  truth() {
    const ratio = this.drawn?.ratio;
    if (ratio === undefined || ratio === null) return null;
    return { choice: ratio < 3 ? 0 : ratio < 100 ? 1 : 2, words: `Here it is ${inFigures(ratio)} times as large.` };
  }

  redraw() {
    if (this.pass) this.drawPlane(this.pass);
  }
}
