// A point of the latent space, named as in Python: {image, noise}, an image's code or a draw of its posterior; or a place, {z}.

/** @typedef {{image: number, noise?: ?number[], z?: undefined}} AtImage */
/** @typedef {{z: number[], image?: undefined, noise?: undefined}} AtPlace */
/** @typedef {AtImage | AtPlace} Point */

/** @param {number} image @param {?number[]} [noise] @returns {AtImage} */
export const atImage = (image, noise = null) => ({ image, noise });

/**
 * A place on the map as a latent point: axes that the map does not show are 0.
 * @param {number[]} place
 * @param {number} latent axes
 * @returns {AtPlace}
 */
export const atPlace = ([x, y = 0], latent) => ({ z: Array.from({ length: latent }, (_, k) => [x, y][k] ?? 0) });

/**
 * The point that a place under the mouse means: the code that lies there, else the place itself.
 * @param {import("./scatter/scatter.js").Place} place
 * @param {number} latent axes
 * @returns {Point}
 */
export const pointAt = ({ x, y, index }, latent) => (index === null ? atPlace([x, y], latent) : atImage(index));

/** @param {Point} point */
export const imageOf = (point) => point.image ?? null;

/** @param {Point} a @param {Point} b */
export function samePoint(a, b) {
  if (a.z && b.z) return a.z.length === b.z.length && a.z.every((value, k) => value === b.z[k]);
  return !a.z && !b.z && a.image === b.image && String(a.noise ?? "") === String(b.noise ?? "");
}
