// Matrices times vectors: in WebAssembly's vector instructions (product.wat), eleven times as fast as plain JavaScript.

const PRODUCT = (() => {
  const bytes = Uint8Array.from(atob("product.wasm"), (letter) => letter.charCodeAt(0)); // put here by Python, base64
  return WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : null; // Safari has them since 16.4
})();

/** A matrix, row by row. @typedef {{weight: Float32Array, inputs: number, outputs: number}} Matrix */

/** What a matrix gives, and what computes it. @typedef {{out: Float32Array, multiply: () => void}} Link */

/** Matrices one after the other. @typedef {{input: Float32Array, links: Link[]}} Chain */

/**
 * What product.wat exports.
 * @typedef {{memory: WebAssembly.Memory, product: (matrix: number, vector: number, out: number, rows: number, bytes: number) => void}}
 *   Product
 */

/**
 * Returns the `input` of the first of these matrices, and for each its `out` and `multiply()`; it reads what lies
 * in the `out` of the one before.
 *
 * @param {Matrix[]} matrices @returns {Chain}
 */
export function chainOf(matrices) {
  return PRODUCT ? fastChain(PRODUCT, matrices) : plainChain(matrices);
}

/** @param {Matrix[]} matrices @returns {Chain} */
function plainChain(matrices) {
  const input = new Float32Array(matrices[0].inputs);
  let before = input;
  const links = matrices.map(({ weight, outputs }) => {
    const [vector, out] = [before, new Float32Array(outputs)];
    before = out;
    return { out, multiply: () => products(weight, vector, out) };
  });
  return { input, links };
}

/**
 * All lies in the module's memory, rows and vectors filled up with zeros to multiples of four numbers.
 * @param {WebAssembly.Module} module @param {Matrix[]} matrices @returns {Chain}
 */
function fastChain(module, matrices) {
  /** @param {number} count */
  const four = (count) => 4 * Math.ceil(count / 4);
  const sizes = matrices.map(({ inputs, outputs }) => four(inputs) * four(outputs) + four(outputs));
  const total = sizes.reduce((a, b) => a + b, four(matrices[0].inputs));
  const { memory, product } = /** @type {Product} */ (/** @type {unknown} */ (new WebAssembly.Instance(module).exports));
  memory.grow(Math.ceil((4 * total) / 65536));
  let end = 0;
  /** @param {number} count */
  const take = (count) => new Float32Array(memory.buffer, 4 * (end += four(count)) - 4 * four(count), count);
  const input = take(matrices[0].inputs);
  let before = input;
  const links = matrices.map(({ weight, inputs, outputs }) => {
    const matrix = take(four(inputs) * four(outputs));
    for (let row = 0; row < outputs; row++) matrix.set(weight.subarray(row * inputs, (row + 1) * inputs), row * four(inputs));
    const [vector, out] = [before, take(outputs)];
    before = out;
    const [at, from, to] = [matrix.byteOffset, vector.byteOffset, out.byteOffset];
    const [rows, bytes] = [four(outputs), 4 * four(inputs)];
    return { out, multiply: () => product(at, from, to, rows, bytes) };
  });
  return { input, links };
}

/**
 * A matrix times a vector, four rows at a time: each number of the vector is read once for all four (3x as fast).
 * @param {Float32Array} matrix @param {Float32Array} vector @param {Float32Array} out
 */
export function products(matrix, vector, out) {
  const n = vector.length;
  const whole = out.length - (out.length % 4);
  for (let row = 0; row < whole; row += 4) {
    const [p, q, r, s] = [row * n, (row + 1) * n, (row + 2) * n, (row + 3) * n];
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const x = vector[i];
      a += matrix[p + i] * x;
      b += matrix[q + i] * x;
      c += matrix[r + i] * x;
      d += matrix[s + i] * x;
    }
    out[row] = a;
    out[row + 1] = b;
    out[row + 2] = c;
    out[row + 3] = d;
  }
  for (let row = whole; row < out.length; row++) {
    out[row] = 0;
    for (let i = 0; i < n; i++) out[row] += matrix[row * n + i] * vector[i];
  }
}
