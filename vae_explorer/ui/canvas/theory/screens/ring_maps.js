// Maps of the plane, live: the twin of theory/maps.py and theory/flow.py. Tested against differences and integrals.

/**
 * Where a point lands (u, v), and log |det J| there. @typedef {[number, number, number]} Landed
 */

/**
 * A map: where points land, which points land on one, half the square that shows it, whether a box of z is torn by it.
 * @typedef {{reach: number, land: (x: number, y: number) => Landed, preimages: (u: number, v: number) => [number, number][],
 *   torn: (x0: number, x1: number, y0: number, y1: number) => boolean}} PlaneMap
 */

/** A flow as Python sends it. @typedef {{layers: ArrayLike<number>, shift: number[], scale: number[]}} FlowWeights */

const EVENLY = Math.sqrt(2 / Math.PI);
const ARM_WIDTH = 0.1; // width of moons and spiral
const [ARM_START, ARM_TURN] = [Math.PI / 2, 3 * Math.PI];
const ARM_RISE = 2 / (3.5 * Math.PI);
const HIDDEN_UNITS = 16;
const LAYER_SIZE = 4 * HIDDEN_UNITS + 2;

const unbroken = () => false;

/** log(1 - tanh(x)^2). @param {number} x */
const logSech2 = (x) => 2 * (Math.LN2 - Math.abs(x) - Math.log1p(Math.exp(-2 * Math.abs(x))));

/** g(z) = z / a + z / |z|. @param {number} a @returns {PlaneMap} */
export function ringMap(a) {
  return {
    reach: 1 + 3.5 / a,
    torn: (x0, x1, y0, y1) => x0 <= 0 && x1 >= 0 && y0 <= 0 && y1 >= 0,
    land: (x, y) => {
      const r = Math.hypot(x, y);
      if (r === 0) return [1, 0, Infinity];
      return [x / a + x / r, y / a + y / r, Math.log(1 / a + 1 / r) - Math.log(a)];
    },
    preimages: (u, v) => {
      const rho = Math.hypot(u, v);
      return rho > 1 ? [[u * a * (1 - 1 / rho), v * a * (1 - 1 / rho)]] : [];
    },
  };
}

/** @returns {PlaneMap} */
export function moonsMap() {
  return {
    reach: 2,
    torn: (x0, x1) => x0 < 0 && x1 > 0,
    land: (x, y) => {
      const side = x < 0 ? -1 : 1;
      const along = Math.abs(x) * EVENLY;
      const [t, r] = [Math.PI * Math.tanh(along), Math.exp(ARM_WIDTH * y)];
      const det = Math.log(ARM_WIDTH * Math.PI * EVENLY) + 2 * ARM_WIDTH * y + logSech2(along);
      return [side * (r * Math.cos(t) - 0.5), side * (r * Math.sin(t) - 0.25), det];
    },
    preimages: (u, v) => {
      /** @type {[number, number][]} */
      const found = [];
      for (const side of [1, -1]) {
        const [p, q] = [side * u + 0.5, side * v + 0.25];
        const [t, r] = [Math.atan2(q, p), Math.hypot(p, q)];
        if (t >= 0 && t < Math.PI && r > 0 && (t > 0 || side > 0)) found.push([(side * Math.atanh(t / Math.PI)) / EVENLY, Math.log(r) / ARM_WIDTH]);
      }
      return found;
    },
  };
}

/** @returns {PlaneMap} */
export function spiralMap() {
  return {
    reach: 2.35,
    torn: unbroken,
    land: (x, y) => {
      const theta = ARM_START + (ARM_TURN / 2) * (1 + Math.tanh(EVENLY * x));
      const r = ARM_RISE * theta + ARM_WIDTH * y;
      const det = Math.log((Math.abs(r) * ARM_WIDTH * ARM_TURN * EVENLY) / 2) + logSech2(EVENLY * x);
      return [r * Math.cos(theta), r * Math.sin(theta), det];
    },
    preimages: (u, v) => {
      /** @type {[number, number][]} */
      const found = [];
      const [angle, rho] = [Math.atan2(v, u), Math.hypot(u, v)];
      for (let half = -1; half <= 5 && rho > 0; half++) {
        const theta = angle + half * Math.PI;
        const share = ((theta - ARM_START) * 2) / ARM_TURN - 1;
        if (Math.abs(share) < 1) found.push([Math.atanh(share) / EVENLY, ((half % 2 ? -rho : rho) - ARM_RISE * theta) / ARM_WIDTH]);
      }
      return found;
    },
  };
}

/** A trained flow. @param {FlowWeights} weights @returns {PlaneMap} */
export function flowMap({ layers, shift, scale }) {
  const w = Float64Array.from(layers);
  const count = w.length / LAYER_SIZE;
  const base = Math.log(scale[0]) + Math.log(scale[1]);
  const pair = [0, 0]; // s and t of the layer asked last
  /** @param {number} layer @param {number} other */
  const ask = (layer, other) => {
    const start = layer * LAYER_SIZE;
    const outer = start + 2 * HIDDEN_UNITS;
    let s = w[start + LAYER_SIZE - 2];
    let t = w[start + LAYER_SIZE - 1];
    for (let k = 0; k < HIDDEN_UNITS; k++) {
      const hidden = Math.tanh(other * w[start + k] + w[start + HIDDEN_UNITS + k]);
      s += w[outer + k] * hidden;
      t += w[outer + HIDDEN_UNITS + k] * hidden;
    }
    pair[0] = Math.tanh(s);
    pair[1] = t;
  };
  return {
    reach: 2,
    torn: unbroken,
    land: (x, y) => {
      const z = [x, y];
      let det = base;
      for (let k = 0; k < count; k++) {
        ask(k, z[1 - (k % 2)]);
        z[k % 2] = z[k % 2] * Math.exp(pair[0]) + pair[1];
        det += pair[0];
      }
      return [shift[0] + scale[0] * z[0], shift[1] + scale[1] * z[1], det];
    },
    preimages: (u, v) => {
      /** @type {[number, number]} */
      const z = [(u - shift[0]) / scale[0], (v - shift[1]) / scale[1]];
      for (let k = count - 1; k >= 0; k--) {
        ask(k, z[1 - (k % 2)]);
        z[k % 2] = (z[k % 2] - pair[1]) * Math.exp(-pair[0]);
      }
      return [z];
    },
  };
}

/** The map of a name, where the browser has it. @param {string} kind @param {number} a of the ring @param {?FlowWeights} flow @returns {?PlaneMap} */
export function mapOf(kind, a, flow) {
  if (kind === "ring") return ringMap(a);
  if (kind === "moons") return moonsMap();
  if (kind === "spiral") return spiralMap();
  return kind === "drawing" && flow ? flowMap(flow) : null;
}

/** The standard normal density of the plane. @param {number} x @param {number} y */
export const normalAt = (x, y) => Math.exp(-0.5 * (x * x + y * y)) / (2 * Math.PI);

/** The density after a map: a sum over all points that land here. @param {PlaneMap} map @param {number} u @param {number} v */
export function densityAfter(map, u, v) {
  let sum = 0;
  for (const [x, y] of map.preimages(u, v)) sum += normalAt(x, y) * Math.exp(-map.land(x, y)[2]);
  return sum;
}

/** A function of a square around 0 on a grid, the first row at the top. @param {(x: number, y: number) => number} f @param {number} reach @param {number} side */
export function squareField(f, reach, side) {
  return Float32Array.from({ length: side * side }, (_, i) =>
    f(reach * ((2 * (i % side) + 1) / side - 1), reach * (1 - (2 * Math.floor(i / side) + 1) / side)),
  );
}

/** Mass of a square, and its area after the map by midpoints. @param {PlaneMap} map @param {ArrayLike<number>} at centre and half side @param {number} [side] */
export function squareAfter(map, at, side = 30) {
  const area = 4 * at[2] ** 2;
  let [mass, landed] = [0, 0];
  for (let i = 0; i < side; i++) {
    for (let j = 0; j < side; j++) {
      const x = at[0] + at[2] * ((2 * i + 1) / side - 1);
      const y = at[1] + at[2] * ((2 * j + 1) / side - 1);
      mass += (normalAt(x, y) * area) / side ** 2;
      landed += (Math.exp(map.land(x, y)[2]) * area) / side ** 2;
    }
  }
  return { mass, area, landed, before: mass / area, det: landed / area, after: mass / landed };
}
