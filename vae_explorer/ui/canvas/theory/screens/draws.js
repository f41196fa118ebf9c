// What an estimate from draws is, as vae_explorer/theory/sampling.py has it: logarithms throughout, for P(X) is below e^-1000.

/**
 * The estimate of log P(X) after so many draws each, in rising order.
 * @param {ArrayLike<number>} logs of what each draw counts @param {number[]} counts @param {number} [start] the first draw
 */
export function estimatesAt(logs, counts, start = 0) {
  const found = [];
  let most = -Infinity;
  let sum = 0;
  let at = 0;
  for (const count of counts) {
    for (; at < count; at++) {
      const log = logs[start + at];
      if (log > most) {
        sum = sum * Math.exp(most - log) + 1;
        most = log;
      } else sum += Math.exp(log - most);
    }
    found.push(most + Math.log(sum / count));
  }
  return found;
}

/** The draws, heaviest first, that carry so much of the sum of the first n. @param {Float32Array} logs @param {number} n @param {number} [share] */
export function carriersOf(logs, n, share = 0.99) {
  const first = logs.subarray(0, n);
  let most = -Infinity;
  for (const log of first) if (log > most) most = log;
  const order = new Uint32Array(first.length).map((_, k) => k).sort((a, b) => first[b] - first[a]);
  let total = 0;
  for (const k of order) total += Math.exp(first[k] - most);
  let sum = 0;
  let count = 0;
  while (count < order.length && (count === 0 || sum < share * total)) sum += Math.exp(first[order[count++]] - most);
  return order.subarray(0, count);
}

/** Whole numbers from 1 to the most, eight to a factor of two. @param {number} most */
export function countsTo(most) {
  const found = new Set([most]);
  for (let step = 0; 2 ** (step / 8) <= most; step++) found.add(Math.round(2 ** (step / 8)));
  return [...found].filter((count) => count <= most).sort((a, b) => a - b);
}

/** A count that may be beyond all writing out. @param {number} value */
export function countText(value) {
  if (value < 1e6) return Math.round(value).toLocaleString("en");
  const [head, power] = value.toExponential(0).split("e+");
  return `${head}e${power}`;
}
