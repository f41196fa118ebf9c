// Decodes a latent point to grey levels in the browser.

import { chainOf, products } from "./products.js";
import { rungOf } from "./rungs.js";

const silu = (x) => x / (1 + Math.exp(-x));
const OUTPUTS = {
  sigmoid: (eta) => 1 / (1 + Math.exp(-eta)),
  "continuous-bernoulli": (eta) => (Math.abs(eta) < 0.05 ? 0.5 + eta / 12 : 1 / (1 - Math.exp(-eta)) - 1 / eta),
};

/** A dense network's forward pass, read from its plan: see latent/dense.py. */
export class DenseDecoder {
  constructor(plan, weights) {
    let at = 0;
    const take = (count) => weights.subarray(at, (at += count));
    this.condition = plan.condition;
    this.output = OUTPUTS[plan.output];
    this.layers = plan.layers.map(({ inputs, outputs, modulation: m }) => ({
      weight: take(inputs * outputs),
      bias: take(outputs),
      modulation: m && { first: take(m), offset: take(m), second: take(2 * outputs * m), bias: take(2 * outputs) },
      inputs,
      outputs,
      scale: new Float32Array(outputs).fill(1),
      shift: new Float32Array(outputs),
      condition: new Float32Array(2 * outputs),
    }));
    const { input, links } = chainOf(this.layers);
    this.input = input;
    this.layers.forEach((layer, k) => Object.assign(layer, links[k]));
    for (const { bias, shift } of this.layers) shift.set(bias);
    this.last = this.layers.at(-1);
    this.rough = ""; // nothing to say of how far it is off: half a grey level
    this.beta = null;
  }

  /** Computes what the KL weight does to each layer, once a weight: h -> scale * h + shift. */
  setBeta(beta) {
    if (beta === this.beta) return;
    this.beta = beta;
    const { low, high, shift, scale } = this.condition;
    const t = (Math.log(Math.min(high, Math.max(low, beta))) - shift) / scale;
    for (const layer of this.layers) {
      if (!layer.modulation) continue;
      const { first, offset, second, bias } = layer.modulation;
      const hidden = first.map((w, i) => silu(w * t + offset[i]));
      const units = layer.outputs;
      products(second, hidden, layer.condition);
      for (let k = 0; k < units; k++) {
        layer.scale[k] = 1 + layer.condition[k] + bias[k];
        layer.shift[k] = layer.scale[k] * layer.bias[k] + layer.condition[units + k] + bias[units + k];
      }
    }
  }

  /** Writes the mean image of z at a KL weight, as grey levels from 0 to 255. */
  decode(z, beta, grey) {
    this.setBeta(beta);
    this.input.set(z);
    for (const layer of this.layers) {
      layer.multiply();
      const { scale, shift, out } = layer;
      const hidden = layer !== this.last;
      for (let k = 0; k < out.length; k++) {
        const value = scale[k] * out[k] + shift[k];
        out[k] = hidden ? silu(value) : value;
      }
    }
    const eta = this.last.out;
    for (let k = 0; k < eta.length; k++) grey[k] = 255 * this.output(eta[k]);
  }
}

/** For networks that are not dense: images decoded beforehand over the plane, blended between neighbours. */
export class TileDecoder {
  constructor({ rungs, side, extent, error }, tiles, pixels) {
    Object.assign(this, { rungs, side, extent, tiles, pixels });
    this.rough = `approximate, ${error.toFixed(1)} of 255 off on average`;
  }

  decode(z, beta, grey) {
    const { side, pixels, tiles, extent } = this;
    const [left, right, bottom, top] = extent;
    const within = (value) => Math.min(side - 1.001, Math.max(0, value));
    const x = within(((z[0] - left) / (right - left)) * (side - 1));
    const y = within(((top - (z[1] ?? 0)) / (top - bottom)) * (side - 1));
    const [u, v] = [x - Math.floor(x), y - Math.floor(y)];
    const { rung, share } = rungOf(this.rungs, beta);
    const corners = [];
    for (const [k, w] of [
      [rung, 1 - share],
      [rung + 1, share],
    ]) {
      if (!w) continue;
      const corner = (dx, dy) => ((k * side + Math.floor(y) + dy) * side + Math.floor(x) + dx) * pixels;
      corners.push([corner(0, 0), w * (1 - u) * (1 - v)], [corner(1, 0), w * u * (1 - v)]);
      corners.push([corner(0, 1), w * (1 - u) * v], [corner(1, 1), w * u * v]);
    }
    for (let k = 0; k < pixels; k++) {
      let sum = 0;
      for (const [start, w] of corners) sum += w * tiles[start + k];
      grey[k] = sum;
    }
  }
}
