// The marks by which classes are told apart without colours: paths around the origin, all with the area of a disc.

import { contextOf } from "./canvas.js";

/** By name, as in figures/theme.py: a disc is a disc in every class, the others are for those that ask for them. @type {Record<string, string>} */
export const MARKS = {
  disc: "M1 0A1 1 0 1 1 -1 0A1 1 0 1 1 1 0Z",
  square: "M-0.89 -0.89H0.89V0.89H-0.89Z",
  triangle: "M0 -1.42L1.3 0.85H-1.3Z",
  diamond: "M0 -1.3L1.3 0L0 1.3L-1.3 0Z",
  plus: "M-0.38 -1.22L0.38 -1.22L0.38 -0.38L1.22 -0.38L1.22 0.38L0.38 0.38L0.38 1.22L-0.38 1.22L-0.38 0.38L-1.22 0.38L-1.22 -0.38L-0.38 -0.38Z",
  cross: "M0.59 -1.13L1.13 -0.59L0.54 0.00L1.13 0.59L0.59 1.13L0.00 0.54L-0.59 1.13L-1.13 0.59L-0.54 0.00L-1.13 -0.59L-0.59 -1.13L0.00 -0.54Z",
  wedge: "M0 1.42L-1.3 -0.85H1.3Z",
  ring: "M1.18 0A1.18 1.18 0 1 1 -1.18 0A1.18 1.18 0 1 1 1.18 0ZM0.6 0A0.6 0.6 0 1 0 -0.6 0A0.6 0.6 0 1 0 0.6 0Z",
  star: "M0.00 -1.65L0.42 -0.58L1.57 -0.51L0.68 0.22L0.97 1.33L0.00 0.72L-0.97 1.33L-0.68 0.22L-1.57 -0.51L-0.42 -0.58Z",
  bar: "M-1.55 -0.5H1.55V0.5H-1.55Z",
};
const MARK_REACH = 1.65; // beyond it no mark goes, in radii
export const MARK_LEAST = 3; // px of radius from which marks are told apart

/**
 * Returns a mark as offsets from its centre's pixel, with coverages from 1 to 255.
 * @param {string} name @param {number} radius
 * @returns {import("./raster.js").Stamp}
 */
export function markStamp(name, radius) {
  const reach = Math.ceil(MARK_REACH * radius);
  const side = 2 * reach + 1;
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const context = contextOf(canvas, { willReadFrequently: true });
  context.translate(reach + 0.5, reach + 0.5);
  context.scale(radius, radius);
  context.fill(new Path2D(MARKS[name]));
  const { data } = context.getImageData(0, 0, side, side);
  const cells = [];
  for (let k = 0; k < side * side; k++) {
    if (data[4 * k + 3] > 5) cells.push([(k % side) - reach, Math.floor(k / side) - reach, data[4 * k + 3]]);
  }
  return { reach, cells };
}

/** Returns a mark as a small picture for a legend. @param {string} name */
export function markPicture(name) {
  /** @param {string} tag */
  const node = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
  const [svg, path] = [node("svg"), node("path")];
  Object.entries({ viewBox: "-1.7 -1.7 3.4 3.4", class: "mark", "aria-hidden": "true" }).forEach(([key, value]) => svg.setAttribute(key, value));
  path.setAttribute("d", MARKS[name]);
  svg.append(path);
  return svg;
}
