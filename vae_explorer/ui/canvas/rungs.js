// Between KL weights that were measured or sent: straight lines over log beta.

/** Between which rungs a KL weight lies: the lower one, and the share of the way to the next. @typedef {{rung: number, share: number}} Rung */

/**
 * Returns between which two of rising KL weights one lies, and how far along: {rung, share}; share is 0 on a rung.
 * @param {number[]} rungs
 * @param {?number} beta null where none can be set
 * @returns {Rung}
 */
export function rungOf(rungs, beta) {
  const last = rungs.length - 1;
  if (last === 0 || beta === null || beta <= rungs[0]) return { rung: 0, share: 0 };
  let rung = 0;
  while (rung < last && beta >= rungs[rung + 1]) rung++;
  if (rung === last) return { rung, share: 0 };
  const [low, high] = [Math.log(rungs[rung]), Math.log(rungs[rung + 1])];
  return { rung, share: (Math.log(beta) - low) / (high - low) };
}

/** Returns the value there, of one value a rung. @param {number[]} values @param {Rung} place */
export function valueAt(values, { rung, share }) {
  return share ? values[rung] + share * (values[rung + 1] - values[rung]) : values[rung];
}
