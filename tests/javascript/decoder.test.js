import assert from "node:assert/strict";
import { test } from "node:test";
import "./product.js";
import { bell, integral, many, near } from "./oracles.js";

const CANVAS = "../../vae_explorer/ui/canvas";
const { validate } = WebAssembly;
const fast = await import(`${CANVAS}/products.js`);
const { DenseDecoder, TileDecoder } = await import(`${CANVAS}/decoder.js`);
WebAssembly.validate = () => false; // a browser without vector instructions
const plain = await import(`${CANVAS}/products.js?plain`);
WebAssembly.validate = validate;

/** A matrix, row by row, times a vector: in float64. */
const product = (matrix, vector) => many(matrix.length / vector.length, (_, row) => vector.reduce((sum, x, k) => sum + matrix[row * vector.length + k] * x, 0));

for (const [name, { chainOf }] of Object.entries({ fast, plain }))
  for (const sizes of [
    [2, 3],
    [1, 1, 1],
    [20, 64, 30, 7],
    [5, 120, 301],
  ])
    test(`a ${name} chain of matrices ${sizes.join(" x ")} is their product`, () => {
      const draw = bell(sizes.length);
      const matrices = sizes.slice(1).map((outputs, k) => ({ inputs: sizes[k], outputs, weight: Float32Array.from(many(outputs * sizes[k], draw)) }));
      const { input, links } = chainOf(matrices);
      for (let again = 0; again < 2; again++) {
        let vector = Float32Array.from(many(sizes[0], draw));
        input.set(vector);
        links.forEach(({ multiply, out }, k) => {
          multiply();
          vector = product(matrices[k].weight, [...vector]);
          near(out, vector, 1e-5 * Math.max(...vector.map(Math.abs)));
        });
      }
    });

test("the fast chain is the one that WebAssembly computes", () => {
  const buffer = ({ chainOf }) => chainOf([{ inputs: 1, outputs: 1, weight: new Float32Array(1) }]).input.buffer.byteLength;
  assert.ok(buffer(fast) >= 65536); // a page of its memory
  assert.equal(buffer(plain), 4);
});

for (const count of [1, 3, 4, 5, 9])
  test(`${count} rows times a vector`, () => {
    const draw = bell(count);
    const [matrix, vector, out] = [many(count * 6, draw), many(6, draw), new Float32Array(count)];
    fast.products(matrix, vector, out);
    near(out, product(matrix, vector), 1e-5);
  });

const silu = (x) => x / (1 + Math.exp(-x));

/** The mean of a density proportional to exp(eta x) on [0, 1]. */
const mean = (eta) => integral((x) => x * Math.exp(eta * x), 0, 1) / integral((x) => Math.exp(eta * x), 0, 1);
const MEANS = { sigmoid: (eta) => 1 / (1 + Math.exp(-eta)), "continuous-bernoulli": mean };

/** A network as latent/dense.py lists it, and its forward pass in float64. */
function network(sizes, modulation, output) {
  const draw = bell(sizes.length + modulation);
  const condition = { low: 0.1, high: 10, shift: 0.2, scale: 1.5 };
  const layers = sizes.slice(1).map((outputs, k) => ({ inputs: sizes[k], outputs, modulation: modulation && k + 2 < sizes.length ? modulation : 0 }));
  const weights = layers.map(({ inputs, outputs, modulation: m }) => ({
    weight: many(inputs * outputs, draw).map((w) => w / Math.sqrt(inputs)),
    bias: many(outputs, draw),
    first: many(m, draw),
    offset: many(m, draw),
    second: many(2 * outputs * m, draw).map((w) => 0.2 * w),
    last: m ? many(2 * outputs, draw) : [],
  }));
  const flat = Float32Array.from(weights.flatMap((each) => Object.values(each).flat()));
  const image = (z, beta) => {
    const t = (Math.log(Math.min(10, Math.max(0.1, beta ?? 1))) - condition.shift) / condition.scale;
    const eta = layers.reduce((x, { outputs, modulation: m }, k) => {
      const { weight, bias, first, offset, second, last } = weights[k];
      const film = m
        ? product(
            second,
            many(m, (_, i) => silu(first[i] * t + offset[i])),
          ).map((value, i) => value + last[i])
        : many(2 * outputs, () => 0);
      const h = product(weight, x).map((value, i) => (value + bias[i]) * (1 + film[i]) + film[outputs + i]);
      return k + 2 < sizes.length ? h.map(silu) : h;
    }, z);
    return eta.map((value) => 255 * MEANS[output](value));
  };
  return { decoder: new DenseDecoder({ layers, output, condition: modulation ? condition : null }, flat), image };
}

for (const output of Object.keys(MEANS))
  for (const modulation of [0, 8])
    test(`a dense decoder, ${output}, ${modulation ? "" : "not "}modulated by the KL weight, against a plain loop`, () => {
      const { decoder, image } = network([3, 17, 40, 25], modulation, output);
      const draw = bell(1);
      const grey = new Float64Array(25); // not rounded, as it is on the screen
      for (const beta of modulation ? [1, 0.1, 3.3, 10, 0.001, 1000] : [null]) {
        for (let k = 0; k < 5; k++) {
          const z = many(3, draw);
          decoder.decode(z, beta, grey);
          near(grey, image(z, beta), 0.002);
        }
      }
      assert.equal(decoder.rough, "");
    });

test("tiles are blended by bilinear weights and over log beta, so that what is linear in them comes back", () => {
  const [side, rungs, pixels] = [5, [0.1, 1, 10], 3];
  const extent = [-2, 2, -1, 3]; // left, right, bottom, top
  const level = (x, y, beta, k) => 100 + (10 + k) * x - 7 * y + 5 * k * Math.log10(beta) + 2 * x * y;
  const at = (i) => i / (side - 1);
  const tiles = Float32Array.from(
    rungs.flatMap((beta) =>
      many(side * side * pixels, (_, i) => {
        const [k, column, row] = [i % pixels, Math.floor(i / pixels) % side, Math.floor(i / pixels / side)];
        return level(-2 + 4 * at(column), 3 - 4 * at(row), beta, k);
      }),
    ),
  );
  const decoder = new TileDecoder({ rungs, side, extent, error: 1.25 }, tiles, pixels);
  const grey = new Float64Array(pixels);
  for (const beta of [0.1, 0.2, 1, 4])
    for (const z of [
      [0, 0],
      [-1.3, 2.2],
      [1.9, -0.7],
      [0.5, 1],
    ]) {
      decoder.decode(z, beta, grey);
      near(
        grey,
        many(pixels, (_, k) => level(...z, beta, k)),
        1e-4,
      );
    }
  decoder.decode([-9, 9], 1, grey); // beyond the tiles: their corner
  near(
    grey,
    many(pixels, (_, k) => level(-2, 3, 1, k)),
    1e-4,
  );
  assert.match(decoder.rough, /1\.3 of 255|1\.2 of 255/);
});
