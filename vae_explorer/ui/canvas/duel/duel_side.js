// One side of the comparison: a map, its decoder, and the image that stands for it.

import { drawFrom, drawFromMixture, fittedGaussian } from "../gaussian.js";
import { Ladder } from "../ladder.js";
import { minus, paint, roomFor, tupleText } from "../panel.js";
import { decoderOf, dress } from "../plots.js";
import { Heat } from "../scatter/fields.js";
import { Scatter } from "../scatter/scatter.js";
import { Territory } from "../territory.js";
import { badness, insideOf, rangeOf } from "./field_values.js";

/** @import { Decoder, Levels } from "../decoder.js" */
/** @import { Find } from "../dom.js" */
/** @import { Fitted, Mixture } from "../gaussian.js" */
/** @import { World } from "../plots.js" */
/** @import { Contour, Underlay } from "../scatter/layers.js" */
/** @import { Place } from "../scatter/scatter.js" */
/** @import { ClassesMessage } from "../territory.js" */
/** @import { Mailbox, Message } from "../wire.js" */

/** A spot of a side: a latent point, and the field's value there. @typedef {{z: number[], value: number}} Spot */

/**
 * A field of the plane on one side, the first row at the top: a first pass over the map (`draft`), all of it (`field`), or of the part
 * that is zoomed into (`near`); where the model is sampled from and the field is worst; or why there is none.
 * @typedef {Message & {kind: "draft" | "field" | "near", field: string} & ({absent: string, values?: undefined, spots?: undefined} |
 *   {absent?: undefined, beta: number, side: number, extent: number[], spots: Spot[], values: Float32Array})} FieldMessage
 */

/** @typedef {Extract<FieldMessage, {values: Float32Array}> & {heat: Heat, range?: number[]}} DrawnField */

/** What a side is sent by couriers. @typedef {World | FieldMessage | ClassesMessage} SideMessage */

/**
 * What happens on a side's map, at a place on its axes.
 * @typedef {{point: (place: ?Place) => void, click: (place: Place) => void, view: (window: number[]) => void,
 *   key: (event: KeyboardEvent) => void}} SideReports
 */

/** Which end of a measure is the good one. @typedef {"lower" | "higher"} Better */

const NEARLY = 6; // times half of what is seen: classes of a wider stretch are no finer than the whole map's
const OLD = 0.4; // of a field's ink, while the KL weight has moved on
export const GAMMA = 0.7; // of the ink: below 1 it brings out what is faint
const SPOT = 1e-3; // standard deviation of codes on an axis, latent units: less is one spot; as in compare/scene.py

export class DuelSide {
  /** @param {Find} find @param {string} name @param {Mailbox<SideMessage>} box @param {SideReports} on */
  constructor(find, name, box, on) {
    this.name = name;
    this.plot = new Scatter(find(`.half.${name} .plot canvas`, HTMLCanvasElement), {
      hover: (place) => on.point(place && this.onAxes(place)),
      click: (place) => on.click(this.onAxes(place)),
      view: ({ x, y, half }) => on.view([x, y, half].map((v) => Number(v.toPrecision(5)))),
      key: (event) => on.key(event),
    });
    this.here = find(`.half.${name} .here`);
    this.readout = find(`.half.${name} .readout`);
    this.image = find(`.shown .${name} img`, HTMLImageElement);
    this.canvas = find(`.shown .${name} canvas`, HTMLCanvasElement);
    this.caption = find(`.shown .${name} figcaption`);
    this.axes = find(`.half.${name} .axes`);
    this.box = box;
    /** @type {Extract<FieldMessage, {absent: string}> | DrawnField | null} */
    this.field = null; // over the whole map
    /** @type {?DrawnField} */
    this.near = null; // of the part that is zoomed into
    /** @type {?Territory} */
    this.territory = null; // of the classes
    /** @type {?Territory} */
    this.nearby = null; // of the part that is zoomed into
    this.unclassed = ""; // why there is none
    /** @type {?number} */
    this.beta = null; // that the codes are at, once they are
    this.mean = [0, 0]; // of the codes on the axes shown
    this.std = [0, 0];
    this.words = "";
    /** @type {?Fitted} */
    this.fitted = null; // the Gaussian of the codes, made when first needed
    /** @type {?Mixture} */
    this.mixture = null; // of Gaussians, which an autoencoder's codes are described by
  }

  destroy() {
    this.plot.destroy();
    this.box.read = this.box.save = null;
  }

  /** @param {World} world */
  setWorld(world) {
    /** @type {World} */
    this.world = world;
    /** @type {Ladder} */
    this.ladder = new Ladder(world);
    /** @type {Decoder} */
    this.decoder = decoderOf(world);
    /** @type {Levels} */
    this.grey = roomFor(world.shape);
    dress(this.plot, world);
    this.beta = null;
  }

  /** Whether the browser decodes on the plane of the first two axes alone, and there are more. */
  get flat() {
    return this.world.latent > 2 && !this.world.decoder;
  }

  /** How the map shows the latent space, in words. */
  get axesWords() {
    const { latent } = this.world;
    if (latent === 1) return "1 latent axis, drawn along y = 0.";
    if (latent === 2) return "2 latent axes.";
    const still = this.flat ? ", and so does a code until PyTorch has answered" : "";
    return `The first two of ${latent} latent axes; a place means 0 on the others${still}.`;
  }

  /** On which of the axes shown all codes lie in one spot, in words. */
  get spotWords() {
    const axes = this.std.slice(0, this.world.latent).flatMap((std, k) => (std > SPOT ? [] : [k + 1]));
    return axes.length ? ` The codes of ${this.world.model} are one spot on axis ${axes.join(" and ")}, which gives no unit.` : "";
  }

  /** The KL weight that this side is at: the slider's if it can be set. @param {?number} beta */
  weightFor(beta) {
    const { beta_range: known, rungs } = this.world;
    return known && beta !== null ? Math.min(known[1], Math.max(known[0], beta)) : rungs[0];
  }

  /** Moves the codes, and takes their mean and standard deviation on the axes shown. @param {?number} beta */
  climb(beta) {
    const weight = this.weightFor(beta);
    if (weight === this.beta) return;
    this.fitted = null;
    this.beta = weight;
    this.ladder.climb(this.beta);
    this.territory?.climb(this.beta);
    this.nearby?.climb(this.beta);
    const { xy } = this.ladder;
    const n = xy.length / 2;
    const [mean, square] = [
      [0, 0],
      [0, 0],
    ];
    for (let i = 0; i < xy.length; i += 2) {
      const [x, y] = [xy[i], xy[i + 1]];
      mean[0] += x / n;
      mean[1] += y / n;
      square[0] += (x * x) / n;
      square[1] += (y * y) / n;
    }
    this.mean = mean;
    this.std = square.map((value, k) => Math.sqrt(Math.max(0, value - mean[k] ** 2)));
    this.plot.set({ xy });
  }

  /** A place on the map's axes: a single axis lies along y = 0. @template {{x: number, y: number}} P @param {P} place @returns {P} */
  onAxes(place) {
    return this.world.latent > 1 ? place : { ...place, y: 0 };
  }

  /** The latent point of a place on the map: axes that the map does not show are 0. @param {number[]} place */
  point([x, y]) {
    return Array.from({ length: this.world.latent }, (_, k) => [x, y][k] ?? 0);
  }

  /**
   * A place in units of the codes' standard deviation from their mean, 0 where they are one spot; and the latent point there.
   * @param {number[]} place
   */
  units(place) {
    return place.map((value, k) => (this.std[k] > SPOT ? (value - this.mean[k]) / this.std[k] : 0));
  }

  /** @param {number[]} units */
  fromUnits(units) {
    return this.point(units.map((unit, k) => this.mean[k] + unit * this.std[k]));
  }

  /**
   * Turns rows of standard normal numbers into draws: the prior's are these numbers, on as many axes as there are.
   * @param {Float32Array[]} rows @param {string} space
   */
  draws(rows, space) {
    const { latent, labels } = this.world;
    const points = rows.map((row) => row.subarray(0, latent));
    if (space === "prior") return points.map((point) => [...point]);
    if (space === "mixture" && this.mixture) return drawFromMixture(this.mixture, points);
    const fitted = (this.fitted ??= fittedGaussian(this.ladder.codes(this.beta), labels.length, latent));
    return points.map((noise) => drawFrom(fitted, noise));
  }

  /** The image whose code is nearest to a place. @param {{x: number, y: number}} place */
  nearest({ x, y }) {
    const { xy } = this.ladder;
    let [best, index] = [Infinity, 0];
    for (let i = 0; i < xy.length; i += 2) {
      const distance = (xy[i] - x) ** 2 + (xy[i + 1] - y) ** 2;
      if (distance < best && !this.plot.hidden[this.world.labels[i / 2]]) [best, index] = [distance, i / 2];
    }
    return index;
  }

  /**
   * Codes of images of another class than one, nearest first: they lie where a grid is too coarse.
   * @param {number[]} z @param {number} from @param {?number} to the class that is sought; any if null @param {number} most @param {number[]} unit
   * @returns {number[][]}
   */
  codesOf([x, y = 0], from, to, most, unit) {
    const { xy } = this.ladder;
    const { labels } = this.world;
    /** @type {{distance: number, index: number}[]} */
    const found = [];
    for (let i = 0; i < labels.length; i++) {
      if (labels[i] === from || (to !== null && labels[i] !== to)) continue;
      found.push({ distance: Math.hypot((xy[2 * i] - x) / unit[0], (xy[2 * i + 1] - y) / unit[1]), index: i });
    }
    return found
      .sort((a, b) => a.distance - b.distance)
      .slice(0, most)
      .map(({ index }) => this.code(index));
  }

  /** @param {number} index */
  code(index) {
    return this.ladder.posterior(index, this.beta).mean;
  }

  /** @param {ArrayLike<number>} z @param {Levels} grey */
  decode(z, grey) {
    this.decoder.decode(z, this.beta, grey);
  }

  /**
   * Puts marker and ellipse on the map; decodes unless PyTorch's image is there.
   * @param {number[]} z @param {?number} index @param {boolean} exact
   */
  show(z, index, exact) {
    const [x, y = 0] = z;
    const [rx, ry = 0] = index === null ? [0] : this.ladder.posterior(index, this.beta).std;
    this.plot.setLayers({ marker: { x, y }, ellipses: rx > 0 ? [{ x, y, rx, ry }] : [] });
    this.canvas.hidden = exact;
    if (exact) return;
    this.decode(z, this.grey);
    paint(this.canvas, this.grey, this.world.shape);
  }

  /**
   * Writes where the point is. After the map was drawn: setting a canvas's font lays out a page whose text has changed.
   * @param {number[]} z @param {string} words
   */
  label(z, words) {
    this.readout.textContent = minus(tupleText(z.slice(0, 2)));
    const value = this.valueAt(z);
    this.here.textContent = value === null ? "" : `\u00b7 here ${minus(String(Number(value.toPrecision(2))))}`;
    if (words !== this.words) this.caption.innerText = this.words = words;
  }

  /** The field's value at a place, that of its cell; null where none is shown. @param {number[]} place */
  valueAt([x, y = 0]) {
    for (const field of [this.near, this.drawn]) {
      if (!field || field.field !== this.field?.field) continue;
      const [x0, x1, y0, y1] = field.extent;
      const [column, row] = [Math.floor(((x - x0) / (x1 - x0)) * field.side), Math.floor(((y1 - y) / (y1 - y0)) * field.side)];
      if (Math.min(column, row) >= 0 && Math.max(column, row) < field.side) return field.values[row * field.side + column];
    }
    return null;
  }

  /** Takes a field of the plane, as ink; or why there is none; nothing: it is no longer shown. @param {?FieldMessage} message */
  setField(message) {
    const drawn = message?.values ? { ...message, heat: new Heat(message.side) } : null;
    if (message?.kind === "near") this.near = drawn;
    else if (message?.kind === "draft" && this.isWhole(message))
      return; // it came late
    else this.field = drawn ?? /** @type {?Extract<FieldMessage, {absent: string}>} */ (message);
    if (!message) this.near = null;
  }

  /** Whether the whole field is here already that a first pass is of. @param {FieldMessage} draft */
  isWhole(draft) {
    const { drawn } = this;
    return drawn?.kind === "field" && drawn.field === draft.field && draft.values !== undefined && drawn.beta === draft.beta;
  }

  /** @param {ClassesMessage} message */
  setClasses(message) {
    const territory = message.absent === undefined ? new Territory(message) : null;
    territory?.climb(this.beta);
    this.unclassed = message.absent ?? "";
    if (message.kind === "classes-near") this.nearby = territory;
    else this.territory = territory;
  }

  /** The classes of what is seen: those of the whole map, unless the finer ones hold all of the window. */
  get classed() {
    const { nearby, plot } = this;
    if (!nearby) return this.territory;
    const { x, y, half } = plot.view;
    const [x0, x1, y0, y1] = nearby.extent;
    const within = x - half >= x0 && x + half <= x1 && y - half >= y0 && y + half <= y1;
    const fine = x1 - x0 < NEARLY * half; // zoomed out since, they would be a patch
    return within && fine ? nearby : this.territory;
  }

  /** The field over the whole map, where there is one. */
  get drawn() {
    return this.field?.values ? this.field : null;
  }

  /** The field's least value and one that few exceed, on the bad side. @param {DrawnField} field @param {Better} better */
  fieldRange(field, better) {
    return (field.range ??= rangeOf(insideOf(field, this.plot.home), better));
  }

  /**
   * The field as ink, none at the good end of the range and all at the bad one; the part that is zoomed into lies above.
   * @param {string} ink @param {Better} better @param {number[]} range
   * @returns {Underlay[]}
   */
  fieldLayers(ink, better, [low, high]) {
    const near = this.near?.field === this.field?.field ? this.near : null;
    return [this.drawn, near].flatMap((field) => {
      if (!field) return [];
      const { heat, extent } = field;
      const bad = badness(field, better, low, high);
      const alpha = field.beta === this.beta ? 1 : OLD;
      return [{ image: heat.paint(bad, ink, GAMMA, high - low || 1), extent, smooth: true, over: field === near, alpha }];
    });
  }
}
