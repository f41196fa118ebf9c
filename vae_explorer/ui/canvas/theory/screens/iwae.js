// The importance-weighted bound: draws of Q on the exact posterior, sized by their weights, and the bound against their number.

import { element } from "../../dom.js";
import { drawsWithin, effectiveSize, logMeanWeight, poolBounds, weightShares } from "./importance.js";
import { Ranking } from "./ranking.js";

/** @import { Chart } from "../chart.js" */
/** @import { Mark } from "../marks.js" */
/** @import { LatentPlane } from "../latent_plane.js" */
/** @import { Stage } from "../stage.js" */
/** @import { PartAnswer } from "../talk.js" */

/** @typedef {PartAnswer & {pool: number, pools: number, size: number, about: number[], mean: number[], std: number[], base: number, z: Float32Array, logWeights: Float32Array, pixels: Uint8Array}} Pool */
/** @typedef {PartAnswer & {logPx: number, error: number, extent: number[], beyond: number, about: number[]}} Limit */
/** @typedef {PartAnswer & {density: Float32Array, extent: number[], about: number[]}} PosteriorField */

const MOST_DRAWS = 4096; // draws of one estimate
const WEIGHTED_SEEN = 1024; // draws that are seen: of more, the heaviest
const NEAR_NATS = 0.1; // nats

const RESTS = 300; // ms

/** @param {number} ms */
export const rested = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {number} count */
const counted = (count) => count.toLocaleString("en");

export class IwaeScreen {
  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    /** @type {Pool[]} */
    this.pools = [];
    this.logs = new Float64Array(0);
    /** @type {ReturnType<typeof poolBounds>} */
    this.found = [];
    /** @type {?Limit} */
    this.limit = null;
    /** @type {?[number, number]} */
    this.peak = null; // where the posterior is highest
    this.filling = false;
    const top = element("div", "halves");
    stage.picture.append(top); // before what is made in it, which asks for its style
    /** @type {LatentPlane} */
    this.plane = stage.plane(top, { label: "Plane: the exact posterior, Q, and draws of Q sized by their weights", codes: false });
    const right = element("div", "charts");
    right.dataset.answer = "";
    this.heading = element("p", "heading");
    const head = element("div", "told");
    this.thumbnail = stage.image(head, "");
    head.append(this.heading);
    const upper = element("div", "upper");
    const lower = element("div", "lower");
    right.append(head, upper, lower);
    top.append(right);
    /** @type {Chart} */
    this.bound = stage.chart(upper, {
      x: { label: "draws k", log: true, domain: [1, MOST_DRAWS] },
      y: { label: "" },
      label: "The bound against the number of draws, with log P(X) as its limit",
    });
    /** @type {Chart} */
    this.effective = stage.chart(lower, {
      x: { label: "draws k", log: true, domain: [1, MOST_DRAWS] },
      y: { label: "effective draws", log: true, domain: [1, MOST_DRAWS] },
      label: "The effective sample size against the number of draws",
    });
    this.ranking = new Ranking(stage, () => this.draw());
    stage.picture.append(this.ranking.host);
    stage.slider({
      name: "k",
      label: "Draws k",
      min: 1,
      max: MOST_DRAWS,
      log: true,
      whole: true,
      marks: [1, 8, 64, 512, 4096].map((k) => [k, counted(k)]),
      format: counted,
    });
    stage.imageField();
    stage.weight();
    stage.button("Draw again", () => stage.set({ seed: (stage.number("seed") + 1) % 1_000_000 }));
  }

  destroy() {
    this.ranking.scanning = false;
  }

  /** What the draws depend on. */
  get about() {
    const { state, beta } = this.stage;
    return [state.image, beta, state.seed];
  }

  /** @param {number[]} about */
  isOurs(about) {
    return about.every((value, k) => Math.abs(value - this.about[k]) < 1e-9 + 1e-5 * Math.abs(value));
  }

  /** @param {Set<string>} changed */
  moved(changed) {
    if (changed.has("beta") || changed.has("seed")) this.ranking.forget();
    if (this.pools.length && !this.isOurs(this.pools[0].about)) {
      this.pools = [];
      this.setLogs();
    }
    const image = changed.has("image") || changed.has("beta");
    if (image && this.limit && !this.isOurs(this.limit.about)) this.limit = null;
    if (image && !this.limit) {
      this.plane.setField("joint", null);
      this.peak = null;
    }
    if (changed.has("k") || this.limit === null) this.draw();
  }

  /** @param {string} part @param {PartAnswer} answer */
  show(part, answer) {
    const pool = /** @type {Pool} */ (answer);
    if (part !== "main" || !this.isOurs(pool.about) || this.pools.length) return;
    this.pools = [pool];
    this.thumbnail.paint(pool.pixels, `Image ${pool.about[0]}`);
    this.setLogs();
    if (!this.limit) {
      const [x, y] = pool.mean;
      const half = 4 * Math.max(...pool.std);
      this.plane.look([x - half, x + half, y - half, y + half]);
    }
    this.draw();
    this.fill();
  }

  /** Puts all pools' log weights into one row, in double precision. */
  setLogs() {
    const size = this.pools[0]?.size ?? 0;
    this.logs = new Float64Array(size * this.pools.length);
    this.pools.forEach(({ base, logWeights }, k) => logWeights.forEach((log, i) => (this.logs[k * size + i] = base + log)));
    this.found = poolBounds(this.logs, MOST_DRAWS);
  }

  /** Asks for what is missing, piece by piece, as long as it is about what is shown. */
  async fill() {
    if (this.filling) return;
    this.filling = true;
    await rested(RESTS); // whoever leafs through images does not wait for what takes longer
    while (this.pools.length && this.stage.screen && this.pools.length <= this.pools[0].pools) {
      const { about, pools } = this.pools[0];
      const same = () => this.stage.screen && this.pools[0]?.about === about;
      if (!this.limit) {
        const said = await this.stage.ask("limit");
        if (said === null) break;
        if (!said || !same()) {
          await rested(RESTS);
          continue;
        }
        this.limit = /** @type {Limit} */ (said);
        this.plane.look(this.limit.extent);
        this.draw();
      } else if (!this.peak) {
        const field = /** @type {?PosteriorField} */ (await this.stage.ask("field"));
        if (field === null) break;
        if (!field || !same()) continue;
        this.plane.setField("joint", field.density, field.extent, { gamma: 0.5 });
        this.peak = peakOf(field.density, field.extent);
        this.draw();
      } else if (this.pools.length < pools) {
        const more = /** @type {?Pool} */ (await this.stage.ask("draws", { pool: this.pools.length }));
        if (more === null) break;
        if (!more || !same() || more.pool !== this.pools.length) continue;
        this.pools.push(more);
        this.setLogs();
        this.draw();
      } else break;
    }
    this.filling = false;
    this.stage.prediction.settle();
  }

  get whole() {
    return this.pools.length > 0 && this.pools.length === this.pools[0].pools && this.limit !== null;
  }

  // What is seen ---------------------------------------------------------------------------------

  draw() {
    const { stage, limit, pools } = this;
    if (!pools.length) return;
    const logs = this.logs.subarray(0, Math.min(stage.number("k"), this.logs.length));
    const shares = weightShares(logs);
    const estimate = logMeanWeight(logs);
    const heaviest = shares.reduce((most, share) => Math.max(most, share), 0);
    stage.formula.say("bound", estimate.toFixed(2));
    stage.formula.say("weight", `${(100 * heaviest).toFixed(heaviest < 0.1 ? 1 : 0)} %`);
    stage.formula.say("ess", effectiveSize(logs).toFixed(1));
    stage.formula.say("logpx", limit ? limit.logPx.toFixed(2) : "\u2026");
    this.drawPlane(shares);
    this.drawCharts(logs.length, estimate);
    this.heading.textContent = this.words();
  }

  /** @param {Float64Array} shares */
  drawPlane(shares) {
    const { mean, std, size } = this.pools[0];
    const order = Array.from(shares.keys());
    if (order.length > WEIGHTED_SEEN) order.sort((a, b) => shares[b] - shares[a]).splice(WEIGHTED_SEEN);
    else order.sort((a, b) => shares[b] - shares[a]);
    const points = order.map((i) => {
      const { z } = this.pools[Math.floor(i / size)];
      return [z[2 * (i % size)], z[2 * (i % size) + 1]];
    });
    /** @type {Mark[]} */
    const marks = [1, 2].map((sigma) => ({
      mark: "ellipse",
      term: "q",
      x: mean[0],
      y: mean[1],
      rx: sigma * std[0],
      ry: sigma * std[1],
      fill: 0,
      dashed: sigma > 1,
    }));
    const radii = order.map((i) => 1.5 + 13 * Math.sqrt(shares[i]));
    marks.push({ mark: "dots", term: "weight", points, radii, opacity: 0.8 });
    marks.push({ mark: "word", term: "q", x: mean[0], y: mean[1] + 2 * std[1], dy: -7, text: "Q(z|X) and its draws" });
    const { peak } = this;
    if (peak && this.limit && this.limit.beyond > 0.2)
      marks.push({ mark: "word", term: "joint", x: peak[0], y: peak[1], dx: 14, anchor: "start", text: "P(z|X)" });
    this.plane.draw(marks);
  }

  /** @param {number} k @param {number} estimate */
  drawCharts(k, estimate) {
    const { limit, found } = this;
    /** @type {Mark[]} */
    const marks = [];
    if (this.ranking.averaged) marks.push(...this.ranking.marks());
    else {
      const known = found.filter(({ error }) => Number.isFinite(error));
      marks.push(
        {
          mark: "band",
          term: "bound",
          low: known.map(({ k: n, mean, error }) => [n, mean - error]),
          high: known.map(({ k: n, mean, error }) => [n, mean + error]),
        },
        { mark: "line", term: "bound", points: found.map(({ k: n, mean }) => [n, mean]) },
        { mark: "dots", term: "bound", points: [[k, estimate]], radius: 5, hollow: true },
      );
      if (limit) marks.push({ mark: "rule", term: "logpx", y: limit.logPx, text: "log P(X)", width: 1.5 });
    }
    this.bound.draw(marks, this.ranking.averaged ? {} : { y: this.span(estimate) });
    this.effective.draw([
      {
        mark: "line",
        points: [
          [1, 1],
          [MOST_DRAWS, MOST_DRAWS],
        ],
        dashed: true,
        width: 1,
        faint: true,
      },
      { mark: "line", term: "ess", points: found.map(({ k: n, effective }) => [n, effective]) },
      { mark: "rule", x: k, width: 1, faint: true },
    ]);
  }

  /** What the chart of the bound has to hold. @param {number} estimate @returns {[number, number]} */
  span(estimate) {
    const values = [estimate, ...this.found.map(({ mean }) => mean), ...(this.limit ? [this.limit.logPx] : [])];
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const room = 0.02 + high - low;
    return [low - 0.06 * room, high + 0.12 * room];
  }

  words() {
    const { limit, ranking } = this;
    if (ranking.averaged)
      return `log P(X) less the bound, in nats: what is missing on average over ${ranking.scanned.length} test images, \u00b1 one standard error`;
    const drawn = this.logs.length;
    const total = this.pools[0].size * this.pools[0].pools;
    if (!limit) return `The bound, in nats, from ${counted(drawn)} of ${counted(total)} draws; log P(X) is on its way`;
    const best = this.found[this.found.length - 1];
    const gap = limit.logPx - best.mean;
    const missed = limit.beyond > 0.01 ? `; ${(100 * limit.beyond).toFixed(0)} % of the posterior is beyond 3 \u03c3 of Q` : "";
    return `The bound, in nats${drawn < total ? `, from ${counted(drawn)} of ${counted(total)} draws so far` : ""}. With ${counted(best.k)} draws ${Math.max(0, gap).toFixed(2)} nats are missing${missed}`;
  }

  truth() {
    if (!this.whole || !this.limit) return null;
    const { logPx, beyond } = this.limit;
    const k = drawsWithin(this.found, logPx, NEAR_NATS);
    const best = this.found[this.found.length - 1];
    const missed = `With ${counted(best.k)} draws ${(logPx - best.mean).toFixed(1)} nats are still missing`;
    if (k !== null) return { choice: k <= 16 ? 0 : k <= 256 ? 1 : 2, words: `It takes ${k === 1 ? "one draw" : `${counted(k)} draws`}.` };
    return { choice: 2, words: beyond > 0.1 ? `${missed}: ${(100 * beyond).toFixed(0)} % of the posterior lies where Q hardly ever draws.` : `${missed}.` };
  }
}

/** The centre of a field's highest cell. @param {ArrayLike<number>} values the top row first @param {number[]} extent @returns {[number, number]} */
export function peakOf(values, [left, right, bottom, top]) {
  const side = Math.round(Math.sqrt(values.length));
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] > values[best]) best = k;
  const [row, column] = [Math.floor(best / side), best % side];
  return [left + ((column + 0.5) / side) * (right - left), top - ((row + 0.5) / side) * (top - bottom)];
}
