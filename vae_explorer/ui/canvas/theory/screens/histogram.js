// Counts of values, and numbers of three figures.

/**
 * Counts values in bins of equal width, of which one is centred on `centre`; those beyond 99 % go into the outermost.
 * @param {ArrayLike<number>} values @param {number} bins @param {number} centre
 * @returns {[number, number, number][]} from, to, count
 */
export function binned(values, bins, centre) {
  const sorted = Float64Array.from(values).sort();
  /** @param {number} share */
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(share * (sorted.length - 1))))] ?? centre;
  const far = Math.max(Math.abs(at(0.005) - centre), Math.abs(at(0.995) - centre), 1e-9);
  const width = (2 * far) / bins;
  const low = centre - (Math.floor(bins / 2) + 0.5) * width;
  /** @type {[number, number, number][]} */
  const counts = Array.from({ length: bins + 1 }, (_, k) => [low + k * width, low + (k + 1) * width, 0]);
  for (const value of sorted) counts[Math.min(bins, Math.max(0, Math.floor((value - low) / width)))][2]++;
  return counts;
}

/** Three significant figures, with commas between thousands. @param {number} value */
export function inFigures(value) {
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e9)) return value.toExponential(1);
  return Number(value.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 });
}
