// The pinned points of a map: their strip, the path through them, the comparison of two.

import { Difference } from "./difference.js";
import { minus, tupleText } from "./panel.js";
import { samePoint } from "./point.js";
import { Strip } from "./strip.js";
import { imageWords } from "./tints.js";
import { Walk } from "./walk.js";

/** @import { Levels } from "./decoder.js" */
/** @import { LatentMap } from "./latent_map.js" */
/** @import { PathKind } from "./paths.js" */
/** @import { Point } from "./point.js" */

export class Pinboard {
  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    /** @type {?Point} */
    this.rival = null; // the pin that is compared
    /** @type {PathKind} */
    this.kind = "straight";
    this.tab = "";
    const { find, abort } = map;
    this.strip = new Strip(find(".strip"), abort.signal, {
      choose: (k) => this.choose(k),
      change: () => this.changed(),
      name: (pin) => this.nameOf(pin),
    });
    this.walk = new Walk(find(".tab.path"), abort.signal, {
      kind: (kind) => ((this.kind = kind), this.changed()),
      walk: (z) => map.picking.point(z && { x: z[0], y: z[1] ?? 0, index: null, z }),
      decode: (z, grey) => map.decoder.decode(z, map.beta, grey),
    });
    this.difference = new Difference(find(".tab.compare"));
  }

  /** @param {Point[]} pins @param {?number} other @param {PathKind} kind */
  set(pins, other, kind) {
    this.kind = kind;
    this.strip.set(pins);
    this.rival = other === null ? null : (pins[other] ?? null);
  }

  /** Which pin is compared: it is kept as the point itself, since pins move, go and make room for new ones. */
  get other() {
    const { rival } = this;
    const k = this.strip.pins.findIndex((pin) => rival !== null && samePoint(pin, rival));
    return k < 0 ? null : k;
  }

  /** What Python is told of the board. */
  get report() {
    return { pins: this.strip.pins, other: this.other, path: this.kind };
  }

  /** @param {Point} pin */
  take(pin) {
    this.strip.take(pin);
  }

  /** @param {number} k */
  choose(k) {
    if (this.tab === "compare") this.rival = this.strip.pins[k];
    else this.map.picking.pinAt(this.strip.pins[k]);
    this.showDifference();
    this.map.talk.tell();
  }

  changed() {
    if (this.tab === "path") this.map.moved();
    this.showDifference();
    this.map.talk.tell();
  }

  /** Takes PyTorch's images of the pins. @param {string[]} pictures @param {?number} beta */
  setPictures(pictures, beta) {
    if (pictures.length === this.strip.pins.length) this.strip.setPictures(pictures, beta);
    this.showDifference();
  }

  /** @param {string} tab */
  open(tab) {
    this.tab = tab;
    if (tab !== "path") this.walk.stop();
    this.showDifference();
  }

  /** @param {Point} pin */
  nameOf(pin) {
    const { names, labels } = this.map.world;
    return pin.z ? `z = ${minus(tupleText(pin.z))}` : `${names[labels[pin.image]]}, ${imageWords(this.map.world, pin.image)}`;
  }

  /** The pins as latent points at the KL weight of now. */
  get points() {
    return this.strip.pins.map((pin) => this.map.latentPoint(pin));
  }

  get dots() {
    return this.points.map(([x, y = 0], k) => ({ x, y, text: String(k + 1) }));
  }

  /** Lays the path anew where the pins are now. */
  show() {
    const { map } = this;
    if (this.tab === "path") this.walk.set(this.points, this.kind, map.world.shape);
    const path = this.tab === "path" ? this.walk.path : [];
    map.plot.setLayers({ lines: path.length ? [{ points: path.map(([x, y = 0]) => [x, y]) }] : [] });
  }

  /** Decodes some of the walk's pictures; says whether more are due. */
  develop() {
    return this.tab === "path" && this.walk.develop();
  }

  showDifference() {
    const { said } = this.map.talk;
    if (this.tab !== "compare" || !said) return;
    const k = this.other;
    const picture = k === null ? null : this.strip.pictures[k];
    const other = k !== null && picture ? { png: picture.png, name: this.nameOf(this.strip.pins[k]) } : null;
    this.difference.show({ png: said.decoded, name: `z = ${minus(tupleText(said.z))}` }, other);
  }
}
