// What is picked on either map: under the pointer, or by a click or a key.

import { mapKey } from "../plots.js";
import { imageOf, pointAt } from "../point.js";
import { imageBeside, pointWords, Spoken } from "../spoken.js";

/** @import { Place } from "../scatter/scatter.js" */
/** @import { Duel, OnSide } from "./duel.js" */

export class DuelPicking {
  /** @param {Duel} duel */
  constructor(duel) {
    this.duel = duel;
    this.spoken = new Spoken(duel.find(".said"), duel.abort.signal);
    /** @type {number | undefined} */
    this.left = undefined; // the image that was picked last: where Escape leads back to
  }

  /**
   * A point as the state holds it: an image, or a place on a side's plane.
   * @param {string} side @param {?{x: number, y: number}} place @param {?number} index
   * @returns {OnSide}
   */
  on(side, place, index) {
    return { side, ...pointAt({ x: 0, y: 0, ...place, index }, this.duel.sideOf(side).world.latent) };
  }

  /** @param {string} side @param {?Place} place */
  point(side, place) {
    if (!this.duel.begun) return;
    this.duel.pointer = place && this.on(side, place, this.duel.state.link === "image" ? place.index : null);
    this.duel.look();
  }

  /** @param {string} side @param {Place} place */
  click(side, place) {
    if (!this.duel.begun) return;
    const { index } = place;
    const ends = index === null || this.duel.state.tab !== "path" ? this.duel.state.ends : [this.duel.state.ends[1], index];
    this.duel.pointer = null;
    this.duel.change({ point: this.on(side, place, index), ends, spot: null });
  }

  /** One of the worst spots of a side. @param {string} side @param {number} number from 1 @param {number[]} z */
  goToSpot(side, number, z) {
    this.duel.pointer = null;
    this.left = this.duel.state.point.image ?? this.left;
    this.duel.change({ point: { side, z }, spot: [side, number] });
    const { value } = this.duel.spotsOf(side).all[number - 1];
    const { unit } = this.duel.fields[this.duel.state.field ?? ""];
    this.speak(side, `Worst spot ${number}, ${value.toPrecision(2)} ${unit}. `);
  }

  /** @param {string} side @param {{x: number, y: number}} place */
  goTo(side, place) {
    const { plot } = this.duel.sideOf(side);
    this.duel.pointer = null;
    const { x, y } = this.duel.sideOf(side).onAxes(place);
    this.left = this.duel.state.point.image ?? this.left; // where Escape leads back to
    this.duel.change({ point: this.on(side, { x: plot.rounded(x), y: plot.rounded(y) }, null), spot: null });
  }

  /** @param {string} side @param {KeyboardEvent} event */
  key(side, event) {
    if (!this.duel.begun) return;
    const { plot } = this.duel.sideOf(side);
    /** @param {number} dx @param {number} dy */
    const step = (dx, dy) => {
      const [x, y = 0] = this.duel.places(this.duel.state.point)[this.duel.sides.findIndex((each) => each.name === side)];
      this.goTo(side, { x: x + dx, y: y + dy });
      this.speak(side);
    };
    if (event.key === "w" && !event.ctrlKey && !event.altKey && !event.metaKey) return this.duel.spotsOf(side).next();
    mapKey(event, { plot, weight: this.duel.weight, step, image: (way) => this.turn(side, way) });
  }

  /** Picks the image after this one (1), before it (-1), or, on the plane, the one that was left (0). @param {string} name @param {number} way */
  turn(name, way) {
    const side = this.duel.sideOf(name);
    const { point } = this.duel.state;
    const [x, y = 0] = point.z ?? [];
    const here = point.image ?? this.left ?? side.nearest({ x, y });
    const index = way === 0 ? here : imageBeside(side.world.labels, side.plot.hidden, here, way);
    this.duel.pointer = null;
    this.duel.change({ point: this.on(name, null, index), spot: null });
    this.speak(name);
  }

  /** @param {string} name @param {string} [first] what is said before */
  speak(name, first = "") {
    const side = this.duel.sideOf(name);
    const { point } = this.duel.state;
    const place = () => this.duel.places(point)[this.duel.sides.indexOf(side)];
    this.spoken.say(() => first + pointWords(side.world, side.ladder, side.beta, place(), imageOf(point)));
  }
}
