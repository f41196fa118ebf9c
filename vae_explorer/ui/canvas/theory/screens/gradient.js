// What a gradient step averages: arrows of single gradients about the whole one, and how their angle falls with n.

import { element, newButton } from "../../dom.js";
import { minus } from "../../panel.js";
import { inFigures } from "./histogram.js";

/** @import { Mark } from "../marks.js" */
/** @import { Truth } from "../prediction.js" */
/** @import { Stage } from "../stage.js" */
/** @import { PartAnswer } from "../talk.js" */

/** Of each n: 10, 50 and 90 % of the angles (degrees), the median norm over the whole one's. @typedef {{samples: number[], low: number[], middle: number[], high: number[], ratio: number[]}} Fall */

/**
 * @typedef {PartAnswer & {share: number, norm: number, noise: number, from_images: number, critical: number, law: number[], weights: number, size: number,
 *   draws: number, pairs: Fall, images: Fall, image: Fall, pairs_degrees: Float32Array, pairs_ratio: Float32Array, image_degrees: Float32Array,
 *   image_ratio: Float32Array}} GradientAnswer
 */

const POOL_REST = 250; // ms without a change before work on another pool begins
const FAN_LEFT = 0.25; // of the fan's width lies left of the origin
const ARROW_TERMS = { pairs: "step", image: "image" };

/**
 * The ends of arrows in units of the whole gradient, which lies along x: each with its true angle and length, every other one below.
 * @param {ArrayLike<number>} degrees @param {ArrayLike<number>} ratio @returns {[number, number][]}
 */
export function fanned(degrees, ratio) {
  return Array.from(degrees, (angle, k) => {
    const turn = ((k % 2 ? -1 : 1) * angle * Math.PI) / 180;
    return [ratio[k] * Math.cos(turn), ratio[k] * Math.sin(turn)];
  });
}

export class GradientScreen {
  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    /** @type {?GradientAnswer} */
    this.found = null;
    this.stopped = false;
    this.working = false;
    /** @type {number | undefined} */
    this.timer = undefined;
    const fan = element("div", "fan");
    this.caption = element("p", "caption");
    const fall = element("div", "fall");
    for (const host of [fan, fall]) host.dataset.answer = "";
    this.progress = this.buildProgress();
    const both = element("div", "both");
    both.append(fan, fall);
    stage.picture.append(this.caption, both, this.progress.host);
    this.fan = stage.chart(fan, {
      x: { label: "along the whole gradient G, in units of |G|" },
      y: { label: "at right angles to it" },
      label: "Gradients as arrows about the whole gradient",
    });
    this.fall = stage.chart(fall, {
      x: { label: "samples n", log: true },
      y: { label: "angle to G, degrees" },
      label: "Angle against the number of samples",
      click: (n) => stage.set({ power: Math.min(12, Math.max(0, Math.round(Math.log2(n)))) }),
    });
    stage.imageField();
    stage.weight();
    /** @type {[number, string][]} */
    const marks = [0, 4, 8, 12].map((power) => [power, (2 ** power).toLocaleString("en")]);
    stage.slider({ name: "power", label: "Samples n", min: 0, max: 12, whole: true, marks, format: (power) => (2 ** power).toLocaleString("en") });
    stage.choice({
      name: "subject",
      label: "Arrows",
      options: [
        ["pairs", "n images, a z each"],
        ["image", "this image, n z"],
      ],
    });
    stage.choice({
      name: "network",
      label: "Network",
      options: [
        ["trained", "trained"],
        ["untrained", "before training"],
      ],
    });
    this.resizes = new ResizeObserver(() => this.redraw());
    this.resizes.observe(fan);
  }

  buildProgress() {
    const host = element("div", "work");
    const said = element("p");
    const bar = element("progress");
    bar.max = 1;
    bar.setAttribute("aria-label", "Gradients computed");
    const button = newButton("Stop", () => (this.working ? (this.stopped = true) : this.work()));
    host.append(said, bar, button);
    host.hidden = true;
    return { host, said, bar, button };
  }

  destroy() {
    this.stopped = true;
    clearTimeout(this.timer);
    this.resizes.disconnect();
  }

  /** @param {Set<string>} changed */
  moved(changed) {
    if (changed.has("power") || changed.has("subject")) this.redraw();
  }

  /** @param {string} _part @param {PartAnswer} answer */
  show(_part, answer) {
    const found = /** @type {GradientAnswer} */ (answer);
    clearTimeout(this.timer);
    this.found = found.share < 1 || !found.pairs ? null : found;
    this.progress.host.hidden = this.found !== null;
    this.stage.picture.classList.toggle("working", this.found === null);
    if (this.found) this.redraw();
    else {
      this.advance(found.share);
      for (const term of this.stage.formula.numbers.keys()) this.stage.formula.say(term, "\u2026");
      this.timer = setTimeout(() => this.work(), POOL_REST);
    }
  }

  /** @param {number} share */
  advance(share) {
    const { bar, said, button } = this.progress;
    bar.value = share;
    said.textContent = `Gradients by all weights, each against each: ${Math.floor(100 * share)} %`;
    button.textContent = this.working ? "Stop" : "Go on";
  }

  /** Asks for piece after piece of the pool, until it is there or the user has stopped it. */
  async work() {
    if (this.working || this.found) return;
    this.working = true;
    this.stopped = false;
    let share = this.progress.bar.value;
    while (!this.stopped) {
      const answer = await this.stage.ask("pool");
      if (answer === undefined) continue;
      if (answer === null) break;
      share = Number(answer.share);
      this.advance(share);
      if (answer.done) break;
    }
    this.working = false;
    if (!this.stage.screen) return;
    this.advance(share);
    if (!this.stopped) this.stage.refresh();
  }

  get subject() {
    return /** @type {"pairs" | "image"} */ (this.stage.state.subject);
  }

  redraw() {
    const { found, subject, stage } = this;
    if (!found) return;
    const { power, n } = this.place(found[subject]);
    this.drawFan(found, power);
    this.drawFall(found, n);
    this.say(found, power, n);
    const whose = subject === "pairs" ? "means of n images with a z each" : `means of n z of image ${stage.state.image}`;
    const images = found.size / found.draws;
    this.caption.textContent =
      `Arrows: ${whose}, n = ${n.toLocaleString("en")}. G: mean of ${found.size.toLocaleString("en")} gradients ` +
      `(${images} images, ${found.draws} z each) by ${found.weights.toLocaleString("en")} weights.`;
  }

  /** The n that is shown: one image has not so many draws. @param {Fall} fall */
  place(fall) {
    const power = Math.min(this.stage.number("power"), fall.samples.length - 1);
    return { power, n: fall.samples[power] };
  }

  /** @param {GradientAnswer} found @param {number} power */
  drawFan(found, power) {
    const { subject } = this;
    const [degrees, ratio] = [found[`${subject}_degrees`], found[`${subject}_ratio`]];
    const count = degrees.length / found[subject].samples.length;
    const [from, to] = [power * count, (power + 1) * count];
    const ends = fanned(degrees.subarray(from, to), ratio.subarray(from, to));
    const long = Float32Array.from(ratio.subarray(from, to)).sort()[Math.floor(0.9 * count)];
    const { box } = this.fan.places;
    const middle = (found[subject].middle[power] * Math.PI) / 180;
    const across = (1.15 * Math.max(1, long * Math.abs(Math.cos(middle)))) / (1 - FAN_LEFT);
    const half = 1.06 * Math.max(long * Math.sin(middle), (across * box.height) / box.width / 2);
    const width = (2 * half * box.width) / box.height;
    const radius = 0.3 * Math.min(half, width);
    const arc = Array.from({ length: 33 }, (_, k) => [radius * Math.cos((middle * k) / 32), radius * Math.sin((middle * k) / 32)]);
    const narrow = middle < 0.25; // the word stands above the arrows
    const label = { x: radius * Math.cos(middle / 2), y: radius * Math.sin(narrow ? middle : middle / 2), dx: narrow ? -20 : 8, dy: narrow ? -14 : 0 };
    /** @type {Mark[]} */
    const marks = [
      ...ends.map((end) => /** @type {Mark} */ ({ mark: "arrow", term: ARROW_TERMS[subject], from: [0, 0], to: end, width: 1.5, opacity: 0.5 })),
      { mark: "line", term: "angle", points: arc, width: 3 },
      { mark: "word", term: "angle", ...label, text: `${found[subject].middle[power].toFixed(1)}\u00b0`, anchor: "start" },
      { mark: "arrow", term: "whole", from: [0, 0], to: [1, 0], width: 4 },
      { mark: "word", term: "whole", x: 1, y: 0, text: "G", anchor: "start", dx: 8, dy: 5 },
    ];
    this.fan.draw(marks, { x: [-FAN_LEFT * width, (1 - FAN_LEFT) * width], y: [-half, half] });
  }

  /** @param {GradientAnswer} found @param {number} n */
  drawFall(found, n) {
    const { pairs, images, image, law, critical } = found;
    /** @param {number[]} samples @param {number[]} degrees */
    const line = (samples, degrees) => samples.map((sample, k) => [sample, degrees[k]]);
    const last = image.middle.length - 1;
    const end = pairs.samples[pairs.samples.length - 1];
    /** @type {Mark[]} */
    const marks = [
      { mark: "band", term: "angle", low: line(pairs.samples, pairs.low), high: line(pairs.samples, pairs.high) },
      { mark: "line", term: "law", points: line(pairs.samples, law), dashed: true },
      { mark: "line", term: "average", points: line(images.samples, images.middle) },
      { mark: "line", term: "image", points: line(image.samples, image.middle), width: 3 },
      { mark: "word", term: "image", x: image.samples[last], y: image.middle[last], text: `this image, n z`, anchor: "start", dx: 8, dy: 4 },
      { mark: "line", term: "angle", points: line(pairs.samples, pairs.middle), width: 3 },
      { mark: "rule", x: n, faint: true, text: `n = ${n.toLocaleString("en")}` },
    ];
    const gain = pairs.middle[6] - images.middle[6];
    if (gain > 2) marks.push({ mark: "word", term: "average", x: 64, y: images.middle[6], text: "z averaged out", anchor: "end", dx: -4, dy: 22 });
    if (critical > 1 && critical < end) marks.push({ mark: "dots", term: "law", points: [[critical, 45]], radius: 5 });
    if (critical > 1 && critical < end)
      marks.push({ mark: "word", term: "law", x: critical, y: 45, text: `45\u00b0 at n = ${inFigures(critical)}`, anchor: "start", dx: 9, dy: -4 });
    this.fall.draw(marks, { x: [1, end], y: [0, Math.max(95, ...image.high, ...pairs.high)] });
  }

  /** @param {GradientAnswer} found @param {number} power @param {number} n */
  say(found, power, n) {
    const { formula } = this.stage;
    const fall = found[this.subject];
    const at = found.pairs.samples.indexOf(n);
    const { image } = found;
    formula.say("step", `${inFigures(fall.ratio[power])} |G|`);
    formula.say("whole", inFigures(found.norm));
    formula.say("angle", `${fall.middle[power].toFixed(1)}\u00b0 (${fall.low[power].toFixed(0)} to ${fall.high[power].toFixed(0)})`);
    formula.say("law", `${found.law[at].toFixed(1)}\u00b0`);
    formula.say("image", `${image.middle[image.middle.length - 1].toFixed(1)}\u00b0`);
    formula.say("average", `${(100 * found.from_images).toFixed(0)} %`);
  }

  /** @returns {?Truth} */
  truth() {
    if (!this.found) return null;
    const { middle, low, high } = this.found.pairs;
    const words = `The median is ${middle[0].toFixed(0)}\u00b0, 10 to 90 %: ${low[0].toFixed(0)}\u00b0 to ${high[0].toFixed(0)}\u00b0.`;
    return { choice: middle[0] < 45 ? 0 : middle[0] < 75 ? 1 : 2, words: minus(words) };
  }
}
