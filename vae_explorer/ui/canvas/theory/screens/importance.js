// The importance-weighted bound from a pool of log weights, as vae_explorer/theory/importance.py has it.

/** log of the mean weight of some draws. @param {Float64Array} logs */
export function logMeanWeight(logs) {
  let most = -Infinity;
  for (const log of logs) if (log > most) most = log;
  if (most === -Infinity) return most;
  let sum = 0;
  for (const log of logs) sum += Math.exp(log - most);
  return most + Math.log(sum / logs.length);
}

/** The weights of some draws as shares of their sum. @param {Float64Array} logs */
export function weightShares(logs) {
  let most = -Infinity;
  for (const log of logs) if (log > most) most = log;
  const shares = logs.map((log) => Math.exp(log - most));
  let sum = 0;
  for (const share of shares) sum += share;
  return shares.map((share) => share / sum);
}

/** How many equal draws some are as good as: 1 to their number. @param {Float64Array} logs */
export function effectiveSize(logs) {
  let squares = 0;
  for (const share of weightShares(logs)) squares += share ** 2;
  return 1 / squares;
}

/**
 * The bound with k draws, over the disjoint blocks of a pool: mean, standard error (NaN of one block), effective sample size.
 * @param {Float64Array} logs @param {number} k
 */
export function blockBound(logs, k) {
  const blocks = Math.floor(logs.length / k);
  const each = [];
  let effective = 0;
  for (let start = 0; start < blocks * k; start += k) {
    const block = logs.subarray(start, start + k);
    each.push(logMeanWeight(block));
    effective += effectiveSize(block);
  }
  const mean = each.reduce((sum, value) => sum + value, 0) / blocks;
  const variance = each.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (blocks - 1);
  return { k, mean, error: blocks > 1 ? Math.sqrt(variance / blocks) : NaN, effective: effective / blocks, blocks };
}

/** The bounds with 1, 2, 4 ... draws. @param {Float64Array} logs @param {number} most draws */
export function poolBounds(logs, most) {
  const found = [];
  for (let k = 1; k <= Math.min(most, logs.length); k *= 2) found.push(blockBound(logs, k));
  return found;
}

/** The smallest number of draws whose bound is so near to log P(X), or null. @param {{k: number, mean: number}[]} found @param {number} logPx @param {number} nats */
export const drawsWithin = (found, logPx, nats) => found.find(({ mean }) => logPx - mean <= nats)?.k ?? null;
