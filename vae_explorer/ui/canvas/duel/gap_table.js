// The gap table: every measure on both sides at the KL weight of now, its curve over the KL weight, and what it says.

import { chartNode } from "../charts.js";
import { finder } from "../dom.js";
import { minus } from "../panel.js";
import { rungOf, valueAt } from "../rungs.js";
import { weightText } from "../weight.js";

/** @import { Mixture } from "../gaussian.js" */
/** @import { Message } from "../wire.js" */
/** @import { Better } from "./duel_side.js" */

/**
 * How a figure is read: its heading, title and unit, its good end (null: it has none), what it means, whom several of them ask.
 * @typedef {{group: string, title: string, unit: string, better: ?Better, words: string, jury: string}} Measure
 */

/** How a field of the plane is read. @typedef {{title: string, unit: string, better: Better, words: string}} Field */

/**
 * A figure at each KL weight, its standard error, and whether it is a bound only.
 * @typedef {{value: number[], error: number[], bound?: ?boolean[]}} Scores
 */

/**
 * The measures of one side, by what it is sampled from; and the mixture fitted to its codes.
 * @typedef {{beta: number[], samplings: Record<string, Record<string, Scores>>, caption: string, mixture: ?Mixture}} Table
 */

/**
 * What has been measured of both sides, as far as it has.
 * @typedef {Message & {kind: "tables", measures: Record<string, Measure>, fields: Record<string, Field>, tables: (Table | null)[],
 *   absent: ?string, names: string[]}} TablesMessage
 */

/** A figure at one KL weight. @typedef {{value: number, error: number, bound: boolean}} Score */

/**
 * A row of the table: its cells, and what marks the weight on its curves.
 * @typedef {{name: string, measure: Measure, cells: NodeListOf<Element>, marks: {now: SVGPathElement, x: (beta: number) => number}}}
 *   TableRow
 */

/**
 * A row with its figures: which side wins, 0 or 1, or neither; whether its jury is split.
 * @typedef {TableRow & {scores: (Score | null)[], winner: ?number, split: boolean}} Found
 */

/**
 * The groups that either side wins, that neither does, and whose rows contradict each other.
 * @typedef {{0: string[], 1: string[], draw: string[], split: string[]}} Votes
 */

const DIFFERS = 2; // standard errors between two figures that count as different
const BETTER = { lower: "Lower is better.", higher: "Higher is better." };
const NEITHER = "Neither more nor less is better.";

export class GapTable {
  /** @param {HTMLElement} host */
  constructor(host) {
    this.host = host;
    /** @type {TableRow[]} */
    this.rows = [];
    /** @type {{beta: number[], scores: Record<string, Scores>}[]} */
    this.series = []; // of each side, for what it is sampled from
    /** @type {?string} */
    this.key = null; // what the rows are for
    this.sentence = document.createElement("p");
    this.sentence.className = "sentence";
    this.table = document.createElement("table");
    this.foot = document.createElement("p");
    this.foot.className = "words";
  }

  /** @param {TablesMessage} message */
  set(message) {
    /** @type {TablesMessage} */
    this.message = message;
    const [left, right] = message.tables;
    this.host.replaceChildren();
    if (message.absent || !left || !right) {
      const missing = message.names.filter((_, k) => !message.tables[k]);
      this.sentence.textContent =
        message.absent ?? `The gaps of ${missing.join(" and ")} have not been measured yet: python -m vae_explorer gaps ${missing.join(" ")}`;
      this.host.append(this.sentence);
      this.rows = [];
      return;
    }
    this.host.append(this.sentence, this.table, this.foot);
    this.foot.textContent = [left, right].map((table, k) => `${message.names[k]}: ${table.caption}`).join(". ");
    this.key = null;
  }

  /** Builds the rows for what each side is sampled from. @param {string[]} spaces @param {Table[]} tables */
  build(spaces, tables) {
    const { measures, names } = this.message;
    this.key = spaces.join();
    this.series = tables.map((table, k) => ({ beta: table.beta, scores: table.samplings[spaces[k]] }));
    const head = chartNode(
      "thead",
      {},
      chartNode("tr", {}, ...["Measure", ...names, "over the KL weight"].map((text) => chartNode("th", { scope: "col" }, text)), chartNode("th")),
    );
    const body = chartNode("tbody");
    let group = "";
    for (const [name, measure] of Object.entries(measures)) {
      if (!this.series.some((each) => each.scores[name])) continue;
      if (measure.group !== group)
        body.append(chartNode("tr", {}, chartNode("th", { class: "group", scope: "rowgroup", colspan: 5 }, (group = measure.group))));
      body.append(this.row(name, measure));
    }
    this.table.replaceChildren(head, body);
    this.rows = [...this.table.querySelectorAll("tr")].flatMap((row) => {
      const { name } = row.dataset;
      if (name === undefined) return []; // a heading
      const cells = row.querySelectorAll(".value");
      const marks = this.plot(finder(row)("svg", SVGElement), name);
      return { name, measure: measures[name], cells, marks };
    });
  }

  /** One measure: title, a figure for each side, the curves, and what it means. @param {string} name @param {Measure} measure */
  row(name, { title, unit, words, better }) {
    const value = () => chartNode("td", { class: "value" });
    const svg = chartNode("svg", { viewBox: "0 0 100 24", preserveAspectRatio: "none", role: "img" });
    const meaning = `${words} ${better ? BETTER[better] : NEITHER}`;
    const heading = chartNode("th", { scope: "row" }, `${title}, ${unit === "share" ? "%" : unit}`);
    return chartNode("tr", { "data-name": name }, heading, value(), value(), chartNode("td", {}, svg), chartNode("td", { class: "words" }, meaning));
  }

  /**
   * One curve a side, a straight line for a side without a KL weight to set; returns the marker's way.
   * @param {SVGElement} svg @param {string} name
   */
  plot(svg, name) {
    const scores = this.series.map((each) => each.scores[name]);
    const values = scores.flatMap((score) => score?.value ?? []).filter(Number.isFinite);
    const betas = this.series.find((each) => each.beta.length > 1)?.beta ?? this.series[0].beta;
    const [low, high] = [Math.log(betas[0]), Math.log(betas[betas.length - 1])];
    const [least, most] = [Math.min(...values), Math.max(...values)];
    /** @param {number} beta */
    const x = (beta) => (high > low ? (100 * (Math.log(beta) - low)) / (high - low) : 50);
    /** @param {number} value */
    const y = (value) => 22 - (20 * (value - least)) / (most - least || 1);
    const lines = scores.flatMap((score, k) => {
      const points = (score?.value ?? []).map((value, i) => [this.series[k].beta.length > 1 ? x(this.series[k].beta[i]) : 0, y(value)]);
      if (points.length === 1) points.push([100, points[0][1]]);
      /** @param {number} i */
      const bound = (i) => Boolean(score?.bound?.[Math.min(i, score.bound.length - 1)]);
      /** @param {boolean} faint */
      const drawn = (faint) => points.map(([a, b], i) => `${i && (bound(i - 1) || bound(i)) === faint ? "L" : "M"}${a} ${b}`).join("");
      return [false, true].map((faint) => chartNode("path", { class: `${k ? "right" : "left"}${faint ? " bound" : ""}`, d: drawn(faint) }));
    });
    const now = chartNode("path", { class: "now" });
    svg.replaceChildren(...lines, now);
    const faint = scores.some((score) => score?.bound?.some(Boolean)) ? "; faint where the figures are bounds" : "";
    svg.setAttribute("aria-label", `Both models over the KL weight, from ${betas[0]} to ${betas.at(-1)}${faint}`);
    return { now, x };
  }

  /**
   * The figure of one side at a KL weight, between those that were measured.
   * @param {number} k @param {string} name @param {?number} beta
   * @returns {?Score}
   */
  at(k, name, beta) {
    const { beta: betas, scores } = this.series[k];
    const score = scores[name];
    if (!score) return null;
    const place = rungOf(betas, beta);
    const bound = Boolean(score.bound && (score.bound[place.rung] || (place.share && score.bound[place.rung + 1])));
    return { value: valueAt(score.value, place), error: valueAt(score.error, place), bound };
  }

  /** Shows the table at a KL weight. @param {?number} beta @param {string[]} spaces @param {boolean} settled */
  show(beta, spaces, settled) {
    const tables = this.message?.tables.filter((table) => table !== null) ?? [];
    if (!this.message || this.message.absent || tables.length < this.message.tables.length) return;
    if (this.key !== spaces.join()) this.build(spaces, tables);
    /** @type {Found[]} */
    const found = this.rows.map((row) => {
      const scores = [0, 1].map((k) => this.at(k, row.name, beta));
      return { ...row, scores, winner: this.winner(row.measure, scores), split: false };
    });
    const juries = Map.groupBy(
      found.filter(({ measure, winner }) => measure.jury && winner !== null),
      ({ measure }) => measure.jury,
    );
    const split = [...juries.values()].filter((jury) => new Set(jury.map(({ winner }) => winner)).size > 1).flat();
    for (const row of split) Object.assign(row, { winner: null, split: true });
    for (const { measure, cells, marks, scores, winner } of found) {
      scores.forEach((score, k) => {
        cells[k].textContent = score ? scoreText(score, measure) : "\u2013";
        cells[k].classList.toggle("better", winner === k);
      });
      if (beta !== null) marks.now.setAttribute("d", `M${marks.x(beta)} 0V24`);
    }
    if (settled) this.sentence.textContent = this.verdict(beta, this.votes(found));
  }

  /**
   * Which side has the better figure, 0 or 1; null where nobody can tell: what is a bound may be better than it looks.
   * @param {Measure} measure @param {(Score | null)[]} scores
   */
  winner({ better }, [a, b]) {
    if (!better || !a || !b || Math.abs(a.value - b.value) <= DIFFERS * Math.hypot(a.error, b.error)) return null;
    const first = a.value < b.value === (better === "lower");
    return (first ? b : a).bound ? null : first ? 0 : 1;
  }

  /** One vote a group of rows, since its rows measure one idea: {left, right, draw, split}, each a list of groups. @param {Found[]} found */
  votes(found) {
    const counted = found.filter(({ measure, scores }) => measure.better && scores.every(Boolean));
    /** @type {Votes} */
    const votes = { 0: [], 1: [], draw: [], split: [] };
    for (const [group, rows] of Map.groupBy(counted, ({ measure }) => measure.group)) {
      const winners = new Set(rows.map(({ winner }) => winner).filter((winner) => winner !== null));
      const vote = winners.size > 1 || rows.some((row) => row.split) ? "split" : winners.has(0) ? 0 : winners.has(1) ? 1 : "draw";
      votes[vote].push(group.toLowerCase());
    }
    return votes;
  }

  /** One paragraph made of the numbers. @param {?number} beta @param {Votes} votes */
  verdict(beta, votes) {
    const { names } = this.message;
    const { draw, split } = votes;
    const all = votes[0].length + votes[1].length + draw.length + split.length;
    const weight = beta === null ? "" : ` at KL weight ${weightText(beta)}`;
    /** @param {string[]} items */
    const list = (items) => (items.length ? ` (${items.join("; ")})` : "");
    const [first, second] = votes[1].length >= votes[0].length ? /** @type {const} */ ([1, 0]) : /** @type {const} */ ([0, 1]);
    const doubt = split.length ? ` In ${split.length} the rows contradict each other, so neither side wins${list(split)}.` : "";
    const most = `Of ${all} groups of measures${weight}, ${votes[first].length} favour ${names[first]}${list(votes[first])}`;
    const fewest = `${votes[second].length} favour ${names[second]}${list(votes[second])}`;
    return `${most}, and ${fewest}. In ${draw.length} they do not differ by more than two standard errors${list(draw)}.${doubt}`;
  }
}

/** A figure and its standard error, to as many digits as the error leaves; a bound with its sign. @param {Score} score @param {Measure} measure */
function scoreText({ value, error, bound }, { unit, better }) {
  const scale = unit === "share" ? 100 : 1;
  const digits = Math.min(4, Math.max(0, 1 - Math.floor(Math.log10(scale * error || 0.05))));
  const sign = bound ? (better === "lower" ? "\u2264 " : "\u2265 ") : "";
  return sign + minus(`${(scale * value).toFixed(digits)} \u00b1 ${(scale * error).toFixed(digits)}`);
}
