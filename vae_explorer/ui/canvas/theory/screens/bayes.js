// Bayes' rule, drawn: prior, likelihood, and their product over P(X), on three planes that show the same square.

import { element } from "../../dom.js";
import { minus } from "../../panel.js";

/** @import { Mark } from "../marks.js" */
/** @import { LatentPlane } from "../latent_plane.js" */
/** @import { Stage } from "../stage.js" */
/** @import { PartAnswer } from "../talk.js" */
/** @import { Place } from "../../scatter/scatter.js" */

/** @typedef {PartAnswer & {about: unknown[], extent: number[], tops: Record<string, number>, q: number[], blank: number[], hidden: number,
 *   likelihood: ArrayLike<number>, posterior: ArrayLike<number>, image: Uint8Array, gone: Uint8Array}} RuleAnswer */
/** @typedef {PartAnswer & {about: unknown[], extent: number[], tops: Record<string, number>, prior: ArrayLike<number>, likelihood: ArrayLike<number>,
 *   posterior: ArrayLike<number>}} CloseAnswer */
/** @typedef {{z: number[], prior: number, likelihood: number, posterior: number, logPx: number}} RulePoint */
/** @typedef {PartAnswer & {about: unknown[], logPx: number, error: number, decoded: number, rate: number, width: number, extent: number[], cost: number,
 *   peak: RulePoint}} VolumeAnswer */
/** @typedef {PartAnswer & {about: unknown[], widths: number[], rates: number[]}} ForeseenAnswer */

const RULE_TERMS = /** @type {const} */ (["prior", "likelihood", "posterior"]);
const RULE_NAMES = { prior: "Prior P(z)", likelihood: "Likelihood P(X|z)", posterior: "Posterior P(z|X)" };
const HIDDEN_GREY = 120;
const RESTED_MS = 120;

/** @param {number} value */
const inNats = (value) => minus(value.toFixed(Math.abs(value) < 1000 ? 2 : 0));

/** A density or its logarithm, whichever can be read. @param {number} log */
const densityText = (log) => (log > -5 && log < 12 ? Number(Math.exp(log).toPrecision(3)).toLocaleString("en") : `exp(${inNats(log)})`);

/** The square that the other planes show. @param {number[]} extent @returns {Mark} */
const frameOf = ([left, right, bottom, top]) => ({
  mark: "line",
  points: [
    [left, bottom],
    [right, bottom],
    [right, top],
    [left, top],
  ],
  closed: true,
  width: 1.5,
});

export class BayesScreen {
  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    /** @type {?RuleAnswer} */
    this.rule = null;
    /** @type {?VolumeAnswer} */
    this.volume = null;
    /** @type {?CloseAnswer} */
    this.close = null;
    /** @type {?ForeseenAnswer} */
    this.foreseen = null;
    /** @type {?RulePoint} */
    this.point = null;
    this.filling = false;
    /** @type {number | undefined} */
    this.rest = undefined;
    this.pointing = 0;
    const row = element("div", "three");
    stage.picture.append(row); // planes read their place's style
    const signs = ["\u00d7", "/ P(X) =", ""];
    this.panels = RULE_TERMS.map((term, k) => {
      const host = element("div", "panel");
      if (k) host.dataset.answer = "";
      const name = element("p", "heading");
      name.dataset.term = term;
      name.style.setProperty("--term", `var(--term-${term})`);
      name.textContent = `${RULE_NAMES[term]} ${signs[k]}`;
      row.append(host);
      /** @type {LatentPlane} */
      const plane = stage.plane(host, {
        label: `Plane: ${RULE_NAMES[term]}`,
        codes: term === "prior",
        click: (place) => this.clicked(place),
        hover: (place) => this.hovered(place),
      });
      host.prepend(name);
      const scale = element("p", "scale");
      host.append(scale);
      return { term, plane, scale };
    });
    const below = element("div", "below");
    this.image = stage.image(below, "X");
    this.words = element("div", "words");
    this.words.dataset.answer = "";
    below.append(this.words);
    stage.picture.append(below);
    stage.slider({
      name: "share",
      label: "Hidden pixels",
      min: 0,
      max: 1,
      step: 0.02,
      format: (value) => `${Math.round(100 * value)} %`,
    });
    stage.choice({
      name: "pattern",
      label: "Which",
      options: [
        ["half", "From below"],
        ["frame", "Frame"],
        ["random", "Random"],
      ],
    });
    stage.imageField();
    stage.weight();
    stage.choice({
      name: "seen",
      label: "Seen",
      options: [
        ["posterior", "Where the posterior lies"],
        ["whole", "Whole plane"],
      ],
    });
  }

  get about() {
    const { state, beta } = this.stage;
    return [state.image, beta, state.pattern, state.share, state.seed];
  }

  /** Whether an answer is about what is shown now. @param {?{about: unknown[]}} answer */
  isOurs(answer) {
    return (
      answer?.about.every((value, k) => {
        const ours = this.about[k];
        return typeof ours === "number" ? Math.abs(Number(value) - ours) <= 1e-9 + 1e-5 * Math.abs(ours) : value === ours;
      }) ?? false
    );
  }

  /** @param {Place} place */
  clicked({ index }) {
    if (index !== null && index >= 0) this.stage.set({ image: index });
  }

  /** Says the rule's terms where the pointer is; at the posterior's peak where it is nowhere. @param {?Place} place */
  async hovered(place) {
    const asked = ++this.pointing;
    if (!place || !this.isOurs(this.volume)) {
      this.point = null;
      this.say();
      return;
    }
    const answer = await this.stage.ask("at", { z: [place.x, place.y] });
    if (!answer || asked !== this.pointing || !this.isOurs(/** @type {VolumeAnswer} */ (answer))) return;
    this.point = /** @type {RulePoint} */ (/** @type {unknown} */ (answer));
    this.say();
  }

  /** @param {Set<string>} changed */
  moved(changed) {
    if (changed.has("beta")) this.panels[0].plane.climb();
    if (changed.has("image") || changed.has("beta")) this.foreseen = null;
    this.point = null;
    this.draw();
    if (changed.has("seen")) this.fill();
  }

  /** @param {string} _part @param {PartAnswer} answer */
  show(_part, answer) {
    const said = /** @type {RuleAnswer} */ (answer);
    if (!this.isOurs(said)) return;
    this.rule = said;
    this.draw();
    clearTimeout(this.rest); // while a slider is dragged, nothing keeps the next answer waiting
    this.rest = setTimeout(() => this.fill(), RESTED_MS);
  }

  redraw() {
    this.draw();
  }

  /** Asks for what is still missing, one part after the other. */
  async fill() {
    if (this.filling) return;
    this.filling = true;
    while (!this.stage.signal.aborted && this.isOurs(this.rule)) {
      const part = !this.isOurs(this.volume) ? "summed" : this.isZooming ? "zoom" : !this.foreseen && !this.stage.prediction.open ? "foreseen" : "";
      if (!part) break;
      const answer = await this.stage.ask(part);
      if (answer === null) break;
      if (part === "summed" && answer) this.volume = /** @type {VolumeAnswer} */ (answer);
      if (part === "zoom" && answer) this.close = /** @type {CloseAnswer} */ (answer);
      if (part === "foreseen" && answer) this.foreseen = /** @type {ForeseenAnswer} */ (answer);
      this.draw();
      this.stage.prediction.settle();
    }
    this.filling = false;
  }

  get isZooming() {
    return this.stage.state.seen === "posterior" && !this.isOurs(this.close);
  }

  draw() {
    const { rule, stage } = this;
    if (!rule) return;
    const zoomed = stage.state.seen === "posterior";
    const seen = zoomed && this.isOurs(this.close) ? this.close : null;
    const extent = seen?.extent ?? (zoomed ? this.volume?.extent : null) ?? rule.extent; // where it lay before, until it is known
    for (const { term, plane, scale } of this.panels) {
      const whole = term === "prior"; // which shows all codes, and where the others look
      plane.look(whole || !zoomed ? rule.extent.map((end) => 0.75 * end) : extent); // beyond it there is next to no prior
      plane.setField(term, this.field(term, rule, whole ? null : seen), whole ? rule.extent : (seen?.extent ?? rule.extent), { gamma: 0.7, top: 1 });
      plane.draw([...this.marks(rule), ...(whole && zoomed ? [frameOf(extent)] : [])]);
      scale.textContent = this.scaleOf(term, rule, whole ? null : seen);
    }
    const levels = rule.image.slice();
    const each = levels.length / rule.gone.length;
    rule.gone.forEach((hidden, k) => hidden && levels.fill(HIDDEN_GREY, k * each, (k + 1) * each));
    const count = rule.gone.length;
    this.image.paint(levels, `The image, ${rule.hidden} of ${count} pixels hidden`);
    this.image.words.textContent = rule.hidden ? `X, ${rule.hidden} of ${count} hidden` : "X";
    this.say();
  }

  /** A term's field, 1 at its peak. @param {"prior" | "likelihood" | "posterior"} term @param {RuleAnswer} rule @param {?CloseAnswer} seen */
  field(term, rule, seen) {
    if (seen) return Float32Array.from(seen[term], Math.exp);
    if (term !== "prior") return Float32Array.from(rule[term], Math.exp);
    const [left, right, bottom, top] = rule.extent;
    const side = Math.round(Math.sqrt(rule.likelihood.length));
    return Float32Array.from({ length: side * side }, (_, k) => {
      const x = left + (((k % side) + 0.5) / side) * (right - left);
      const y = top - ((Math.floor(k / side) + 0.5) / side) * (top - bottom);
      return Math.exp(-0.5 * (x * x + y * y));
    });
  }

  /** @param {RuleAnswer} rule @returns {Mark[]} */
  marks({ q, blank, hidden }) {
    const [x, y, rx, ry] = q;
    /** @type {Mark[]} */
    const marks = [{ mark: "ellipse", term: "q", x, y, rx: 2 * rx, ry: 2 * ry, fill: 0, width: 2 }];
    if (hidden) marks.push({ mark: "ellipse", term: "q", x: blank[0], y: blank[1], rx: 2 * blank[2], ry: 2 * blank[3], fill: 0, width: 1, dashed: true });
    return marks;
  }

  /** @param {"prior" | "likelihood" | "posterior"} term @param {RuleAnswer} rule @param {?CloseAnswer} seen */
  scaleOf(term, rule, seen) {
    if (term === "prior") return `At most ${densityText(-Math.log(2 * Math.PI))}. Click on a code for its image.`;
    if (term === "likelihood") return `At most ${densityText((seen ?? rule).tops.likelihood)}`;
    if (!this.isOurs(this.volume) || !this.volume) return "\u2026";
    return `At most ${densityText(this.volume.peak.posterior)}; volume 1`;
  }

  /** Writes the numbers. */
  say() {
    const { formula } = this.stage;
    const volume = this.isOurs(this.volume) ? this.volume : null;
    const at = this.point ?? volume?.peak ?? null;
    for (const term of RULE_TERMS) formula.say(term, at ? inNats(at[term]) : "\u2026");
    formula.say("evidence", volume ? inNats(volume.logPx) : "\u2026");
    formula.say("q", volume ? `${volume.cost.toFixed(2)} nats` : "\u2026");
    if (!volume || !at) {
      this.words.textContent = "The volume is summed\u2026";
      return;
    }
    const z = at.z.map((value) => inNats(value)).join(", ");
    const lines = [
      `Numbers: logarithms, nats, at z = (${z}), ${this.point ? "where the pointer is" : "the posterior's peak"}.`,
      `The volume under the product is P(X) = exp(${inNats(volume.logPx)}), from ${volume.decoded.toLocaleString("en")} decoded points.`,
      `The posterior is ${volume.width.toFixed(3)} wide, ${volume.rate.toFixed(2)} nats from the prior.`,
      `Ellipse: Q(z|X) of the whole image, two sigma; closed forms, one pass of the encoder. It costs ${volume.cost.toFixed(2)} nats here.`,
    ];
    if (this.rule?.hidden) lines.push("Dashed: the encoder takes hidden pixels for black.");
    this.words.replaceChildren(...lines.map((text) => Object.assign(element("p"), { textContent: text })));
  }

  truth() {
    if (!this.foreseen) return null;
    const { widths, rates } = this.foreseen;
    const choice = rates[1] < 0.2 ? 2 : widths[1] > 1.2 * widths[0] ? 1 : 0;
    const words = `Its width goes from ${widths[0].toFixed(3)} to ${widths[1].toFixed(3)}, its divergence from the prior from ${rates[0].toFixed(1)} to ${rates[1].toFixed(1)} nats.`;
    return { choice, words };
  }
}
