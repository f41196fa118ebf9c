// The negative ELBO of a Gaussian P(X|z) along a measured rate-distortion curve; all in nats an image.

/**
 * A curve as ui/theory/screens/sigma.py sends it: KL weights, E||x - f(z)||^2 with its error, rate; what it was measured on; its best sigma.
 * @typedef {{beta: number[], squared: number[], error: number[], rate: number[], images: number, samples: number, part: string,
 *   best: {sigma: number, beta: number, negative_elbo: number, inside: boolean}}} RateDistortion
 */

/** @typedef {{misfit: number, constant: number, rate: number, elbo: number}} GaussianTerms */

/** Squared error and rate at a KL weight: straight over log beta, the error's logarithm. @param {RateDistortion} curve @param {number} at */
export function pointOf({ beta, squared, rate }, at) {
  const last = beta.length - 1;
  if (at <= beta[0]) return { squared: squared[0], rate: rate[0] };
  if (at >= beta[last]) return { squared: squared[last], rate: rate[last] };
  const k = beta.findIndex((each) => each >= at) - 1;
  const share = Math.log(at / beta[k]) / Math.log(beta[k + 1] / beta[k]);
  /** @param {number} a @param {number} b */
  const between = (a, b) => a + share * (b - a);
  return { squared: Math.exp(between(Math.log(squared[k]), Math.log(squared[k + 1]))), rate: between(rate[k], rate[k + 1]) };
}

/** The terms of the negative ELBO. @param {{squared: number, rate: number}} point @param {number} sigma @param {number} pixels @returns {GaussianTerms} */
export function gaussianTerms({ squared, rate }, sigma, pixels) {
  const misfit = squared / (2 * sigma * sigma);
  const constant = pixels * (0.5 * Math.log(2 * Math.PI) + Math.log(sigma));
  return { misfit, constant, rate, elbo: misfit + constant + rate };
}

/** Where the slope of a line through the point meets both axes: the line of constant objective, SE + 2 sigma^2 D. @param {{squared: number, rate: number}} point @param {number} sigma */
export function objectiveLine({ squared, rate }, sigma) {
  const sum = squared + 2 * sigma * sigma * rate;
  return { atNoRate: sum, atNoError: sum / (2 * sigma * sigma) };
}

/** So many numbers from low to high, evenly in logarithms. @param {number} low @param {number} high @param {number} count */
export const logSteps = (low, high, count) => Array.from({ length: count }, (_, k) => low * (high / low) ** (k / (count - 1)));

/** Which of the answers to "less than 0.1, about 0.2, more than 0.4" a sigma is nearest to. @param {number} sigma */
export const sigmaChoice = (sigma) => (sigma < Math.SQRT2 / 10 ? 0 : sigma < Math.sqrt(0.08) ? 1 : 2);

/**
 * Returns points, each a curve of one, as one curve; its best sigma is where the squared error's own, RMSE, crosses it.
 * @param {RateDistortion[]} points @param {number} scale sigma_0 @param {number} pixels @returns {RateDistortion}
 */
export function joinedCurve(points, scale, pixels) {
  const [beta, squared, error, rate] = /** @type {const} */ (["beta", "squared", "error", "rate"]).map((name) => points.flatMap((point) => point[name]));
  const beyond = beta.map((weight, k) => Math.log(squared[k] / pixels) - Math.log(weight * scale * scale));
  const k = beyond.findIndex((value, n) => value > 0 && beyond[n + 1] <= 0);
  const inside = k >= 0;
  const share = inside ? beyond[k] / (beyond[k] - beyond[k + 1]) : 0;
  const best = inside ? beta[k] * (beta[k + 1] / beta[k]) ** share : beta[beyond[beyond.length - 1] > 0 ? beta.length - 1 : 0];
  const curve = { ...points[0], beta, squared, error, rate };
  const sigma = scale * Math.sqrt(best);
  return { ...curve, best: { sigma, beta: best, negative_elbo: gaussianTerms(pointOf(curve, best), sigma, pixels).elbo, inside } };
}
