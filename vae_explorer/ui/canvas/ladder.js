// Where codes lie at any KL weight, between the rungs that Python sent.

import { rungOf } from "./rungs.js";

/** @import { Gaussian } from "./normal.js" */

/**
 * What a ladder is made of: KL weights, and at each of them, image after image, the posteriors' means and standard
 * deviations on all axes.
 * @typedef {{rungs: number[], mean: Float32Array | number[], std: Float32Array | number[], latent: number, labels: ArrayLike<number>}} Codes
 */

export class Ladder {
  /** @param {Codes} codes */
  constructor({ rungs, mean, std, latent, labels }) {
    this.rungs = rungs;
    this.mean = mean;
    this.std = std;
    this.latent = latent;
    this.count = labels.length;
    this.xy = new Float32Array(2 * this.count); // the map's two axes, interleaved
    /** @type {?Float32Array} */
    this.spread = null; // made when first needed
  }

  /** Moves all codes to a KL weight; fills `xy`, in latent units. @param {?number} beta */
  climb(beta) {
    this.each(beta, this.mean, this.xy, (low, high, share) => low + share * (high - low));
  }

  /** Returns the posteriors' standard deviations on the map's axes, interleaved: powers, which cost far more than codes. @param {?number} beta */
  spreads(beta) {
    this.spread ??= new Float32Array(2 * this.count);
    this.each(beta, this.std, this.spread, geometric);
    return this.spread;
  }

  /**
   * Writes what lies between the rungs' values on the map's axes.
   * @param {?number} beta @param {ArrayLike<number>} values @param {Float32Array} out
   * @param {(low: number, high: number, share: number) => number} between
   */
  each(beta, values, out, between) {
    const { latent, count } = this;
    const { rung, share } = rungOf(this.rungs, beta);
    const low = rung * count * latent;
    const high = share ? low + count * latent : low;
    const shown = Math.min(2, latent);
    for (let i = 0; i < count; i++) {
      for (let axis = 0; axis < shown; axis++) {
        const k = i * latent + axis;
        out[2 * i + axis] = share ? between(values[low + k], values[high + k], share) : values[low + k];
      }
    }
  }

  /** Returns the codes of all images on all axes, one image after the other. @param {?number} beta */
  codes(beta) {
    const { latent, count } = this;
    const mean = /** @type {Float32Array} */ (this.mean); // of all images, it came as bytes
    const { rung, share } = rungOf(this.rungs, beta);
    const low = mean.subarray(rung * count * latent, (rung + 1) * count * latent);
    if (!share) return low;
    const high = mean.subarray((rung + 1) * count * latent, (rung + 2) * count * latent);
    return low.map((value, k) => value + share * (high[k] - value));
  }

  /** Returns the posterior of one image on all axes: {mean, std}. @param {number} index @param {?number} beta @returns {Gaussian} */
  posterior(index, beta) {
    const { rung, share } = rungOf(this.rungs, beta);
    const low = (rung * this.count + index) * this.latent;
    const high = share ? low + this.count * this.latent : low;
    const axes = Array.from({ length: this.latent }, (_, k) => k);
    const { mean, std } = this;
    return {
      mean: axes.map((k) => mean[low + k] + share * (mean[high + k] - mean[low + k])),
      std: axes.map((k) => geometric(std[low + k], std[high + k], share)),
    };
  }
}

/**
 * Spreads shrink by factors over the KL weight, so it is their logarithm that is interpolated.
 * @param {number} low @param {number} high @param {number} share
 */
const geometric = (low, high, share) => (low > 0 && high > 0 ? low * (high / low) ** share : low);
