// Draws of a posterior: z = mean + std * epsilon, walked to and kept on the map.

import { normalPair } from "./normal.js";
import { atImage } from "./point.js";

/** @import { LatentMap } from "./latent_map.js" */

const DRAWS_KEPT = 30; // earlier draws of epsilon that stay on the map

export class Sampling {
  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    this.walking = 0; // the animation frame that is due
    /** @type {number[][]} */
    this.drawn = []; // earlier draws, in units of epsilon
  }

  stop() {
    cancelAnimationFrame(this.walking);
  }

  draw() {
    /** @type {number[]} */
    const noise = [];
    while (noise.length < this.map.world.latent) noise.push(...normalPair());
    return noise.slice(0, this.map.world.latent).map((value) => Number(value.toFixed(4)));
  }

  /** Walks from where the point is to mean + std * noise (null: to the mean), then asks Python. @param {?number[]} noise */
  walk(noise) {
    const { image } = this.map.pin;
    if (image === undefined) return; // a place has no posterior
    /** @type {number[]} */
    const still = Array(this.map.world.latent).fill(0);
    const from = this.map.pin.noise ?? still;
    const to = noise ?? still;
    if (noise) this.drawn = [...this.drawn, noise].slice(-DRAWS_KEPT);
    const time = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1 : 450;
    const begun = performance.now();
    cancelAnimationFrame(this.walking);
    this.map.pointer = null;
    /** @param {number} now */
    const frame = (now) => {
      const share = Math.min(1, Math.max(0, (now - begun) / time));
      const at = from.map((value, k) => value + share * (to[k] - value));
      this.map.pin = atImage(image, share < 1 ? at : noise);
      this.map.showPin();
      this.map.look();
      if (share < 1) this.walking = requestAnimationFrame(frame);
      else this.map.talk.tell();
    };
    frame(begun);
  }
}
