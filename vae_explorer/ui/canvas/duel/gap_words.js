// Where a map says what its ink means: in the middle of the largest stretches.

/** @import { Place, Scatter } from "../scatter/scatter.js" */

const INKED = 1 / 3; // of all ink, from which on a cell belongs to a gap
const LEAST = 0.008; // of the cells that are seen: a smaller stretch has no word
const MOST = 3; // words on a map
const REACHED = 4; // cells on each side that make a place the middle
const MARGIN = 28; // px from the plot's lower edge
const BESIDE = 5; // lines of type from its left and right edges: half of the words
const STRIP = 64; // px of its upper edge that the worst spots cover

/**
 * @param {ArrayLike<number>} bad how bad each cell is, the top row first; `top` is all ink
 * @param {number} side cells @param {number[]} extent of them @param {number} top @param {Scatter} plot which part of it is seen
 * @param {string} text
 * @returns {{x: number, y: number, text: string}[]}
 */
export function gapWords(bad, side, extent, top, plot, text) {
  const [x0, x1, y0, y1] = extent;
  const { box, style } = plot;
  const beside = Math.min(BESIDE * style.size, box.width / 3);
  const inked = new Uint8Array(side * side);
  let seen = 0;
  /** @param {number} cell @returns {{x: number, y: number}} */
  const at = (cell) => ({ x: x0 + ((cell % side) + 0.5) * ((x1 - x0) / side), y: y1 - (Math.floor(cell / side) + 0.5) * ((y1 - y0) / side) });
  for (let cell = 0; cell < inked.length; cell++) {
    const { x, y } = at(cell);
    const p = plot.toPixel(x, y);
    const inside = p.x > box.x + beside && p.x < box.x + box.width - beside && p.y > box.y + STRIP && p.y < box.y + box.height - MARGIN;
    if (!inside) continue;
    seen++;
    if (bad[cell] >= INKED * top) inked[cell] = 1;
  }
  const stretches = stretchesOf(inked, side).filter((cells) => cells.length >= LEAST * seen);
  return stretches
    .sort((a, b) => b.length - a.length)
    .slice(0, MOST)
    .map((cells) => ({ ...at(middleOf(cells, inked, side)), text }));
}

/** Cells that touch each other, stretch by stretch. @param {Uint8Array} inked @param {number} side @returns {number[][]} */
function stretchesOf(inked, side) {
  const left = Uint8Array.from(inked);
  const found = [];
  for (let start = 0; start < left.length; start++) {
    if (!left[start]) continue;
    const cells = [start];
    left[start] = 0;
    for (let k = 0; k < cells.length; k++) {
      const cell = cells[k];
      const column = cell % side;
      for (const next of [column > 0 ? cell - 1 : -1, column < side - 1 ? cell + 1 : -1, cell - side, cell + side]) {
        if (next < 0 || next >= left.length || !left[next]) continue;
        left[next] = 0;
        cells.push(next);
      }
    }
    found.push(cells);
  }
  return found;
}

/** The cell with the most ink around it. @param {number[]} cells @param {Uint8Array} inked @param {number} side */
function middleOf(cells, inked, side) {
  let [best, most] = [cells[0], -1];
  for (const cell of cells) {
    const [row, column] = [Math.floor(cell / side), cell % side];
    let sum = 0;
    for (let i = Math.max(0, row - REACHED); i <= Math.min(side - 1, row + REACHED); i++)
      for (let j = Math.max(0, column - REACHED); j <= Math.min(side - 1, column + REACHED); j++) sum += inked[i * side + j];
    if (sum > most) [best, most] = [cell, sum];
  }
  return best;
}
