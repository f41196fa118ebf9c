// The Gaussians fitted to codes, and draws from them: the twin of latent/gaps/sampling.py.

const SWEEPS = 30; // over all pairs of axes; some six are enough
const GOLDEN = (Math.sqrt(5) - 1) / 2; // its multiples fill the unit interval evenly
const DIAGONAL = 1e-26; // part of the squared entries that may be left beside the diagonal

/** A Gaussian as mean and root of the covariance, row by row. @typedef {{mean: ArrayLike<number>, root: ArrayLike<number>}} Fitted */

/** A mixture of them, each with its weight. @typedef {{weights: number[], means: number[][], roots: number[][]}} Mixture */

/**
 * The mean of `count` codes of `axes` numbers each, and the root of their covariance, row by row.
 * @param {ArrayLike<number>} codes @param {number} count @param {number} axes
 * @returns {Fitted}
 */
export function fittedGaussian(codes, count, axes) {
  const mean = new Float64Array(axes);
  for (let i = 0; i < count; i++) for (let k = 0; k < axes; k++) mean[k] += codes[i * axes + k] / count;
  const covariance = new Float64Array(axes * axes);
  const away = new Float64Array(axes);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < axes; k++) away[k] = codes[i * axes + k] - mean[k];
    for (let k = 0; k < axes; k++) for (let l = k; l < axes; l++) covariance[k * axes + l] += (away[k] * away[l]) / count;
  }
  for (let k = 0; k < axes; k++) for (let l = 0; l < k; l++) covariance[k * axes + l] = covariance[l * axes + k];
  return { mean, root: squareRoot(covariance, axes) };
}

/** mean + C^(1/2) epsilon. @param {Fitted} fitted @param {Float32Array} noise */
export function drawFrom({ mean, root }, noise) {
  return Array.from(mean, (value, k) => noise.reduce((sum, epsilon, l) => sum + root[k * mean.length + l] * epsilon, value));
}

/**
 * Draws from a mixture {weights, means, roots}, one a row of noise; which component a draw has depends on its place.
 * @param {Mixture} mixture @param {Float32Array[]} rows
 */
export function drawFromMixture({ weights, means, roots }, rows) {
  return rows.map((noise, k) => {
    const place = (0.5 + GOLDEN * k) % 1;
    let component = 0;
    for (let sum = weights[0]; sum <= place && component < weights.length - 1; ) sum += weights[++component];
    return drawFrom({ mean: means[component], root: roots[component] }, noise);
  });
}

/**
 * The symmetric root V L^(1/2) V^T of a symmetric matrix V L V^T without negative eigenvalues, by Jacobi's
 * rotations: no step divides by an eigenvalue, so a singular matrix (codes on a line, or in one spot) has a root.
 * https://en.wikipedia.org/wiki/Jacobi_eigenvalue_algorithm
 * @param {Float64Array} matrix @param {number} size
 */
function squareRoot(matrix, size) {
  const a = Float64Array.from(matrix);
  const vectors = Float64Array.from(a, (_, k) => (k % (size + 1) === 0 ? 1 : 0));
  const total = a.reduce((sum, value) => sum + value * value, 0);
  const beside = () => a.reduce((sum, value, k) => (k % (size + 1) === 0 ? sum : sum + value * value), 0);
  for (let sweep = 0; sweep < SWEEPS && beside() > DIAGONAL * total; sweep++) {
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) rotate(a, vectors, size, p, q);
  }
  const root = new Float64Array(size * size);
  for (let k = 0; k < size; k++) {
    const length = Math.sqrt(Math.max(0, a[k * (size + 1)]));
    for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) root[i * size + j] += vectors[i * size + k] * length * vectors[j * size + k];
  }
  return root;
}

/**
 * Turns the axes p and q so that the entry between them becomes 0, and the eigenvectors with them.
 * @param {Float64Array} a @param {Float64Array} vectors @param {number} size @param {number} p @param {number} q
 */
function rotate(a, vectors, size, p, q) {
  const entry = a[p * size + q];
  if (entry === 0) return;
  const ratio = (a[q * (size + 1)] - a[p * (size + 1)]) / (2 * entry);
  const tangent = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.hypot(ratio, 1));
  const cosine = 1 / Math.hypot(tangent, 1);
  const sine = tangent * cosine;
  /** @param {Float64Array} values @param {number} i @param {number} j */
  const turn = (values, i, j) => {
    const [x, y] = [values[i], values[j]];
    values[i] = cosine * x - sine * y;
    values[j] = sine * x + cosine * y;
  };
  for (let k = 0; k < size; k++) turn(a, k * size + p, k * size + q);
  for (let k = 0; k < size; k++) turn(a, p * size + k, q * size + k);
  for (let k = 0; k < size; k++) turn(vectors, k * size + p, k * size + q);
}
