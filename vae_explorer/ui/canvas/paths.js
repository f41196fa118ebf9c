// Paths through latent points (arrays of numbers): the twins of latent/paths.py.

const ALIGNED = 1e-9; // sine of the angle below which two directions count as one line

/** From 0 to 1 along a segment. @typedef {(t: number) => number[]} Segment */

/** @param {number[]} v */
const norm = (v) => Math.hypot(...v);
/** @param {number[]} a @param {number[]} b @returns {Segment} */
const line = (a, b) => (t) => a.map((value, k) => (1 - t) * value + t * b[k]);

/** Turns about the origin: the angle and the radius change evenly. @param {number[]} a @param {number[]} b @returns {Segment} */
function turn(a, b) {
  const [fromA, fromB] = [norm(a), norm(b)];
  if (fromA === 0 || fromB === 0) return line(a, b);
  const u = a.map((value) => value / fromA);
  const v = b.map((value) => value / fromB);
  let cosine = u.reduce((sum, value, k) => sum + value * v[k], 0);
  let w = v.map((value, k) => value - cosine * u[k]);
  let sine = norm(w);
  if (sine <= ALIGNED) {
    w = u.map((_, k) => (u.length > 1 && k < 2 ? [-u[1], u[0]][k] : 0)); // counter-clockwise where all ways are equal
    if (cosine > 0 || norm(w) === 0) return line(a, b);
    [sine, cosine] = [0, -1];
  }
  const angle = Math.atan2(sine, cosine);
  const size = norm(w);
  return (t) => {
    const radius = (1 - t) * fromA + t * fromB;
    return u.map((value, k) => radius * (Math.cos(t * angle) * value + (Math.sin(t * angle) * w[k]) / size));
  };
}

/** @typedef {keyof typeof PATHS} PathKind */
const PATHS = { straight: line, slerp: turn };

/**
 * Returns the path through two or more points: `steps` points a segment, and the last point.
 * @param {number[][]} points @param {PathKind} kind @param {number} steps
 */
export function pathThrough(points, kind, steps) {
  const path = [];
  for (let k = 0; k + 1 < points.length; k++) {
    const at = PATHS[kind](points[k], points[k + 1]);
    path.push(points[k]);
    for (let i = 1; i < steps; i++) path.push(at(i / steps));
  }
  path.push(points[points.length - 1]);
  return path;
}
