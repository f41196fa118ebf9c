// The standard normal distribution: draws from it, and how far a Gaussian is from it.

/** A diagonal Gaussian. @typedef {{mean: number[], std: number[]}} Gaussian */

/** Two independent draws of a standard normal distribution (Box & Muller, 1958). @returns {[number, number]} */
export function normalPair() {
  const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
  const angle = 2 * Math.PI * Math.random();
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** KL(q || p) of a diagonal Gaussian and the standard normal, in nats. @param {Gaussian} q */
export function gaussianRate({ mean, std }) {
  return mean.reduce((sum, m, k) => sum + 0.5 * (m * m + std[k] * std[k] - 1) - Math.log(std[k]), 0);
}
