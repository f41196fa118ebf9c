// Marks in an SVG, each of a term of the formula: lines, bands, bars, dots, rules, ellipses, arrows, words.

/**
 * Builds an element of an SVG.
 * @template {keyof SVGElementTagNameMap} T @param {T} tag @param {Record<string, string | number>} [attributes] @param {Node[]} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function svgNode(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, String(value)));
  made.append(...children);
  return made;
}

let clips = 0; // boxes that marks are cut at, for their ids

/** Returns what cuts marks at a box: the element, and how a group names it. @param {{x: number, y: number, width: number, height: number}} box */
export function clipOf({ x, y, width, height }) {
  const id = `clip-${clips++}`;
  return { clip: svgNode("clipPath", { id }, svgNode("rect", { x, y, width, height })), "clip-path": `url(#${id})` };
}

/** @typedef {[number, number]} XY */

/**
 * A mark, in data units. `term` ties it to the formula, whose colour it takes (several, between spaces: the first one's); without
 * one it is of the text's colour.
 *   line     points; dashed, width (px), closed, fill (opacity of its inside)
 *   band     between two lines: low and high, point by point
 *   bars     [x0, x1, y] each, from the axis (or `base`)
 *   dots     points; radius (px), or radii, one a point; hollow
 *   rule     a line across the plot at x or at y, with a word
 *   ellipse  x, y, half axes rx and ry (data units), angle (radians, counter-clockwise); dashed, fill
 *   arrow    from one point to another; width
 *   word     a text at a point; anchor, dx and dy (px)
 * @typedef {{mark: "line" | "band" | "bars" | "dots" | "rule" | "ellipse" | "arrow" | "word", term?: string, points?: ArrayLike<number>[],
 *   low?: ArrayLike<number>[], high?: ArrayLike<number>[], bars?: number[][], base?: number, radius?: number, radii?: ArrayLike<number>,
 *   hollow?: boolean, x?: number, y?: number, rx?: number, ry?: number, angle?: number, from?: ArrayLike<number>, to?: ArrayLike<number>, text?: string,
 *   anchor?: "start" | "middle" | "end", dx?: number, dy?: number, dashed?: boolean, width?: number, closed?: boolean, fill?: number,
 *   opacity?: number, faint?: boolean}} Mark
 */

/**
 * Where data units lie: px of each coordinate, and the plot's box.
 * @typedef {{x: (value: number) => number, y: (value: number) => number, box: {x: number, y: number, width: number, height: number}}} Places
 */

/** @param {number} value */
const short = (value) => value.toFixed(1);

/** @param {ArrayLike<number>[]} points @param {Places} at */
const pathOf = (points, at) => points.map((p, k) => `${k ? "L" : "M"}${short(at.x(p[0]))},${short(at.y(p[1]))}`).join("");

/** @type {Record<Mark["mark"], (mark: Mark, at: Places) => SVGElement[]>} */
const DRAW = {
  line: ({ points = [], closed = false, fill = 0 }, at) => [
    svgNode("path", { d: pathOf(points, at) + (closed ? "Z" : ""), class: "stroke", "fill-opacity": fill, ...(fill ? { fill: "currentColor" } : {}) }),
  ],
  band: ({ low = [], high = [] }, at) => [svgNode("path", { d: `${pathOf([...low, ...[...high].reverse()], at)}Z`, class: "area" })],
  bars: ({ bars = [], base = 0 }, at) =>
    bars.map(([x0, x1, y]) => {
      const [left, right] = [at.x(x0), at.x(x1)].sort((a, b) => a - b);
      const [top, bottom] = [at.y(y), at.y(base)].sort((a, b) => a - b);
      const gap = Math.min(1, (right - left) / 6);
      return svgNode("rect", { x: left + gap / 2, y: top, width: Math.max(0.5, right - left - gap), height: Math.max(0, bottom - top), class: "bar" });
    }),
  dots: ({ points = [], radius = 3, radii, hollow = false }, at) =>
    points.map((p, k) => svgNode("circle", { cx: short(at.x(p[0])), cy: short(at.y(p[1])), r: radii ? radii[k] : radius, class: hollow ? "hollow" : "dot" })),
  rule: ({ x, y, text = "" }, at) => {
    const { box } = at;
    const ends =
      x === undefined
        ? { x1: box.x, x2: box.x + box.width, y1: at.y(y ?? 0), y2: at.y(y ?? 0) }
        : { x1: at.x(x), x2: at.x(x), y1: box.y, y2: box.y + box.height };
    const line = svgNode("line", { ...ends, class: "stroke" });
    if (!text) return [line];
    const late = x !== undefined && at.x(x) > box.x + 0.6 * box.width;
    const place =
      x === undefined
        ? { x: box.x + box.width - 4, y: at.y(y ?? 0) - 5, "text-anchor": "end" }
        : { x: at.x(x) + (late ? -5 : 5), y: box.y + 12, "text-anchor": late ? "end" : "start" };
    return [line, wordAt(place, text)];
  },
  ellipse: ({ x = 0, y = 0, rx = 1, ry = 1, angle = 0, fill = 0.08 }, at) => {
    const scale = [Math.abs(at.x(1) - at.x(0)), Math.abs(at.y(1) - at.y(0))];
    const turn = `rotate(${(-180 * angle) / Math.PI} ${at.x(x)} ${at.y(y)})`;
    const size = { cx: at.x(x), cy: at.y(y), rx: rx * scale[0], ry: ry * scale[1], transform: turn };
    return [svgNode("ellipse", { ...size, class: "stroke", fill: "currentColor", "fill-opacity": fill })];
  },
  arrow: ({ from = [0, 0], to = [0, 0] }, at) => {
    const [x1, y1, x2, y2] = [at.x(from[0]), at.y(from[1]), at.x(to[0]), at.y(to[1])];
    const length = Math.hypot(x2 - x1, y2 - y1) || 1;
    const [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length];
    const tip = Math.min(9, 0.6 * length);
    const head = `M${x2},${y2}L${x2 - tip * ux + 0.5 * tip * uy},${y2 - tip * uy - 0.5 * tip * ux}L${x2 - tip * ux - 0.5 * tip * uy},${y2 - tip * uy + 0.5 * tip * ux}Z`;
    return [svgNode("line", { x1, y1, x2: x2 - 0.7 * tip * ux, y2: y2 - 0.7 * tip * uy, class: "stroke" }), svgNode("path", { d: head, class: "head" })];
  },
  word: ({ x = 0, y = 0, text = "", anchor = "middle", dx = 0, dy = 0 }, at) => [wordAt({ x: at.x(x) + dx, y: at.y(y) + dy, "text-anchor": anchor }, text)],
};

/** @param {Record<string, string | number>} place @param {string} text */
function wordAt(place, text) {
  const node = svgNode("text", { ...place, class: "word" });
  node.textContent = text;
  return node;
}

/** Returns the group of one mark. @param {Mark} mark @param {Places} at */
export function markNode(mark, at) {
  const { term, dashed, width, opacity, faint } = mark;
  const group = svgNode("g", { class: `mark ${mark.mark}${dashed ? " dashed" : ""}${faint ? " faint" : ""}` });
  if (term) group.dataset.term = term;
  if (term) group.style.setProperty("--term", `var(--term-${term.split(" ")[0]})`); // of several, the first one's colour
  if (width !== undefined) group.style.setProperty("--width", String(width));
  if (opacity !== undefined) group.style.opacity = String(opacity);
  group.append(...DRAW[mark.mark](mark, at));
  return group;
}
