// What a screen reader hears of the point on a map, and which image comes next.

import { finder } from "./dom.js";
import { gaussianRate } from "./normal.js";
import { minus, tupleText } from "./panel.js";

/** @import { Ladder } from "./ladder.js" */

/**
 * What a model's images are called: the classes' names, the class of each image; whether there is a prior.
 * @typedef {{names: string[], labels: ArrayLike<number>, prior: boolean}} Named
 */

const SPEAKS = 400; // ms between two sayings: a key that is held moves the point thirty times a second

/** Says one thing at a time in a live region; of what comes faster, the last. */
export class Spoken {
  /** @param {HTMLElement} host with aria-live @param {AbortSignal} signal */
  constructor(host, signal) {
    this.host = host;
    /** @type {() => string} */
    this.words = () => "";
    /** @type {number | undefined} */
    this.timer = undefined;
    signal.addEventListener("abort", () => clearTimeout(this.timer));
  }

  /** @param {() => string} words called when it is time to speak: they cost a look at every code */
  say(words) {
    this.words = words;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.host.textContent = this.words();
    }, SPEAKS);
  }
}

/**
 * Returns the image whose code lies nearest to a latent point, and how far away: {index, distance}, on all axes.
 * @param {Ladder} ladder @param {ArrayLike<number>} z @param {?number} beta
 */
export function nearestCode(ladder, z, beta) {
  const codes = ladder.codes(beta);
  const { latent, count } = ladder;
  let [index, least] = [0, Infinity];
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let k = 0; k < latent; k++) sum += (codes[i * latent + k] - z[k]) ** 2;
    if (sum < least) [index, least] = [i, sum];
  }
  return { index, distance: Math.sqrt(least) };
}

/**
 * Says a point in words: an image's class and number, or the class of the nearest code and how far it lies.
 * @param {Named} world @param {Ladder} ladder @param {?number} beta @param {number[]} z @param {?number} image
 */
export function pointWords({ names, labels, prior }, ladder, beta, z, image) {
  if (!labels.length) return `z = ${minus(tupleText(z))}`; // a model without its images
  const { index, distance } = image === null ? nearestCode(ladder, z, beta) : { index: image, distance: 0 };
  const place = image === null ? `${distance.toFixed(2)} from the nearest code` : `image ${image}`;
  const posterior = prior ? ladder.posterior(index, beta) : null;
  const rate = posterior?.std.every((value) => value > 0) ? `, rate ${gaussianRate(posterior).toFixed(1)}` : "";
  return `${names[labels[index]]}, ${place}${rate}`;
}

/**
 * Returns the next image (or, way -1, the one before) whose class is shown; goes round at the ends.
 * @param {ArrayLike<number>} labels
 * @param {ArrayLike<number>} hidden 1 for each class that is not shown
 * @param {number} index @param {number} way
 */
export function imageBeside(labels, hidden, index, way) {
  const count = labels.length;
  for (let k = 1; k <= count; k++) {
    const other = (((index + k * way) % count) + count) % count;
    if (!hidden[labels[other]]) return other;
  }
  return index;
}

/** A field for an image's number. */
export class ImageField {
  /**
   * @param {HTMLElement} host a label with an input
   * @param {AbortSignal} signal
   * @param {(index: number) => void} go called with the number of an image
   */
  constructor(host, signal, go) {
    this.host = host;
    this.input = finder(host)("input", HTMLInputElement);
    this.go = go;
    this.input.addEventListener("change", () => this.take(), { signal });
  }

  /** @param {number} count @param {?number} index */
  build(count, index) {
    this.host.style.display = count ? "" : "none"; // a model without its images
    this.host.hidden = count === 0;
    Object.assign(this.input, { min: 0, max: count - 1, title: `The number of an image, 0 to ${count - 1}` });
    this.show(index);
  }

  /** @param {?number} index */
  show(index) {
    this.input.value = String(index ?? "");
    this.input.setCustomValidity("");
  }

  /** Takes what was typed; anything but the number of an image gets a word, and nothing changes. */
  take() {
    const { input } = this;
    input.setCustomValidity("");
    if (input.value === "" && !input.validity.badInput) return;
    const fits = input.validity.valid;
    if (fits) return this.go(Number(input.value));
    input.setCustomValidity(`Type the number of an image, 0 to ${input.max}.`);
    input.reportValidity();
  }
}
