// What is said beside the ring's sheets: where things land, and what Python found, in words and bars.

import { powerText } from "../chart.js";

/** @import { Mark } from "../marks.js" */
/** @import { PartAnswer } from "../talk.js" */

/**
 * What Python says of the brushed square and of the draws.
 * @typedef {PartAnswer & {mass: number, area: number, landed: number, before: number, det: number, after: number, lands?: number[], point_density: number,
 *   preimages?: number, edges?: Float32Array, counts?: Float32Array, expected?: Float32Array, missed?: number, images?: Uint8Array, tiles?: number,
 *   steps?: number, chunk?: number}} RingAnswer
 */

/** @type {[string, string][]} */
export const RING_MAPS = [
  ["ring", "Ring"],
  ["moons", "Two moons"],
  ["spiral", "Spiral"],
  ["drawing", "Drawing"],
  ["decoder", "Decoder"],
];

/** A number by three digits. @param {number} value */
export function threeDigits(value) {
  if (!Number.isFinite(value)) return "\u221e";
  if (value === 0 || (Math.abs(value) >= 0.001 && Math.abs(value) < 1000)) return value.toPrecision(3);
  if (Math.abs(value) >= 1000) return Number(value.toPrecision(3)).toLocaleString("en");
  const [digits, power] = value.toExponential(1).split("e");
  return `${digits}\u00b7${powerText(Number(power))}`;
}

/** The right sheet's title. @param {string} kind @param {?number} step of the flow, once there is one */
export function titleOf(kind, step) {
  if (kind === "decoder") return "f(z): images of the brushed square, a surface in pixel space";
  if (kind === "drawing" && step === null) return "Draw a shape here: a flow will learn it";
  if (kind === "drawing") return `g(z): a coupling flow after ${step?.toLocaleString("en")} steps`;
  if (kind === "moons") return "g(z): two moons, torn along z\u2081 = 0; not one-to-one";
  if (kind === "spiral") return "g(z): a spiral, whose turns overlap; not one-to-one";
  return "g(z) = z/a + z/\u2016z\u2016: one-to-one, but for z = 0";
}

/** @param {RingAnswer} said */
export function factsOf(said) {
  const share = `${(100 * said.mass).toPrecision(3)} % of the mass`;
  if (said.images) {
    const pixels = said.images.length / (said.tiles ?? 1) ** 2;
    return `The square holds ${share}; its area ${threeDigits(said.area)} becomes ${threeDigits(said.landed)} of surface. J is ${pixels} \u00d7 2 and has no determinant: the number is the area element \u221adet J\u1d40J, not |det J|; p is a density on the surface.`;
  }
  const many = said.preimages === 1 ? "one point lands there" : `${said.preimages} points land there, and their densities add up`;
  const square = `The square holds ${share}; its area ${threeDigits(said.area)} becomes ${threeDigits(said.landed)}.`;
  if (!said.preimages) return `${square} Its middle, z = 0, has no direction: it lands on no one point.`;
  return `${square} Where its middle lands, p(y) = ${threeDigits(said.point_density)}: ${many}.`;
}

/** Draws over their distance from 0, and what the density says. @param {RingAnswer} said @returns {Mark[]} */
export function histogramMarks({ edges, counts, expected, missed = 0 }) {
  if (!edges || !counts || !expected) return [];
  /** @type {Mark[]} */
  const marks = [
    { mark: "bars", opacity: 0.45, bars: Array.from(counts, (count, k) => [edges[k], edges[k + 1], count]) },
    { mark: "line", term: "after", points: Array.from(expected, (count, k) => [(edges[k] + edges[k + 1]) / 2, count]), width: 2.5 },
  ];
  if (missed) marks.push({ mark: "word", x: edges[edges.length - 1], y: 0, dx: -2, dy: -6, anchor: "end", text: `${missed} beyond` });
  return marks;
}

/** The truth of the prediction. @param {string} kind @param {number[]} at @param {RingAnswer} said */
export function whereItLands(kind, at, said) {
  const area = `its area ${threeDigits(said.area)} becomes ${threeDigits(said.landed)}.`;
  if (kind === "ring" && Math.max(Math.abs(at[0]), Math.abs(at[1])) < at[2]) return `All around the circle of radius 1, not at one place: ${area}`;
  if (kind === "moons" && Math.abs(at[0]) < at[2]) return `At the beginnings of both moons, torn in two: ${area}`;
  return `Around (${(said.lands ?? []).map((v) => v.toFixed(2)).join(", ")}): ${area}`;
}
