// A field's values: how bad each is, which lie on the map, and the range that all ink stands for.

/** @import { Better, DrawnField } from "./duel_side.js" */

const FEW = 0.05; // of a field's cells, which are worse than all ink

/** How far each cell is from the good end of a range. @param {DrawnField} field @param {Better} better @param {number} low @param {number} high */
export function badness({ values }, better, low, high) {
  return values.map((value) => Math.max(0, better === "lower" ? value - low : high - value));
}

/** The values of the cells within a square of the plane. @param {DrawnField} field @param {{x: number, y: number, half: number}} square */
export function insideOf({ values, side, extent }, { x, y, half }) {
  const [x0, x1, y0, y1] = extent;
  return values.filter((_, cell) => {
    const across = x0 + ((cell % side) + 0.5) * ((x1 - x0) / side) - x;
    const up = y1 - (Math.floor(cell / side) + 0.5) * ((y1 - y0) / side) - y;
    return Math.max(Math.abs(across), Math.abs(up)) <= half;
  });
}

/** The least value and one that few exceed, on the bad side. @param {Float32Array} values @param {Better} better */
export function rangeOf(values, better) {
  const sorted = Float32Array.from(values).filter(Number.isFinite).sort();
  /** @param {number} share */
  const at = (share) => sorted[Math.floor(share * (sorted.length - 1))];
  return better === "lower" ? [at(0), at(1 - FEW)] : [at(FEW), at(1)];
}
