// The map's switchable layers, at any KL weight.

import { rungOf } from "./rungs.js";
import { contextOf } from "./scatter/canvas.js";
import { ClassContours } from "./scatter/contours.js";
import { Density, Heat } from "./scatter/fields.js";

/** @import { World } from "./plots.js" */
/** @import { Underlay } from "./scatter/layers.js" */
/** @import { Scatter } from "./scatter/scatter.js" */
/** @import { Message } from "./wire.js" */

/** At which KL weights a layer was computed, and over which part of the plane. @typedef {Message & {rungs: number[], extent: number[]}} OnRungs */

/**
 * Decoded images of a grid, a PNG file for each KL weight.
 * @typedef {OnRungs & {kind: "atlas", coloured: boolean} & Record<`atlas${number}`, Uint8Array<ArrayBuffer>>} AtlasMessage
 */

/**
 * How much the image changes with z, on a grid for each KL weight.
 * @typedef {OnRungs & {kind: "magnification", side: number, values: Float32Array}} MagnificationMessage
 */

/** @typedef {AtlasMessage & {pictures: ImageBitmap[], tinted: HTMLCanvasElement[]}} Atlas */

/** @typedef {MagnificationMessage & {logs: Float32Array, between: Float32Array, heat: Heat}} Magnification */

const BANDWIDTH = 0.023; // of the density of codes, as a share of the grid's side
const LEAST = 1e-30; // of a magnification: a decoder that changes nothing has 0, which has no logarithm
const INK = 0.4; // below 1: brings out what is less dense than the densest class

export class Layers {
  /** @param {Scatter} plot */
  constructor(plot) {
    this.plot = plot;
    /** @type {?Atlas} */
    this.atlas = null;
    /** @type {?Magnification} */
    this.magnification = null;
    /** @type {number[]} */
    this.extent = [];
    /** @type {string[]} */
    this.colours = []; // of the classes
    this.ink = "";
    this.density = new Density();
    this.heat = new Heat(this.density.side);
    this.classes = new ClassContours();
  }

  /** @param {World} world */
  setWorld(world) {
    this.colours = world.colours;
    this.atlas = this.magnification = null;
    const [x, y, half] = world.home;
    this.extent = [x - half, x + half, y - half, y + half].map((value, k) => value + (k % 2 ? 1 : -1) * 0.15 * half);
  }

  /** @param {string} ink */
  setInk(ink) {
    if (ink === this.ink) return;
    this.ink = ink;
    if (this.atlas) this.tint(this.atlas);
  }

  /** Takes a layer that Python computed at a few KL weights. @param {AtlasMessage | MagnificationMessage} message */
  async take(message) {
    if (message.kind === "magnification") {
      const logs = message.values.map((value) => Math.log(Math.max(value, LEAST)));
      this.magnification = { ...message, logs, between: new Float32Array(message.side ** 2), heat: new Heat(message.side) };
      return;
    }
    const blobs = message.rungs.map((_, k) => new Blob([message[`atlas${k}`]], { type: "image/png" }));
    this.atlas = { ...message, pictures: await Promise.all(blobs.map((blob) => createImageBitmap(blob))), tinted: [] };
    this.tint(this.atlas);
  }

  /** Shows the atlas in the text's colour, so that it reads on a light and on a dark page. @param {Atlas} atlas */
  tint(atlas) {
    atlas.tinted = atlas.pictures.map((picture) => tint(picture, this.ink, atlas.coloured));
  }

  /** Sets the plot's layers to what is switched on, where the codes are now. @param {Set<string>} on @param {?number} beta */
  show(on, beta) {
    const { plot } = this;
    const circles = on.has("prior") ? [1, 2, 3].map((radius) => ({ x: 0, y: 0, radius, label: `${radius}\u03c3` })) : [];
    /** @type {Underlay[]} */
    const underlays = [];
    if (this.magnification && on.has("magnification")) underlays.push(this.magnified(this.magnification, beta));
    if (this.atlas && on.has("atlas")) underlays.push(...this.crossFade(this.atlas, beta));
    const { xy, labels, hidden } = plot;
    if (on.has("density")) {
      const counts = this.density.update(xy, labels, hidden, this.extent, BANDWIDTH * this.density.side);
      underlays.push({ image: this.heat.paint(counts, this.ink, INK), extent: this.extent, smooth: true });
    }
    const width = BANDWIDTH * this.classes.density.side;
    const contours = on.has("classes") ? this.classes.update(xy, labels, hidden, this.extent, width, this.colours) : [];
    plot.setLayers({ circles, underlays, contours });
  }

  /**
   * How much the image changes with z, between Python's rungs: on straight lines of logarithms.
   * @param {Magnification} magnification @param {?number} beta
   * @returns {Underlay}
   */
  magnified({ rungs, extent, logs, between, heat }, beta) {
    const { rung, share } = rungOf(rungs, beta);
    const low = rung * between.length;
    const high = share ? low + between.length : low;
    for (let k = 0; k < between.length; k++) between[k] = Math.exp(logs[low + k] + share * (logs[high + k] - logs[low + k]));
    return { image: heat.paint(between, this.ink), extent, smooth: true };
  }

  /** @param {Atlas} atlas @param {?number} beta @returns {Underlay[]} */
  crossFade({ rungs, extent, tinted }, beta) {
    const { rung, share } = rungOf(rungs, beta);
    if (!share) return [{ image: tinted[rung], extent }];
    return [
      { image: tinted[rung], extent, alpha: 1 - share },
      { image: tinted[rung + 1], extent, alpha: share },
    ];
  }
}

/**
 * Returns a grey picture as ink of one colour, white opaque and black clear; one in colours as a veil of its own.
 * @param {ImageBitmap} picture @param {string} ink @param {boolean} coloured
 */
function tint(picture, ink, coloured) {
  const canvas = document.createElement("canvas");
  canvas.width = picture.width;
  canvas.height = picture.height;
  const context = contextOf(canvas, { willReadFrequently: true });
  context.fillStyle = ink;
  context.fillRect(0, 0, 1, 1);
  const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
  context.drawImage(picture, 0, 0);
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < image.data.length; i += 4) {
    if (coloured) image.data[i + 3] = 0.45 * 255;
    else image.data.set([r, g, b, 0.45 * image.data[i]], i);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
