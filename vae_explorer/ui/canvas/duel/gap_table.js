// The gap table: every measure on both sides at the KL weight of now, its curve over the KL weight, and what it says.

import { minus } from "../panel.js";
import { rungOf, valueAt } from "../rungs.js";
import { weightText } from "../weight.js";

const DIFFERS = 2; // standard errors between two figures that count as different
const BETTER = { lower: "Lower is better.", higher: "Higher is better.", null: "Neither more nor less is better." };

export class GapTable {
  constructor(host) {
    this.host = host;
    this.sentence = document.createElement("p");
    this.sentence.className = "sentence";
    this.table = document.createElement("table");
    this.foot = document.createElement("p");
    this.foot.className = "words";
  }

  /** @param {object} message measures, and one table a side: {beta: [...], samplings: {name: {measure: {value: [...], error: [...], bound: [...] or null}}}, caption} */
  set(message) {
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
    this.foot.textContent = message.tables.map((table, k) => `${message.names[k]}: ${table.caption}`).join(". ");
    this.key = null;
  }

  /** Builds the rows for what each side is sampled from. */
  build(spaces) {
    const { measures, names, tables } = this.message;
    this.key = spaces.join();
    this.series = tables.map((table, k) => ({ beta: table.beta, scores: table.samplings[spaces[k]] }));
    const head = tableNode(
      "thead",
      {},
      tableNode("tr", {}, ...["Measure", ...names, "over the KL weight"].map((text) => tableNode("th", { scope: "col" }, text)), tableNode("th")),
    );
    const body = tableNode("tbody");
    let group = "";
    for (const [name, measure] of Object.entries(measures)) {
      if (!this.series.some((each) => each.scores[name])) continue;
      if (measure.group !== group)
        body.append(tableNode("tr", {}, tableNode("th", { class: "group", scope: "rowgroup", colspan: 5 }, (group = measure.group))));
      body.append(this.row(name, measure));
    }
    this.table.replaceChildren(head, body);
    this.rows = [...this.table.querySelectorAll("tr[data-name]")].map((row) => {
      const { name } = row.dataset;
      const cells = row.querySelectorAll(".value");
      const marks = this.plot(row.querySelector("svg"), name);
      return { name, measure: measures[name], cells, marks };
    });
  }

  /** One measure: title, a figure for each side, the curves, and what it means. */
  row(name, { title, unit, words, better }) {
    const value = () => tableNode("td", { class: "value" });
    const svg = tableNode("svg", { viewBox: "0 0 100 24", preserveAspectRatio: "none", role: "img" });
    const meaning = `${words} ${BETTER[better]}`;
    const heading = tableNode("th", { scope: "row" }, `${title}, ${unit === "share" ? "%" : unit}`);
    return tableNode("tr", { "data-name": name }, heading, value(), value(), tableNode("td", {}, svg), tableNode("td", { class: "words" }, meaning));
  }

  /** One curve a side, a straight line for a side without a KL weight to set; returns the marker's way. */
  plot(svg, name) {
    const scores = this.series.map((each) => each.scores[name]);
    const values = scores.flatMap((score) => score?.value ?? []).filter(Number.isFinite);
    const betas = this.series.find((each) => each.beta.length > 1)?.beta ?? this.series[0].beta;
    const [low, high] = [Math.log(betas[0]), Math.log(betas.at(-1))];
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const x = (beta) => (high > low ? (100 * (Math.log(beta) - low)) / (high - low) : 50);
    const y = (value) => 22 - (20 * (value - least)) / (most - least || 1);
    const lines = scores.flatMap((score, k) => {
      const points = (score?.value ?? []).map((value, i) => [this.series[k].beta.length > 1 ? x(this.series[k].beta[i]) : 0, y(value)]);
      if (points.length === 1) points.push([100, points[0][1]]);
      const bound = (i) => Boolean(score.bound?.[Math.min(i, score.bound.length - 1)]);
      const drawn = (faint) => points.map(([a, b], i) => `${i && (bound(i - 1) || bound(i)) === faint ? "L" : "M"}${a} ${b}`).join("");
      return [false, true].map((faint) => tableNode("path", { class: `${k ? "right" : "left"}${faint ? " bound" : ""}`, d: drawn(faint) }));
    });
    const now = tableNode("path", { class: "now" });
    svg.replaceChildren(...lines, now);
    const faint = scores.some((score) => score?.bound?.some(Boolean)) ? "; faint where the figures are bounds" : "";
    svg.setAttribute("aria-label", `Both models over the KL weight, from ${betas[0]} to ${betas.at(-1)}${faint}`);
    return { now, x };
  }

  /** The figure of one side at a KL weight, between those that were measured. */
  at(k, name, beta) {
    const { beta: betas, scores } = this.series[k];
    const score = scores[name];
    if (!score) return null;
    const place = rungOf(betas, beta);
    const bound = Boolean(score.bound && (score.bound[place.rung] || (place.share && score.bound[place.rung + 1])));
    return { value: valueAt(score.value, place), error: valueAt(score.error, place), bound };
  }

  /** Shows the table at a KL weight. */
  show(beta, spaces, settled) {
    if (!this.message || this.message.absent || !this.message.tables.every(Boolean)) return;
    if (this.key !== spaces.join()) this.build(spaces);
    const found = this.rows.map((row) => {
      const scores = [0, 1].map((k) => this.at(k, row.name, beta));
      return { ...row, scores, winner: this.winner(row.measure, scores) };
    });
    const juries = Object.groupBy(
      found.filter(({ measure, winner }) => measure.jury && winner !== null),
      ({ measure }) => measure.jury,
    );
    const split = Object.values(juries)
      .filter((jury) => new Set(jury.map(({ winner }) => winner)).size > 1)
      .flat();
    for (const row of split) [row.winner, row.split] = [null, true];
    for (const { measure, cells, marks, scores, winner } of found) {
      scores.forEach((score, k) => {
        cells[k].textContent = score ? scoreText(score, measure) : "\u2013";
        cells[k].classList.toggle("better", winner === k);
      });
      if (beta !== null) marks.now.setAttribute("d", `M${marks.x(beta)} 0V24`);
    }
    if (settled) this.sentence.textContent = this.verdict(beta, this.votes(found));
  }

  /** Which side has the better figure, 0 or 1; null where nobody can tell: what is a bound may be better than it looks. */
  winner({ better }, [a, b]) {
    if (!better || !a || !b || Math.abs(a.value - b.value) <= DIFFERS * Math.hypot(a.error, b.error)) return null;
    const first = a.value < b.value === (better === "lower");
    return (first ? b : a).bound ? null : first ? 0 : 1;
  }

  /** One vote a group of rows, since its rows measure one idea: {left, right, draw, split}, each a list of groups. */
  votes(found) {
    const counted = found.filter(({ measure, scores }) => measure.better && scores.every(Boolean));
    const votes = { 0: [], 1: [], draw: [], split: [] };
    for (const [group, rows] of Object.entries(Object.groupBy(counted, ({ measure }) => measure.group))) {
      const winners = new Set(rows.map(({ winner }) => winner).filter((winner) => winner !== null));
      const vote = winners.size > 1 || rows.some((row) => row.split) ? "split" : winners.size ? [...winners][0] : "draw";
      votes[vote].push(group.toLowerCase());
    }
    return votes;
  }

  /** One paragraph made of the numbers. */
  verdict(beta, votes) {
    const { names } = this.message;
    const { draw, split } = votes;
    const all = votes[0].length + votes[1].length + draw.length + split.length;
    const weight = beta === null ? "" : ` at KL weight ${weightText(beta)}`;
    const list = (items) => (items.length ? ` (${items.join("; ")})` : "");
    const [first, second] = votes[1].length >= votes[0].length ? [1, 0] : [0, 1];
    const doubt = split.length ? ` In ${split.length} the rows contradict each other, so neither side wins${list(split)}.` : "";
    const most = `Of ${all} groups of measures${weight}, ${votes[first].length} favour ${names[first]}${list(votes[first])}`;
    const fewest = `${votes[second].length} favour ${names[second]}${list(votes[second])}`;
    return `${most}, and ${fewest}. In ${draw.length} they do not differ by more than two standard errors${list(draw)}.${doubt}`;
  }
}

/** Builds an element from its tag, attributes and children (text among them): names are never read as HTML. */
function tableNode(tag, attributes = {}, ...children) {
  const space = ["svg", "path"].includes(tag) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const made = document.createElementNS(space, tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  made.append(...children);
  return made;
}

/** A figure and its standard error, to as many digits as the error leaves; a bound with its sign. */
function scoreText({ value, error, bound }, { unit, better }) {
  const scale = unit === "share" ? 100 : 1;
  const digits = Math.min(4, Math.max(0, 1 - Math.floor(Math.log10(scale * error || 0.05))));
  const sign = bound ? (better === "lower" ? "\u2264 " : "\u2265 ") : "";
  return sign + minus(`${(scale * value).toFixed(digits)} \u00b1 ${(scale * error).toFixed(digits)}`);
}
