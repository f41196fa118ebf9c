// Maximum likelihood: the plane at a step of training, log P(X) over the training, and images that are no digits.

import { element } from "../../dom.js";
import { minus } from "../../panel.js";
import { Heat } from "../../scatter/fields.js";
import { DIGIT_SIDE, paintAtlas, Scribble } from "./scribble.js";

/** @import { Chart } from "../chart.js" */
/** @import { Mark } from "../marks.js" */
/** @import { LatentPlane } from "../latent_plane.js" */
/** @import { Stage } from "../stage.js" */
/** @import { PartAnswer } from "../talk.js" */

/** @typedef {PartAnswer & {moment: number, steps: number[], names: string[], logPx: number[], even: number, half: number, busy: number, over: number, about: unknown[],
 *   atlas: Uint8Array, images: Uint8Array, density: Float32Array, shares: Float32Array}} MleAnswer */
/** @typedef {PartAnswer & {moment: number, logPx: number[], about: unknown[]}} Tracked */
/** @typedef {PartAnswer & {moment: number, test: [number, number], train: [number, number], tested: number, trained: number}} Averaged */
/** @typedef {PartAnswer & {moment: number, words: string[], about: unknown[]}} Verdicts */

const FILLS_AFTER = 200; // ms: what is moved comes first
const PLAY_PACE = 350; // ms a state, while it plays
const UNTRAINED_AT = 4; // where step 0 stands on the logarithmic axis
const NATS_SHOWN = /** @type {[number, number]} */ ([-120, -5]); // nats that are shown
const [SHIFTED, TURNED] = [1, 2]; // places among the images

/** First and last, then what halves the gaps between those that are known. @param {number} count */
export function coarseFirst(count) {
  const order = [count - 1, 0];
  for (let gap = 2 ** Math.ceil(Math.log2(Math.max(2, count))); gap >= 1; gap /= 2)
    for (let at = gap; at < count; at += gap) if (!order.includes(at)) order.push(at);
  return order;
}

export class MleScreen {
  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    /** @type {?MleAnswer} */
    this.answer = null;
    /** @type {Map<number, number[]>} */
    this.tracks = new Map(); // log P(X) of the images by state
    this.about = "";
    /** @type {Map<number, Averaged>} */
    this.averages = new Map();
    /** @type {?Verdicts} */
    this.verdicts = null;
    this.picked = SHIFTED;
    this.filling = false;
    /** @type {number | undefined} */
    this.timer = undefined;
    const top = element("div", "halves");
    const left = element("div", "charts");
    top.append(left);
    stage.picture.append(top); // before what is made in it, which asks for its style
    this.tile = element("p", "heading");
    /** @type {LatentPlane} */
    this.plane = stage.plane(left, {
      label: "What the decoder makes of the plane, and the posterior on it",
      codes: false,
      hover: (place) => this.hover(place),
    });
    left.prepend(this.tile);
    const right = element("div", "charts");
    right.dataset.answer = "";
    this.verdict = element("p", "heading");
    const room = element("div", "upper");
    right.append(this.verdict, room);
    top.append(right);
    /** @type {Chart} */
    this.chart = stage.chart(room, {
      x: { label: "steps of training (untrained at the left end)", log: true },
      y: { label: "log P(X), nats", domain: NATS_SHOWN },
      label: "log P(X) over the training",
      click: (step) => this.clickStep(step),
    });
    this.strip = element("div", "gallery");
    /** @type {ReturnType<Stage["image"]>[]} */
    this.tiles = [];
    this.clear = /** @type {?HTMLElement} */ (null);
    stage.picture.append(this.strip);
    this.field = element("canvas");
    this.heat = /** @type {?Heat} */ (null);
    this.scribble = new Scribble(DIGIT_SIDE, (pixels, done) => {
      this.picked = pixels.length ? this.tiles.length - 1 : SHIFTED;
      stage.set({ drawn: pixels }, done);
    });
    this.slider = stage.slider({ name: "moment", label: "State of training", min: 0, max: 31, whole: true, format: (value) => this.stepWords(value) });
    this.play = stage.button("Play", () => this.toggle());
    stage.toggle({ name: "average", label: "Average posterior" });
    stage.imageField();
    stage.button("Shuffle anew", () => stage.set({ seed: (stage.number("seed") + 1) % 1_000_000 }));
  }

  destroy() {
    clearInterval(this.timer);
  }

  /** @param {number} moment */
  stepWords(moment) {
    const step = this.answer?.steps[moment];
    return step === undefined ? String(moment) : step === 0 ? "untrained" : `${step.toLocaleString("en")} steps`;
  }

  get last() {
    return (this.answer?.steps.length ?? 32) - 1;
  }

  toggle() {
    if (this.timer !== undefined) return this.stop();
    if (this.stage.number("moment") >= this.last) this.stage.set({ moment: 0 }, false);
    this.play.textContent = "Stop";
    this.timer = setInterval(() => {
      const next = this.stage.number("moment") + 1;
      if (next <= this.last) this.stage.set({ moment: next }, next === this.last);
      if (next >= this.last) this.stop();
    }, PLAY_PACE);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
    this.play.textContent = "Play";
    this.stage.set({}, true);
  }

  /** @param {number} step */
  clickStep(step) {
    const { steps } = this.answer ?? { steps: [] };
    const at = (/** @type {number} */ value) => Math.log(Math.max(value, UNTRAINED_AT));
    const moment = steps.reduce((best, value, k) => (Math.abs(at(value) - at(step)) < Math.abs(at(steps[best]) - at(step)) ? k : best), 0);
    this.stage.set({ moment });
  }

  /** @param {Set<string>} changed */
  moved(changed) {
    const { image, seed, drawn } = this.stage.state;
    const about = JSON.stringify([image, seed, drawn]);
    if (about !== this.about) this.tracks.clear();
    this.about = about;
    if (changed.has("drawn")) this.scribble.set(/** @type {number[]} */ (drawn));
    if (this.answer) this.drawChart();
  }

  /** @param {string} part @param {PartAnswer} said */
  show(part, said) {
    const answer = /** @type {MleAnswer} */ (said);
    if (part !== "main") return;
    this.answer = answer;
    if (JSON.stringify(answer.about) === this.about) this.tracks.set(answer.moment, answer.logPx);
    this.gallery(answer);
    this.paintPlane(answer);
    this.numbers();
    this.drawChart();
    this.stage.followers.forEach((follower) => follower()); // the slider's words: it knows the steps now
    this.fill();
  }

  /** Asks for all other states, the ends first, and what training has done in words. */
  async fill() {
    if (this.filling) return;
    this.filling = true;
    await new Promise((resolve) => setTimeout(resolve, FILLS_AFTER));
    while (this.stage.screen && this.answer) {
      const { about } = this;
      const order = coarseFirst(this.answer.steps.length);
      const now = this.answer.moment;
      const average = [now, ...order].find((moment) => !this.averages.has(moment));
      const track = order.find((moment) => !this.tracks.has(moment));
      const told = this.verdicts?.moment === now && JSON.stringify(this.verdicts.about) === this.about;
      if (!told && this.averages.has(now) && this.tracks.has(0)) {
        const said = /** @type {?Verdicts} */ (await this.stage.ask("verdicts"));
        if (said === null) break;
        if (said) this.verdicts = said;
      } else if (track !== undefined && (average === undefined || this.tracks.size <= this.averages.size)) {
        const said = /** @type {?Tracked} */ (await this.stage.ask("track", { moment: track }));
        if (said === null) break;
        if (said && JSON.stringify(said.about) === this.about && about === this.about) this.tracks.set(said.moment, said.logPx);
      } else if (average !== undefined) {
        const said = /** @type {?Averaged} */ (await this.stage.ask("averages", { moment: average }));
        if (said === null) break;
        if (said) this.averages.set(said.moment, said);
      } else break;
      this.numbers();
      this.drawChart();
      this.stage.prediction.settle();
    }
    this.filling = false;
  }

  truth() {
    const after = this.tracks.get(this.last);
    if (!after) return null;
    const [shifted, turned] = [after[SHIFTED], after[TURNED]];
    const apart = shifted - turned;
    const words = `After training: ${minus(shifted.toFixed(1))} nats moved, ${minus(turned.toFixed(1))} upside down, ${minus(after[0].toFixed(1))} as it is.`;
    return { choice: Math.abs(apart) < 1 ? 2 : apart > 0 ? 0 : 1, words };
  }

  // What is seen ---------------------------------------------------------------------------------

  numbers() {
    const { answer, stage, verdicts, picked } = this;
    if (!answer) return;
    const average = this.averages.get(answer.moment);
    const other = Math.min(picked, answer.logPx.length - 1);
    stage.formula.say("digit", answer.logPx[0].toFixed(1));
    stage.formula.say("none", answer.logPx[other].toFixed(1));
    stage.formula.say("average", average ? `${average.test[0].toFixed(1)} \u00b1 ${average.test[1].toFixed(1)}` : "\u2026");
    stage.formula.say("posterior", `${answer.busy} of ${answer.shares.length} tiles`);
    const known = verdicts && verdicts.moment === answer.moment && JSON.stringify(verdicts.about) === this.about;
    this.verdict.textContent = known ? minus(`\u201c${answer.names[other]}\u201d is ${verdicts.words[other]}.`) : "\u00a0";
    const over = answer.over > 1 ? `averaged over ${answer.over} training digits` : "of this digit";
    this.tile.textContent = `Decoded images; colour: the posterior ${over}, each place\u2019s share of the gradient`;
  }

  /** @param {MleAnswer} answer */
  gallery({ names, images, logPx }) {
    const { stage } = this;
    const wanted = names.includes("drawn") ? names : [...names, "drawn"];
    if (this.tiles.length !== wanted.length || this.strip.childElementCount === 0) {
      this.strip.replaceChildren();
      this.tiles = wanted.map((name, k) => {
        const tile = stage.image(this.strip, name, k === 0 ? "digit" : "");
        const { figure } = tile;
        if (k === wanted.length - 1) tile.figure.querySelector("canvas")?.replaceWith(this.scribble.canvas);
        if (k > 0) this.pickable(figure, k);
        return tile;
      });
      const clear = element("button", "clear");
      Object.assign(clear, { type: "button", textContent: "Clear" });
      clear.setAttribute("aria-label", "Clear the drawing");
      clear.addEventListener("click", () => this.scribble.clear());
      this.clear = clear;
      this.tiles[this.tiles.length - 1].figure.append(clear);
    }
    if (this.clear) this.clear.hidden = !names.includes("drawn");
    const size = DIGIT_SIDE ** 2;
    this.tiles.forEach((tile, k) => {
      const value = logPx[k];
      const figure = value === undefined ? "draw here" : minus(value.toFixed(1));
      const told = Object.assign(element("b"), { textContent: figure });
      if (value !== undefined) told.dataset.answer = "";
      tile.words.replaceChildren(wanted[k], element("br"), told);
      if (k < names.length && wanted[k] !== "drawn") tile.paint(images.subarray(k * size, (k + 1) * size), `${wanted[k]}: ${figure} nats`);
      if (k > 0) this.dressTile(tile.figure, k === this.picked);
    });
  }

  /** @param {HTMLElement} figure @param {boolean} picked */
  dressTile(figure, picked) {
    if (picked) figure.dataset.term = "none";
    else delete figure.dataset.term;
    figure.style.setProperty("--term", picked ? "var(--term-none)" : "");
    figure.querySelector("figcaption")?.setAttribute("aria-pressed", String(picked)); // which is the button
  }

  /** @param {HTMLElement} figure @param {number} k */
  pickable(figure, k) {
    const pick = () => {
      if (!this.answer || k >= this.answer.logPx.length) return;
      this.picked = k;
      this.gallery(this.answer);
      this.numbers();
      this.drawChart();
    };
    const name = figure.querySelector("figcaption");
    if (!(name instanceof HTMLElement)) return;
    Object.entries({ role: "button", tabindex: "0" }).forEach(([key, value]) => name.setAttribute(key, value));
    figure.addEventListener("click", pick);
    name.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      pick();
    });
  }

  /** @param {MleAnswer} answer */
  paintPlane({ atlas, density, half }) {
    const { field, plane } = this;
    paintAtlas(field, atlas);
    const cells = Math.round(Math.sqrt(density.length));
    this.heat ??= new Heat(cells);
    this.heat.paint(density, this.stage.colour("posterior"), 0.55);
    const extent = [-half, half, -half, half];
    plane.plot.setLayers({
      underlays: [
        { image: field, extent, smooth: false },
        { image: this.heat.canvas, extent, smooth: true },
      ],
    });
    if (!this.looked) plane.look([-half, half, -half, half]);
    this.looked = true;
  }

  redraw() {
    if (this.answer) this.paintPlane(this.answer);
  }

  /** @param {?{x: number, y: number}} place */
  hover(place) {
    const { answer } = this;
    if (!answer || !place) return this.numbers();
    const tiles = Math.round(Math.sqrt(answer.shares.length));
    const column = Math.floor(((place.x + answer.half) / (2 * answer.half)) * tiles);
    const row = Math.floor(((answer.half - place.y) / (2 * answer.half)) * tiles);
    if (column < 0 || row < 0 || column >= tiles || row >= tiles) return this.numbers();
    this.tile.textContent = `This tile: ${(100 * answer.shares[row * tiles + column]).toFixed(1)} % of the gradient`;
  }

  drawChart() {
    const { answer, tracks, averages } = this;
    if (!answer) return;
    const at = answer.steps.map((step) => Math.max(step, UNTRAINED_AT));
    const states = [...tracks.keys()].sort((a, b) => a - b);
    const means = [...averages.values()].sort((a, b) => a.moment - b.moment);
    /** @param {number} k */
    const line = (k) => states.filter((moment) => tracks.get(moment)?.[k] !== undefined).map((moment) => [at[moment], tracks.get(moment)?.[k] ?? NaN]);
    const other = Math.min(this.picked, answer.logPx.length - 1);
    /** @type {Mark[]} */
    const marks = answer.names.map((_, k) => ({ mark: "line", points: line(k), width: 1, opacity: k === 0 || k === other ? 0 : 0.3 }));
    const trained = means.map(({ moment, train }) => [at[moment], train[0]]);
    const tested = means.map(({ moment, test }) => [at[moment], test[0]]);
    const now = this.stage.number("moment");
    const [low, high] = [-2, 2].map((errors) => means.map(({ moment, test: [mean, error] }) => [at[moment], mean + errors * error]));
    /** @type {Mark} */
    const band = { mark: "band", term: "average", low, high };
    marks.push(
      { mark: "rule", y: answer.even, text: "all 2\u2076\u2074 images equally likely", width: 1, faint: true },
      { mark: "rule", x: at[Math.min(now, at.length - 1)], width: 1.5 },
      ...(means.length ? [band] : []),
      { mark: "line", term: "average", points: trained, dashed: true, width: 1.5 },
      { mark: "line", term: "average", points: tested },
      { mark: "line", term: "digit", points: line(0), width: 2.5 },
      { mark: "line", term: "none", points: line(other), width: 2.5 },
    );
    const end = tested[tested.length - 1];
    if (end) marks.push({ mark: "word", term: "average", x: end[0], y: end[1], dy: -10, dx: -4, anchor: "end", text: "average test digit (training: dashed)" });
    this.chart.draw(marks, { x: [UNTRAINED_AT, at[at.length - 1]] });
  }
}
