// An estimate against its draws, how many P(X) takes, and what a Gaussian calls alike: the marks of three charts, and what is said of them.

import { minus } from "../../panel.js";
import { countsTo, countText, estimatesAt } from "./draws.js";

/** @import { Mark } from "../marks.js" */
/** @import { PartAnswer } from "../talk.js" */

/** @typedef {PartAnswer & {about: unknown[], logPx: number, error: number, rate: number, logScatter: number}} ExactAnswer */
/** @typedef {PartAnswer & {about: unknown[], number: number, of: number, image: number, rate: number, needed: ?number, judged: number}} NeededAnswer */
/** @typedef {PartAnswer & {about: unknown[], models: {name: string, axes: number, rate: number}[]}} ModelsAnswer */

export const MOST_DRAWN = 100_000;
export const REPEATED = 20; // blocks of a thousand draws, whose estimates show the spread
export const ALIKE = ["A piece missing", "Shifted by half a pixel", "Shifted by a pixel", "Nearest of 1,000 draws"];
export const ALIKE_TERMS = ["carriers", "estimate", "exact", "draws"];

/** @param {number} value */
export const nats = (value) => minus(value.toFixed(Math.abs(value) < 1000 ? 2 : 0));

/**
 * The draws needed against the divergence: images that were measured, models of more axes, and the estimate.
 * @param {{exact: ?ExactAnswer, models: ?ModelsAnswer, needed: NeededAnswer[], judged: number, toJudge: number}} known
 */
export function growthOf({ exact, models, needed, judged, toJudge }) {
  const line = [0, 28].map((x) => [x, Math.exp(x)]);
  const found = needed.filter((each) => each.needed !== null);
  const rest = needed.filter((each) => each.needed === null);
  /** @type {Mark[]} */
  const marks = [{ mark: "line", term: "exact", points: line, dashed: true }];
  marks.push({ mark: "dots", term: "estimate", points: found.map(({ rate, needed: fewest }) => [rate, fewest ?? 1]), radius: 4.5 });
  marks.push({ mark: "dots", term: "estimate", points: rest.map((each) => [each.rate, each.judged]), radius: 4.5, hollow: true });
  for (const { name, axes, rate } of (models?.models ?? []).filter((each) => each.axes > 2)) {
    marks.push({ mark: "dots", term: "carriers", points: [[rate, Math.exp(rate)]], radius: 6, hollow: true });
    const text = `${name}: ${axes} axes, ${rate.toFixed(1)} nats`;
    marks.push({ mark: "word", term: "carriers", x: rate, y: Math.exp(rate), text, anchor: "end", dx: -10, dy: -4 });
  }
  const far = { x: 25, y: Math.exp(25) };
  marks.push({ mark: "dots", term: "carriers", points: [[far.x, far.y]], radius: 6, hollow: true });
  marks.push({ mark: "word", term: "carriers", ...far, text: "25 nats: 7e10 draws, an estimate", anchor: "end", dx: -10, dy: 4 });
  marks.push({ mark: "word", term: "exact", x: 14, y: Math.exp(14), text: "about exp(divergence): an estimate", anchor: "start", dx: 10, dy: 12 });
  const open = rest.length ? `; ${rest.length} take more than ${countText(rest[0].judged)} draws (hollow)` : "";
  const rates = exact ? ` This image: ${exact.rate.toFixed(1)} nats, about ${countText(Math.exp(exact.rate))} draws.` : "";
  const done = needed.length ? `${needed.length} of ${needed[0].of} test images` : `draws are decoded, ${judged} of ${toJudge} thousand`;
  return { marks, words: `Dots: measured on two axes, ${done}${open}.${rates}` };
}

/** How far each of some images lies below X, against sigma. @param {number[]} squared distances @param {number} sigma */
export function likenessOf(squared, sigma) {
  const sigmas = Array.from({ length: 81 }, (_, k) => 10 ** (-2 + k / 40));
  /** @type {Mark[]} */
  const marks = squared.map((distance, k) => ({
    mark: "line",
    term: ALIKE_TERMS[k],
    points: sigmas.map((each) => [each, distance / (2 * each ** 2)]),
    width: 2,
  }));
  marks.push({ mark: "rule", x: sigma, text: `\u03c3 = ${sigma}` });
  const [piece, half] = squared;
  const apart = Math.abs(half - piece) / (2 * sigma ** 2);
  const nearer = piece < half ? "what lacks a piece" : "what is shifted by half a pixel";
  const words = `Nearer to X, by ${nats(apart)} nats at this \u03c3: ${nearer}. Lines: how far log N(\u00b7 | X, \u03c3\u00b2 I) lies below that of X itself.`;
  return { marks, words };
}

/**
 * The running estimate, those of the first blocks, and the exact value with the band of one standard error of an estimate.
 * @param {Float32Array} logs @param {number} drawn
 * @param {{n: number, estimate: number, wanted: number, exact: ?ExactAnswer, origin: string}} shown
 */
export function convergenceOf(logs, drawn, { n, estimate, wanted, exact, origin }) {
  /** @type {Mark[]} */
  const marks = [];
  const counts = countsTo(1000);
  for (let block = 0; block < Math.min(REPEATED, drawn / 1000); block++) {
    const line = estimatesAt(logs, counts, 1000 * block);
    marks.push({ mark: "line", term: "draws", points: counts.map((count, k) => [count, line[k]]), width: 1, faint: true });
  }
  if (drawn) {
    const all = countsTo(drawn);
    const line = estimatesAt(logs, all);
    marks.push({ mark: "line", term: "estimate", points: all.map((count, k) => [count, line[k]]), width: 2 });
    marks.push({ mark: "dots", term: "estimate", points: [[n, estimate]], radius: 5 });
  }
  marks.push({ mark: "rule", x: wanted, width: 1, faint: true });
  if (!exact) return { marks, y: null };
  const error = exact.error < 0.005 ? "0.005" : exact.error.toFixed(2);
  marks.push({ mark: "rule", term: "exact", y: exact.logPx, text: `exact, ${nats(exact.logPx)} \u00b1 ${error}` });
  if (origin === "prior") {
    const relative = (/** @type {number} */ count) => Math.sqrt(Math.expm1(exact.logScatter) / count);
    const sure = countsTo(MOST_DRAWN).filter((count) => relative(count) < 0.6);
    const edge = (/** @type {number} */ sign) => sure.map((count) => [count, exact.logPx + Math.log1p(sign * relative(count))]);
    if (sure.length > 1) marks.unshift({ mark: "band", term: "exact", low: edge(-1), high: edge(1) });
  }
  const [below, above] = { prior: [25, 4], encoder: [8, 3], posterior: [2, 2] }[origin] ?? [25, 4];
  return { marks, y: /** @type {[number, number]} */ ([exact.logPx - below, exact.logPx + above]) };
}
