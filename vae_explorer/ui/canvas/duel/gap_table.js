// The gap table: every measure on both sides at the KL weight of now, its curve over the KL weight, and what it says.

import { chartNode } from "../charts.js";
import { finder } from "../dom.js";
import { minus } from "../panel.js";
import { rungOf, valueAt } from "../rungs.js";
import { weightText } from "../weight.js";
import { SPACES } from "./controls.js";

/** @import { Mixture } from "../gaussian.js" */
/** @import { Message } from "../wire.js" */
/** @import { Better } from "./duel_side.js" */

/**
 * How a figure is read: its heading, title and unit, its good end (null: it has none), what it means, whom several of them ask.
 * @typedef {{group: string, title: string, unit: string, better: ?Better, words: string, jury: string}} Measure
 */

/** How a field of the plane is read; `gap`: what stands where it is bad. @typedef {{title: string, unit: string, better: Better, words: string, gap: string}} Field */

/**
 * A figure at each KL weight, its standard error, and whether it is a bound only.
 * @typedef {{value: number[], error: number[], bound?: ?boolean[]}} Scores
 */

/**
 * The measures of one model, by what it is sampled from; and the mixture fitted to its codes.
 * @typedef {{beta: number[], samplings: Record<string, Record<string, Scores>>, caption: string, mixture: ?Mixture}} Table
 */

/**
 * What has been measured of both sides, as far as it has, and of further models of the same data; why there are no fields.
 * @typedef {Message & {kind: "tables", measures: Record<string, Measure>, fields: Record<string, Field>, tables: (Table | null)[],
 *   absent: ?string, names: string[], further: {name: string, table: Table}[]}} TablesMessage
 */

/** One column of the table: a model, and what it is sampled from. @typedef {{name: string, space: string, table: Table}} Column */

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
  /** @param {HTMLElement} host @param {HTMLElement} verdict */
  constructor(host, verdict) {
    this.host = host;
    this.place = verdict;
    /** @type {TableRow[]} */
    this.rows = [];
    /** @type {{beta: number[], scores: Record<string, Scores>}[]} */
    this.series = []; // of each column, for what it is sampled from
    /** @type {?string} */
    this.key = null; // what the rows are for
    this.sentence = document.createElement("p");
    this.sentence.className = "sentence";
    this.doubts = document.createElement("p");
    this.doubts.className = "doubts";
    this.place.append(this.sentence, this.doubts);
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
    if (!left || !right) {
      const missing = message.names.filter((_, k) => !message.tables[k]);
      this.sentence.textContent = `The gaps of ${missing.join(" and ")} have not been measured yet: python -m vae_explorer gaps ${missing.join(" ")}`;
      this.doubts.textContent = "";
      this.host.append("Nothing has been measured that both could be compared by.");
      this.rows = [];
      return;
    }
    this.host.append(this.table, this.foot);
    this.foot.textContent = [
      "A group that one side lacks is not counted in the verdict",
      ...[left, right].map((table, k) => `${message.names[k]}: ${table.caption}`),
    ].join(". ");
    this.key = null;
  }

  /**
   * Both sides as they are sampled from; then, so that nobody takes a fitted one for the usual one, each without a prior from
   * N(0, I), and further models of the same data.
   * @param {string[]} spaces @param {Table[]} tables @returns {Column[]}
   */
  columns(spaces, tables) {
    const { names, further } = this.message;
    const sides = tables.map((table, k) => ({ name: names[k], space: spaces[k], table }));
    const fitted = sides.filter(({ space }) => space !== "prior").map((side) => ({ ...side, space: "prior" }));
    return [...sides, ...fitted, ...further.map(({ name, table }) => ({ name, table, space: "prior" }))];
  }

  /** Builds the rows for what each side is sampled from. @param {string[]} spaces @param {Table[]} tables */
  build(spaces, tables) {
    const { measures } = this.message;
    this.key = spaces.join();
    const columns = this.columns(spaces, tables);
    this.series = columns.map(({ table, space }) => ({ beta: table.beta, scores: table.samplings[space] }));
    const heads = columns.map(({ name, space }, k) =>
      chartNode("th", { scope: "col", class: ["left", "right"][k] ?? "further" }, `${name},`, chartNode("br"), SPACES[space]),
    );
    const curve = chartNode("th", { scope: "col" }, "Both over the KL weight");
    const head = chartNode("thead", {}, chartNode("tr", {}, chartNode("th", { scope: "col" }, "Measure"), ...heads, curve, chartNode("th")));
    const body = chartNode("tbody");
    let group = "";
    for (const [name, measure] of Object.entries(measures)) {
      if (!this.series.some((each) => each.scores[name])) continue;
      if (measure.group !== group)
        body.append(chartNode("tr", {}, chartNode("th", { class: "group", scope: "rowgroup", colspan: columns.length + 3 }, (group = measure.group))));
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
    const values = this.series.map((_, k) => chartNode("td", { class: k < 2 ? "value" : "value further" }));
    const svg = chartNode("svg", { viewBox: "0 0 100 24", preserveAspectRatio: "none", role: "img" });
    const meaning = `${words} ${better ? BETTER[better] : NEITHER}`;
    const heading = chartNode("th", { scope: "row" }, `${title}, ${unit === "share" ? "%" : unit}`);
    return chartNode("tr", { "data-name": name }, heading, ...values, chartNode("td", {}, svg), chartNode("td", { class: "words" }, meaning));
  }

  /**
   * One curve a side, a straight line for a side without a KL weight to set; returns the marker's way.
   * @param {SVGElement} svg @param {string} name
   */
  plot(svg, name) {
    const scores = this.series.slice(0, 2).map((each) => each.scores[name]);
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
    if (!this.message || tables.length < this.message.tables.length) return;
    if (this.key !== spaces.join()) this.build(spaces, tables);
    /** @type {Found[]} */
    const found = this.rows.map((row) => {
      const scores = this.series.map((_, k) => this.at(k, row.name, beta));
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
      if (beta !== null) marks.now.setAttribute("d", `M${Math.min(100, Math.max(0, marks.x(beta)))} 0V24`);
    }
    if (!settled) return;
    const [most, rest] = this.verdict(beta, this.votes(found));
    const [claim, groups = ""] = most.split(/(?= \()/); // the groups are read second
    this.sentence.replaceChildren(claim, chartNode("span", {}, groups));
    this.doubts.textContent = rest;
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
    const counted = found.filter(({ measure, scores }) => measure.better && scores.slice(0, 2).every(Boolean));
    /** @type {Votes} */
    const votes = { 0: [], 1: [], draw: [], split: [] };
    for (const [group, rows] of Map.groupBy(counted, ({ measure }) => measure.group)) {
      const winners = new Set(rows.map(({ winner }) => winner).filter((winner) => winner !== null));
      const vote = winners.size > 1 || rows.some((row) => row.split) ? "split" : winners.has(0) ? 0 : winners.has(1) ? 1 : "draw";
      votes[vote].push(group.toLowerCase());
    }
    return votes;
  }

  /** The least and the largest KL weight of those that were measured of both sides. @returns {number[]} */
  get measured() {
    const rates = this.series.slice(0, 2).filter(({ beta }) => beta.length > 1);
    return [Math.max(...rates.map(({ beta }) => beta[0])), Math.min(...rates.map(({ beta }) => beta[beta.length - 1]))];
  }

  /** The figure of a side's measure, as it is sampled from. @param {number} k @param {string} name @param {?number} beta @returns {?Score} */
  score(k, name, beta) {
    return this.series[k] ? this.at(k, name, beta) : null;
  }

  /**
   * Two sentences made of the numbers: what favours the side that most of them do, and what does not.
   * @param {?number} beta @param {Votes} votes @returns {string[]}
   */
  verdict(beta, votes) {
    const { names } = this.message;
    const { draw, split } = votes;
    const all = votes[0].length + votes[1].length + draw.length + split.length;
    const [least, last] = this.measured;
    const shown = beta === null ? null : Math.min(last, Math.max(least, beta));
    const end = shown === beta ? "" : `, the ${beta !== null && beta < least ? "least" : "largest"} that was measured`;
    const weight = shown === null ? "" : ` at KL weight ${weightText(shown)}${end}`;
    /** @param {string[]} items */
    const list = (items) => (items.length ? ` (${items.join("; ")})` : "");
    const undecided = [
      ...(draw.length ? [`in ${draw.length} they do not differ by more than two standard errors${list(draw)}`] : []),
      ...(split.length ? [`in ${split.length} the rows contradict each other, so neither side wins${list(split)}`] : []),
    ];
    /** @param {string[]} groups */
    const favour = (groups) => (groups.length === 1 ? "favours" : "favour");
    const [first, second] = votes[1].length >= votes[0].length ? /** @type {const} */ ([1, 0]) : /** @type {const} */ ([0, 1]);
    if (votes[0].length === votes[1].length && votes[0].length) {
      const each = [0, 1].map((k) => `${names[k]}${list(votes[/** @type {0 | 1} */ (k)])}`).join(" and ");
      const tie = `Of ${all} groups of measures${weight}, as many favour either side, ${votes[0].length} each: ${each}.`;
      return [tie, undecided.length ? `Besides, ${undecided.join("; ")}.` : ""];
    }
    const most = `Of ${all} groups of measures${weight}, ${votes[first].length} ${favour(votes[first])} ${names[first]}${list(votes[first])}.`;
    const rest = [...(votes[second].length ? [`${votes[second].length} ${favour(votes[second])} ${names[second]}${list(votes[second])}`] : []), ...undecided];
    return [most, rest.length ? `What does not: ${rest.join("; ")}.` : "Nothing speaks against it."];
  }
}

/** A figure and its standard error, to as many digits as the error leaves; a bound with its sign. @param {Score} score @param {Measure} measure */
function scoreText({ value, error, bound }, { unit, better }) {
  const scale = unit === "share" ? 100 : 1;
  const digits = Math.min(unit === "classes" ? 2 : 4, Math.max(0, 1 - Math.floor(Math.log10(scale * error || 0.05))));
  const sign = bound ? (better === "lower" ? "\u2264 " : "\u2265 ") : "";
  return sign + minus(`${(scale * value).toFixed(digits)} \u00b1 ${(scale * error).toFixed(digits)}`);
}
