// Decodes a latent point to grey levels in the browser.

import { chainOf, products } from "./products.js";
import { rungOf } from "./rungs.js";

/** @import { Link, Matrix } from "./products.js" */

/**
 * The KL weight as a network takes it: `low` and `high` clamp it; its logarithm minus `shift`, over `scale`.
 * @typedef {{low: number, high: number, shift: number, scale: number}} Condition
 */

/** A layer's size, and that of the network that modulates it, or 0. @typedef {{inputs: number, outputs: number, modulation: number}} LayerPlan */

/** A dense decoder as models/dense.py describes it. @typedef {{layers: LayerPlan[], condition: Condition, output: keyof typeof OUTPUTS}} DensePlan */

/**
 * The network of the KL weight that modulates a layer.
 * @typedef {{first: Float32Array, offset: Float32Array, second: Float32Array, bias: Float32Array}} Modulation
 */

/**
 * A layer: h = scale * weight x + shift, and what the KL weight does to it.
 * @typedef {Matrix & Link & {bias: Float32Array, modulation: ?Modulation, scale: Float32Array, shift: Float32Array, condition: Float32Array}} Layer
 */

/**
 * Images decoded beforehand: at which KL weights, how many a side, over which plane, and how far blends of them are off.
 * @typedef {{rungs: number[], side: number, extent: number[], error: number}} Grid
 */

/** What is decoded into: grey levels, or three values a pixel. @typedef {Uint8ClampedArray | Uint8Array | Float64Array} Levels */

/** Decodes in the browser; `rough` says how far it is off, nothing where that is little. @typedef {DenseDecoder | TileDecoder} Decoder */

/** @param {number} x */
const silu = (x) => x / (1 + Math.exp(-x));
const OUTPUTS = {
  /** @param {number} eta */
  sigmoid: (eta) => 1 / (1 + Math.exp(-eta)),
  /** @param {number} eta */
  "continuous-bernoulli": (eta) => (Math.abs(eta) < 0.05 ? 0.5 + eta / 12 : 1 / (1 - Math.exp(-eta)) - 1 / eta),
};

/** A dense network's forward pass, read from its plan: see models/dense.py. */
export class DenseDecoder {
  /** @param {DensePlan} plan @param {Float32Array} weights */
  constructor(plan, weights) {
    let at = 0;
    /** @param {number} count */
    const take = (count) => weights.subarray(at, (at += count));
    this.condition = plan.condition;
    this.output = OUTPUTS[plan.output];
    const layers = plan.layers.map(({ inputs, outputs, modulation: m }) => ({
      weight: take(inputs * outputs),
      bias: take(outputs),
      modulation: m ? { first: take(m), offset: take(m), second: take(2 * outputs * m), bias: take(2 * outputs) } : null,
      inputs,
      outputs,
      scale: new Float32Array(outputs).fill(1),
      shift: new Float32Array(outputs),
      condition: new Float32Array(2 * outputs),
    }));
    const { input, links } = chainOf(layers);
    this.input = input;
    /** @type {Layer[]} */
    this.layers = layers.map((layer, k) => Object.assign(layer, links[k]));
    for (const { bias, shift } of this.layers) shift.set(bias);
    this.last = this.layers[this.layers.length - 1];
    this.rough = ""; // nothing to say of how far it is off: half a grey level
    /** @type {?number} */
    this.beta = null;
  }

  /** Computes what the KL weight does to each layer, once a weight: h -> scale * h + shift. @param {?number} beta null where none can be set */
  setBeta(beta) {
    if (beta === this.beta || beta === null) return;
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

  /**
   * Writes the mean image of z at a KL weight, as grey levels from 0 to 255.
   * @param {ArrayLike<number>} z @param {?number} beta @param {Levels} grey
   */
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
  /** @param {Grid} grid @param {ArrayLike<number>} tiles @param {number} pixels of an image, each channel by itself */
  constructor({ rungs, side, extent, error }, tiles, pixels) {
    this.rungs = rungs;
    this.side = side;
    this.extent = extent;
    this.tiles = tiles;
    this.pixels = pixels;
    this.rough = `approximate, ${error.toFixed(1)} of 255 off on average`;
  }

  /**
   * Blends the images around a place, and those of the KL weights around one.
   * @param {ArrayLike<number>} z @param {?number} beta @param {Levels} grey
   */
  decode(z, beta, grey) {
    const { side, pixels, tiles, extent } = this;
    const [left, right, bottom, top] = extent;
    /** @param {number} value */
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
      /** @param {number} dx @param {number} dy */
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
