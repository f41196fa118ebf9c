// Why P(X) is hard: draws on the field of log P(X|z), the estimate against their number; how many it takes; what counts as alike.

import { element } from "../../dom.js";
import { ALIKE, ALIKE_TERMS, convergenceOf, growthOf, likenessOf, MOST_DRAWN, nats, REPEATED } from "./alike.js";
import { carriersOf, countText, estimatesAt } from "./draws.js";

/** @import { ExactAnswer, ModelsAnswer, NeededAnswer } from "./alike.js" */
/** @import { Chart } from "../chart.js" */
/** @import { Mark } from "../marks.js" */
/** @import { LatentPlane } from "../latent_plane.js" */
/** @import { Stage } from "../stage.js" */
/** @import { PartAnswer } from "../talk.js" */

/** @typedef {PartAnswer & {about: unknown[], extent: number[], top: number, q: number[], field: ArrayLike<number>, image: Uint8Array}} LandscapeAnswer */
/** @typedef {PartAnswer & {about: unknown[], block: number, of: number, z: Float32Array, logs: Float32Array}} DrawnAnswer */
/** @typedef {PartAnswer & {about: unknown[], block: number, of: number}} JudgedAnswer */
/** @typedef {PartAnswer & {about: unknown[], squared: number[], logs: number[], pixels: number, drawn: number, images: Uint8Array}} SimilarAnswer */

const DRAWS_SEEN = 1000; // dots on the plane
const INK_NATS = 100; // below its peak, log P(X|z) has no ink left
const FORESEEN = 1000; // draws that the prediction is about

export class LikelihoodScreen {
  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    /** @type {?LandscapeAnswer} */
    this.landscape = null;
    /** @type {?ExactAnswer} */
    this.exact = null;
    this.z = new Float32Array(2 * MOST_DRAWN);
    this.logs = new Float32Array(MOST_DRAWN);
    this.drawn = 0;
    this.filling = false;
    this.stopped = false;
    /** @type {NeededAnswer[]} */
    this.needed = [];
    this.judged = 0; // blocks of draws that are decoded for them
    this.toJudge = 1;
    /** @type {?ModelsAnswer} */
    this.models = null;
    /** @type {?SimilarAnswer} */
    this.similar = null;
    this.foreseen = -1; // how many of the first draws from the prior carry 99 %

    this.estimating = element("div", "estimating");
    this.counting = element("div", "counting");
    this.comparing = element("div", "comparing");
    stage.picture.append(this.estimating, this.counting, this.comparing); // planes and charts read their place's style
    const left = element("div", "half");
    const right = element("div", "half");
    right.dataset.answer = "";
    const shown = element("div", "beside");
    this.image = stage.image(shown, "X");
    this.words = element("p", "heading");
    shown.append(this.words);
    const place = element("div", "place");
    right.append(shown, place);
    this.estimating.append(left, right);
    /** @type {LatentPlane} */
    this.plane = stage.plane(left, { label: "Plane: log P(X|z) and the draws, those that carry the sum large", codes: false });
    this.caption = element("p", "heading");
    left.append(this.caption);
    /** @type {Chart} */
    this.chart = stage.chart(place, {
      x: { label: "draws n", log: true, domain: [1, MOST_DRAWN] },
      y: { label: "estimate of log P(X), nats" },
      label: "The estimate against the number of draws, with the exact log P(X)",
    });

    this.counting.dataset.answer = "";
    this.counted = element("p", "heading");
    const much = element("div", "place");
    this.counting.append(this.counted, much);
    /** @type {Chart} */
    this.growth = stage.chart(much, {
      x: { label: "divergence of the posterior from the prior, nats", domain: [0, 28] },
      y: { label: "draws needed", log: true, domain: [1, 1e13] },
      label: "How many draws are needed against the divergence of the posterior from the prior",
    });

    const row = element("div", "row");
    this.pictures = ["X", ...ALIKE].map((name, k) => stage.image(row, name, k ? ALIKE_TERMS[k - 1] : ""));
    this.verdict = element("p", "heading");
    const lines = element("div", "place");
    this.comparing.append(row, this.verdict, lines);
    /** @type {Chart} */
    this.likeness = stage.chart(lines, {
      x: { label: "\u03c3, grey levels from 0 to 1", log: true, domain: [0.01, 1] },
      y: { label: "nats below X itself", log: true, domain: [1, 1e6] },
      label: "How much less likely each image is than the digit itself, against sigma",
    });

    stage.choice({
      name: "picture",
      label: "Picture",
      options: [
        ["estimate", "The estimate"],
        ["axes", "More axes"],
        ["similar", "What is alike"],
      ],
    });
    this.only = {
      estimate: [
        stage.slider({
          name: "draws",
          label: "Draws n",
          min: 1,
          max: MOST_DRAWN,
          log: true,
          whole: true,
          marks: [1, 10, 100, 1000, 10_000, 100_000].map((k) => [k, countText(k)]),
          format: countText,
        }),
        stage.choice({
          name: "origin",
          label: "z drawn from",
          options: [
            ["prior", "P(z)"],
            ["encoder", "Q(z|X)"],
            ["posterior", "P(z|X)"],
          ],
        }),
      ],
      similar: [
        stage.slider({
          name: "sigma",
          label: "\u03c3",
          min: 0.01,
          max: 1,
          log: true,
          marks: [0.01, 0.1, 1].map((k) => [k, String(k)]),
        }),
        stage.slider({ name: "piece", label: "Missing piece, pixels a side", min: 0, max: 8, whole: true }),
      ],
    };
    stage.imageField();
    stage.weight();
    stage.button("Draw again", () => stage.set({ seed: (stage.number("seed") + 1) % 1_000_000 }));
    this.stop = stage.button("Stop", () => Object.assign(this, { stopped: true }));
    this.stop.hidden = true;
  }

  destroy() {
    this.stopped = true;
  }

  /** What the draws depend on. */
  get about() {
    const { state, beta } = this.stage;
    return [state.image, beta, state.seed, state.origin];
  }

  /** Whether an answer is about what is shown now. @param {?{about: unknown[]}} answer */
  isOurs(answer) {
    return (
      answer?.about.slice(0, 4).every((value, k) => {
        const ours = this.about[k];
        return typeof ours === "number" ? Math.abs(Number(value) - ours) <= 1e-5 * Math.abs(ours) : value === ours;
      }) ?? false
    );
  }

  /** @param {Set<string>} changed */
  moved(changed) {
    if (["image", "beta", "seed", "origin"].some((name) => changed.has(name))) {
      this.drawn = 0;
      this.exact = null;
      if (!changed.has("origin") || changed.has("image")) this.foreseen = -1;
    }
    if (changed.has("beta") || changed.has("seed")) {
      this.needed = [];
      this.judged = 0;
    }
    if (changed.has("beta")) this.models = null;
    if (["draws", "picture"].some((name) => changed.has(name))) this.stopped = false;
    const { picture } = this.stage.state;
    this.estimating.hidden = picture !== "estimate";
    this.counting.hidden = picture !== "axes";
    this.comparing.hidden = picture !== "similar";
    for (const host of this.only.estimate) host.hidden = picture !== "estimate";
    for (const host of this.only.similar) host.hidden = picture !== "similar";
    this.draw();
  }

  /** @param {string} _part @param {PartAnswer} answer */
  show(_part, answer) {
    const said = /** @type {LandscapeAnswer} */ (answer);
    if (!this.isOurs(said)) return;
    this.landscape = said;
    this.stopped = false;
    this.image.paint(said.image, "The image X");
    this.draw();
    this.fill();
  }

  redraw() {
    this.draw();
  }

  // Asking, part by part ---------------------------------------------------------------------------

  /** Asks for what is still missing, one part after the other, until there is all or it is stopped. */
  async fill() {
    if (this.filling) return;
    this.filling = true;
    while (!this.stage.signal.aborted && !this.stopped) {
      const next = this.next();
      if (!next || !(await this.take(...next))) break;
      this.draw();
      this.stage.prediction.settle();
    }
    this.filling = false;
    this.stop.hidden = true;
  }

  /** How many draws are wanted: those of all repetitions, or more. */
  get wanted() {
    return Math.max(this.stage.state.origin === "prior" ? REPEATED : 5, Math.ceil(this.stage.number("draws") / 1000));
  }

  /** What is asked next. @returns {?[string, Record<string, unknown>]} */
  next() {
    const { picture, piece } = this.stage.state;
    const block = this.drawn / 1000;
    this.stop.hidden = picture === "similar" || (picture === "estimate" ? block >= this.wanted : this.needed.length >= 20);
    if (this.foreseen < 0 && block === 0) return ["drawn", { block }];
    if (picture === "similar" && !(this.isOurs(this.similar) && this.similar?.about[4] === piece)) return ["similar", {}];
    if (!this.isOurs(this.exact)) return ["summed", {}];
    if (picture === "axes") {
      if (!this.models) return ["models", {}];
      if (this.judged < this.toJudge) return ["judged", { block: this.judged }];
      return this.needed.length < (this.needed[0]?.of ?? 1) ? ["needed", { number: this.needed.length }] : null;
    }
    return picture === "estimate" && block < this.wanted ? ["drawn", { block }] : null;
  }

  /** Asks a part; false where nobody answers. @param {string} part @param {Record<string, unknown>} more */
  async take(part, more) {
    const answer = await this.stage.ask(part, more);
    if (answer === null) return false;
    if (!answer) return true; // a newer question of this part is out
    if (part === "models") this.models = /** @type {ModelsAnswer} */ (answer);
    else if (part === "judged") {
      const said = /** @type {JudgedAnswer} */ (answer);
      if (said.about[1] === this.stage.state.seed && said.block === this.judged) this.judged++;
      this.toJudge = said.of;
    } else if (part === "needed") {
      const said = /** @type {NeededAnswer} */ (answer);
      if (said.about[1] === this.stage.state.seed && said.number === this.needed.length) this.needed.push(said);
    } else if (this.isOurs(/** @type {ExactAnswer} */ (answer))) {
      if (part === "summed") this.exact = /** @type {ExactAnswer} */ (answer);
      if (part === "similar") this.similar = /** @type {SimilarAnswer} */ (answer);
      if (part === "drawn") this.add(/** @type {DrawnAnswer} */ (answer));
    }
    return true;
  }

  /** @param {DrawnAnswer} said */
  add({ block, of, z, logs }) {
    if (block * of !== this.drawn) return;
    this.z.set(z, 2 * this.drawn);
    this.logs.set(logs, this.drawn);
    this.drawn += of;
    if (block === 0 && this.stage.state.origin === "prior") this.foreseen = carriersOf(this.logs, FORESEEN).length;
  }

  // Drawing ----------------------------------------------------------------------------------------

  draw() {
    const { picture } = this.stage.state;
    if (picture === "axes") this.drawGrowth();
    else if (picture === "similar") this.drawLikeness();
    this.drawEstimate(picture === "estimate");
  }

  /** @param {boolean} seen whether the picture is, or only the formula's numbers */
  drawEstimate(seen) {
    const { stage, exact } = this;
    const n = Math.min(stage.number("draws"), this.drawn);
    const chosen = n ? carriersOf(this.logs, n) : new Uint32Array(0);
    const [estimate] = n ? estimatesAt(this.logs, [n]) : [NaN];
    stage.formula.say("exact", exact ? nats(exact.logPx) : "\u2026");
    stage.formula.say("estimate", n ? nats(estimate) : "\u2026");
    stage.formula.say("carriers", n ? countText(chosen.length) : "\u2026");
    stage.formula.say("draws", countText(n));
    if (!seen) return;
    this.drawPlane(n, chosen);
    this.drawChart(n, estimate);
    const short = n < stage.number("draws") ? ` ${countText(this.drawn)} of ${countText(stage.number("draws"))} are drawn.` : "";
    this.words.textContent = n ? `${countText(chosen.length)} of ${countText(n)} draws carry 99 % of the sum.${short}` : "Drawing\u2026";
  }

  /** @param {number} n @param {Uint32Array} chosen */
  drawPlane(n, chosen) {
    const { landscape, plane, stage } = this;
    if (!landscape) return;
    const values = Float32Array.from(landscape.field, (below) => Math.max(0, INK_NATS + below));
    plane.setField("exact", values, landscape.extent, { gamma: 1.4, top: INK_NATS });
    plane.look(landscape.extent.map((end) => 0.75 * end)); // beyond it there is next to no prior
    const dots = Array.from({ length: Math.min(n, DRAWS_SEEN) }, (_, k) => [this.z[2 * k], this.z[2 * k + 1]]);
    const heavy = Array.from(chosen.subarray(0, DRAWS_SEEN), (k) => [this.z[2 * k], this.z[2 * k + 1]]);
    const [x, y, rx, ry] = landscape.q;
    /** @type {Mark[]} */
    const marks = [{ mark: "dots", term: "draws", points: dots, radius: 1.6, opacity: 0.7 }];
    if (stage.state.origin === "encoder") marks.push({ mark: "ellipse", term: "draws", x, y, rx: 2 * rx, ry: 2 * ry, fill: 0 });
    marks.push({ mark: "dots", term: "carriers", points: heavy, radius: heavy.length < 100 ? 4.5 : 2.5 });
    plane.draw(marks);
    const seen = n > DRAWS_SEEN ? `${countText(DRAWS_SEEN)} of ${countText(n)} draws are shown` : "";
    this.caption.textContent = `Ink: log P(X|z), from ${nats(landscape.top)} nats down to ${nats(landscape.top - INK_NATS)}. ${seen}`;
  }

  /** @param {number} n @param {number} estimate */
  drawChart(n, estimate) {
    const { logs, drawn, exact, stage } = this;
    const { marks, y } = convergenceOf(logs, drawn, { n, estimate, wanted: stage.number("draws"), exact, origin: String(stage.state.origin) });
    this.chart.draw(marks, y ? { y } : {});
  }

  drawGrowth() {
    const { marks, words } = growthOf(this);
    this.growth.draw(marks);
    this.counted.textContent = words;
  }

  drawLikeness() {
    const { similar, stage } = this;
    const sigma = stage.number("sigma");
    if (!this.isOurs(similar) || !similar) return;
    const { squared, images } = similar;
    const size = images.length / 5;
    this.pictures.forEach(({ paint, words }, k) => {
      const name = k ? ALIKE[k - 1] : "X";
      paint(images.subarray(k * size, (k + 1) * size), name);
      words.textContent = k ? `${name}: \u2016\u00b7\u2016\u00b2 = ${squared[k - 1].toFixed(2)}, ${nats(-squared[k - 1] / (2 * sigma ** 2))} nats` : "X";
    });
    const { marks, words } = likenessOf(squared, sigma);
    this.likeness.draw(marks);
    this.verdict.textContent = words;
  }

  truth() {
    const k = this.foreseen;
    if (k < 0) return null;
    return { choice: k > 500 ? 0 : k >= 50 ? 1 : 2, words: `${k} of ${countText(FORESEEN)} carry 99 % of the sum for this image.` };
  }
}
