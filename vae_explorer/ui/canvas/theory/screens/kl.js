// The divergence of two Gaussians: Q is dragged, P stays; the running estimate by draws, and what a model's images cost.

import { element } from "../../dom.js";

/** @import { Mark } from "../marks.js" */
/** @import { Stage } from "../stage.js" */
/** @import { PartAnswer } from "../talk.js" */

/**
 * What Python says of Q; Gaussians are four numbers, mean and standard deviations.
 * @typedef {PartAnswer & {kl: number, means?: number, widths?: number, logs?: number, forward: number, estimate: number, error: ?number,
 *   image: number[], shares?: number[], components?: number[][], best_forward?: number[], best_reverse?: number[][], least_forward?: number,
 *   least_reverse?: number[], n_draws: Float32Array, running: Float32Array, errors: Float32Array}} KlAnswer
 */

/** @typedef {PartAnswer & {images: number, means: number[], own: number[], beta: number, edges: Float32Array, counts: Float32Array}} RatesAnswer */

const KL_TERMS = /** @type {const} */ (["kl", "means", "widths", "logs", "forward"]);
const RATES_REST = 250; // ms of rest: all images are encoded anew for a KL weight
const P_SIDE = 96; // cells a side of P's density
const KL_REACH = 4; // half the plane that is seen
const KL_PLANE = [-KL_REACH, KL_REACH, -KL_REACH, KL_REACH];

/** The parts of D[Q || N(0, I)] and the divergence of the other direction, in nats. @param {number[]} mean @param {number[]} std */
export function klParts(mean, std) {
  /** @param {(m: number, s: number) => number} part */
  const sum = (part) => mean.reduce((all, m, d) => all + part(m, std[d]), 0);
  const means = sum((m) => 0.5 * m * m);
  const widths = sum((_, s) => 0.5 * (s * s - 1));
  const logs = sum((_, s) => -Math.log(s));
  const forward = sum((m, s) => 0.5 * ((1 + m * m) / (s * s) - 1) + Math.log(s));
  return { kl: means + widths + logs, means, widths, logs, forward };
}

/** The density of a mixture on a grid over a square of the plane, the first row at the top. @param {number[]} weights @param {number[][]} parts @param {number} side @param {number} reach */
export function mixtureField(weights, parts, side, reach) {
  return Float32Array.from({ length: side * side }, (_, i) => {
    const x = reach * ((2 * (i % side) + 1) / side - 1);
    const y = reach * (1 - (2 * Math.floor(i / side) + 1) / side);
    return parts.reduce((sum, [mx, my, sx, sy], k) => {
      const away = ((x - mx) / sx) ** 2 + ((y - my) / sy) ** 2;
      return sum + (weights[k] * Math.exp(-0.5 * away)) / (2 * Math.PI * sx * sy);
    }, 0);
  });
}

export class KlScreen {
  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    /** @type {?KlAnswer} */
    this.said = null;
    /** @type {?RatesAnswer} */
    this.rates = null;
    this.asked = ""; // for which images and weight the histogram was asked
    /** @type {number | undefined} */
    this.timer = undefined;
    const whole = element("div");
    whole.style.cssText = "display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); gap: 1rem; flex: 1; min-height: 0";
    stage.picture.append(whole);
    const [left, right] = [klColumn(), klColumn()];
    whole.append(left, right);
    left.append(klHeading("Drag Q, or the dots on its edge; arrow keys move it"));
    this.plane = stage.plane(left, {
      label: "Plane with Q and P: drag Q, or move it with the arrow keys",
      codes: false,
      move: (dx, dy) => this.moveTo(this.mean[0] + dx, this.mean[1] + dy, true),
      drag: (grip, x, y, done) => this.drag(grip, x, y, done),
    });
    this.plane.host.style.minHeight = "18rem";
    this.plane.look(KL_PLANE);
    this.facts = element("p");
    this.facts.style.cssText = "min-height: 2.7em; font-size: 0.88rem";
    this.facts.dataset.answer = "";
    left.append(this.facts);
    right.dataset.answer = "";
    this.runTitle = klHeading("");
    const [first, second] = [element("div"), element("div")];
    for (const host of [first, second]) host.style.minHeight = "10rem";
    this.run = stage.chart(first, { x: { label: "draws n", log: true }, y: { label: "nats" }, label: "The estimate of D[Q||P] as draws are added" });
    this.histTitle = klHeading("KL of all test images, encoding \u2026");
    this.hist = stage.chart(second, { x: { label: "KL on an axis (nats)" }, y: { label: "% of images" }, label: "KL of all test images on each axis" });
    right.append(this.runTitle, first, this.histTitle, second);
    this.apart = this.controls();
  }

  /** Returns the control that only a mixture has. */
  controls() {
    const { stage } = this;
    /** @type {[string | number, string][]} */
    const targets = [
      ["prior", "N(0, I)"],
      ["mixture", "Mixture of two"],
    ];
    stage.choice({ name: "p", label: "P", options: targets });
    const apart = stage.slider({ name: "apart", label: "Distance of P\u2019s modes", min: 0, max: 6 });
    stage.slider({ name: "s1", label: "\u03c3\u2081 of Q", min: 0.02, max: 4, log: true });
    stage.slider({ name: "s2", label: "\u03c3\u2082 of Q", min: 0.02, max: 4, log: true });
    stage.slider({ name: "draws", label: "Draws n", min: 1, max: 100000, log: true, whole: true, format: (n) => n.toLocaleString("en") });
    stage.imageField();
    stage.weight();
    stage.button("Q of this image", () => this.take());
    stage.button("Draw again", () => stage.set({ seed: stage.number("seed") + 1 }));
    return apart;
  }

  destroy() {
    clearTimeout(this.timer);
  }

  get mean() {
    return /** @type {number[]} */ (this.stage.state.mean);
  }

  get std() {
    return [this.stage.number("s1"), this.stage.number("s2")];
  }

  get mixed() {
    return this.stage.state.p === "mixture";
  }

  /** @param {number} x @param {number} y @param {boolean} done */
  moveTo(x, y, done) {
    this.stage.set({ mean: [heldIn(x, -4, 4), heldIn(y, -4, 4)] }, done);
  }

  /** @param {string} grip @param {number} x @param {number} y @param {boolean} done */
  drag(grip, x, y, done) {
    if (grip === "mean") this.moveTo(x, y, done);
    else if (grip === "s1") this.stage.set({ s1: heldIn(Math.abs(x - this.mean[0]), 0.02, 4) }, done);
    else this.stage.set({ s2: heldIn(Math.abs(y - this.mean[1]), 0.02, 4) }, done);
  }

  /** Sets Q to the chosen image's posterior. */
  take() {
    if (!this.said) return;
    const [x, y, s1, s2] = this.said.image;
    this.stage.set({ mean: [heldIn(x, -4, 4), heldIn(y, -4, 4)], s1: heldIn(s1, 0.02, 4), s2: heldIn(s2, 0.02, 4) });
  }

  moved() {
    this.apart.style.display = this.mixed ? "" : "none";
    if (!this.mixed) this.say(klParts(this.mean, this.std));
    this.draw();
    this.askRates();
  }

  /** What of Q and P the browser shows by itself; P's mixture is Python's. */
  draw() {
    const { mean, std, said, mixed } = this;
    const [x, y] = mean;
    const [s1, s2] = std;
    const parts = mixed ? (said?.components ?? []) : [[0, 0, 1, 1]];
    this.plane.setField("P", parts.length ? mixtureField(said?.shares && mixed ? said.shares : [1], parts, P_SIDE, KL_REACH) : null, KL_PLANE, {
      colour: getComputedStyle(this.stage.picture).color,
      gamma: 1,
      top: 0.5,
    });
    /** @type {(Mark & {grip?: string})[]} */
    const marks = parts.map(([px, py, sx, sy]) => ({ mark: "ellipse", x: px, y: py, rx: sx, ry: sy, fill: 0, width: 1.5 }));
    const top = parts.reduce((best, part) => (part[1] > best[1] ? part : best), parts[0] ?? [0, 0, 1, 1]);
    marks.push({ mark: "word", x: top[0], y: top[1] + top[3], dy: -6, text: mixed ? "P, a mixture" : "P = N(0, I)" });
    if (mixed && said?.best_forward && said.best_reverse) {
      const named = /** @type {const} */ ([
        ["forward", [said.best_forward]],
        ["kl", said.best_reverse],
      ]);
      for (const [term, found] of named)
        for (const [px, py, sx, sy] of found) marks.push({ mark: "ellipse", term, x: px, y: py, rx: sx, ry: sy, fill: 0, dashed: true, width: 2.5 });
    }
    if (!mixed) marks.push({ mark: "arrow", term: "means", from: [0, 0], to: mean, width: 3 });
    marks.push(
      { mark: "ellipse", term: "kl", x, y, rx: s1, ry: s2, fill: 0.22, grip: "mean" },
      { mark: "line", term: "widths logs", points: [mean, [x + s1, y]], width: 2.5 },
      { mark: "line", term: "widths logs", points: [mean, [x, y + s2]], width: 2.5 },
      { mark: "dots", term: "kl", points: [mean], radius: 5, grip: "mean" },
      { mark: "dots", term: "widths", points: [[x + s1, y]], radius: 7, grip: "s1" },
      { mark: "dots", term: "widths", points: [[x, y + s2]], radius: 7, grip: "s2" },
      { mark: "word", term: "kl", x: x - s1 * 0.75, y: y - s2 * 0.75, dx: -8, dy: 14, text: "Q" },
    );
    this.plane.draw(marks);
  }

  /** @param {Partial<Record<(typeof KL_TERMS)[number], number>>} numbers */
  say(numbers) {
    for (const name of KL_TERMS) {
      const value = numbers[name];
      this.stage.formula.say(name, value === undefined ? "\u2013" : asNats(value));
    }
  }

  /** @param {string} part @param {PartAnswer} answer */
  show(part, answer) {
    if (part !== "main") return;
    const said = (this.said = /** @type {KlAnswer} */ (answer));
    this.say(said);
    this.draw();
    this.showRun(said);
    this.showFacts(said);
  }

  /** @param {KlAnswer} said */
  showRun({ n_draws: n, running, errors, estimate, error, kl }) {
    const all = Array.from(n, (_, k) => k).filter((k) => n[k] > 1);
    /** @param {number} way @returns {number[][]} */
    const edge = (way) => all.map((k) => [n[k], running[k] + way * 2 * errors[k]]);
    const shown = all.length > 8 ? all.slice(4) : all;
    const values = [kl, ...Array.from(n, (_, k) => running[k]), ...shown.flatMap((k) => [running[k] - 2 * errors[k], running[k] + 2 * errors[k]])];
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const room = 0.06 * (high - low || 1);
    /** @type {Mark[]} */
    const marks = [
      { mark: "band", low: edge(-1), high: edge(1) },
      { mark: "line", points: Array.from(n, (at, k) => [at, running[k]]), width: 1.5 },
      { mark: "dots", points: [[n[n.length - 1], estimate]], radius: 4 },
      { mark: "rule", y: kl, term: "kl", text: this.mixed ? "by quadrature" : "closed form" },
    ];
    this.run.draw(marks, { x: [1, Math.max(10, n[n.length - 1])], y: [low - room, high + room] });
    const band = error === null || !Number.isFinite(error) ? "" : ` \u00b1 ${asNats(2 * error)} (two standard errors)`;
    this.runTitle.textContent = `D[Q\u2016P] by ${n[n.length - 1].toLocaleString("en")} draws from Q: ${asNats(estimate)}${band}`;
  }

  /** @param {KlAnswer} said */
  showFacts({ least_forward: forward, least_reverse: reverse, kl, forward: other }) {
    this.facts.textContent =
      forward === undefined || !reverse
        ? `Here both are Gaussian: ${asNats(kl)} nats, and ${asNats(other)} the other way round.`
        : `Dashed: the best Q of each direction. The least D[P\u2016Q] is ${asNats(forward)}, by P\u2019s moments; of D[Q\u2016P] ${reverse
            .map(asNats)
            .join(" and ")}${reverse.length > 1 ? ", one a mode" : ""}.`;
  }

  /** Asks for the histogram of this KL weight, after a rest. */
  askRates() {
    const key = `${this.stage.state.beta} ${this.stage.state.image}`;
    if (key === this.asked) return;
    this.asked = key;
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      const answer = await this.stage.ask("rates");
      if (answer) this.showRates(/** @type {RatesAnswer} */ (answer));
    }, RATES_REST);
  }

  /** @param {RatesAnswer} rates */
  showRates({ images, means, own, beta, edges, counts }) {
    const bins = edges.length - 1;
    const terms = ["means", "widths", "logs", "forward"];
    const width = edges[1] - edges[0];
    const shown = means.length > 2 ? costliest(means).slice(0, 4) : means.map((_, k) => k);
    /** @type {Mark[]} */
    const marks = shown.map((axis, k) => ({
      mark: "line",
      dashed: k % 2 === 1,
      width: 2,
      fill: 0.12,
      opacity: 1 - 0.2 * k,
      points: [
        [edges[0], 0],
        ...Array.from({ length: 2 * bins }, (_, i) => [edges[0] + Math.ceil(i / 2) * width, (100 * counts[axis * bins + Math.floor(i / 2)]) / images]),
        [edges[bins], 0],
      ],
    }));
    const highest = (100 * Math.max(...counts)) / images;
    shown.forEach((axis, k) => {
      const at = Math.min(own[axis], edges[bins]);
      marks.push({ mark: "rule", x: at, term: terms[k], width: 2.5, dashed: k % 2 === 1 });
      marks.push({
        mark: "word",
        term: terms[k],
        x: at,
        y: highest * (0.93 - 0.12 * k),
        dx: 5,
        anchor: "start",
        text: `z${belowLine(axis + 1)} of image ${this.stage.state.image}`,
      });
    });
    this.hist.draw(marks);
    const words = shown.map((axis, k) => `z${belowLine(axis + 1)}${k % 2 ? " (dashed)" : ""} ${asNats(means[axis])}`).join(", ");
    this.histTitle.textContent = `KL of ${images.toLocaleString("en")} test images at \u03b2 = ${Number(beta.toPrecision(3))}; mean: ${words}`;
  }

  redraw() {
    this.draw();
  }

  truth() {
    const off = klParts([1], [1]).kl;
    const halved = klParts([0], [0.5]).kl;
    return {
      choice: 0,
      words: `One sigma off costs \u00bd \u00b7 1\u00b2 = ${asNats(off)} nats; half the width \u00bd(\u00bc \u2212 1) + log 2 = ${asNats(halved)}.`,
    };
  }
}

/** @param {number} value */
const asNats = (value) => (Math.abs(value) >= 100 ? value.toPrecision(4) : value.toFixed(Math.abs(value) < 0.1 ? 3 : 2));

/** @param {number} value @param {number} low @param {number} high */
const heldIn = (value, low, high) => Math.min(high, Math.max(low, value));

/** @param {number} digit */
const belowLine = (digit) => [...String(digit)].map((each) => String.fromCharCode(0x2080 + Number(each))).join("");

/** The axes from the costliest down. @param {number[]} values */
const costliest = (values) => values.map((_, k) => k).sort((a, b) => values[b] - values[a]);

function klColumn() {
  const host = element("div");
  host.style.cssText = "display: flex; flex-direction: column; gap: 0.3rem; min-width: 0; min-height: 0";
  return host;
}

/** @param {string} text */
function klHeading(text) {
  const host = element("h3");
  host.style.cssText = "font-size: 0.88rem; font-weight: 600";
  host.textContent = text;
  return host;
}
