// The classifier of real images, run in the browser on what is decoded there: the twin of latent/gaps/classifier.py.

import { chainOf } from "./products.js";

/** @import { Levels } from "./decoder.js" */
/** @import { Message } from "./wire.js" */

/** Its layers, one after the other; the classes of its outputs; the mean of its errors. @typedef {{layers: {inputs: number, outputs: number}[]}} JudgePlan */

/**
 * A data set's classifier as it is sent; or why there is none.
 * @typedef {Message & {kind: "judge"} & ({absent: string} | {absent?: undefined, plan: JudgePlan, classes: number[], weights: Float32Array})}
 *   JudgeMessage
 */

/** What it says of an image: the likeliest class and its probability. @typedef {{label: number, confidence: number}} Judged */

/** A network of dense layers with rectified units, and a softmax over classes. */
export class Judge {
  /** @param {JudgePlan} plan @param {Float32Array} weights layer by layer: weight (outputs, inputs), bias @param {number[]} classes */
  constructor({ layers }, weights, classes) {
    let at = 0;
    /** @param {number} count */
    const take = (count) => weights.subarray(at, (at += count));
    const matrices = layers.map(({ inputs, outputs }) => ({ weight: take(inputs * outputs), bias: take(outputs), inputs, outputs }));
    const { input, links } = chainOf(matrices);
    this.input = input;
    this.layers = matrices.map((layer, k) => Object.assign(layer, links[k]));
    this.classes = classes;
    this.probabilities = new Float64Array(classes.length);
  }

  /** @param {Levels} grey from 0 to 255 @returns {Judged} */
  judge(grey) {
    for (let k = 0; k < grey.length; k++) this.input[k] = grey[k] / 255;
    const last = this.layers.length - 1;
    this.layers.forEach((layer, depth) => {
      layer.multiply();
      const { out, bias } = layer;
      for (let k = 0; k < out.length; k++) out[k] = depth < last ? Math.max(0, out[k] + bias[k]) : out[k] + bias[k];
    });
    const { out } = this.layers[last];
    let best = 0;
    for (let k = 1; k < out.length; k++) if (out[k] > out[best]) best = k;
    let sum = 0;
    for (let k = 0; k < out.length; k++) sum += this.probabilities[k] = Math.exp(out[k] - out[best]);
    for (let k = 0; k < out.length; k++) this.probabilities[k] /= sum;
    return { label: this.classes[best], confidence: this.probabilities[best] };
  }
}
