// What is picked on a map, by mouse, key or number: under the pointer, or pinned, spoken and asked about.

import { minus } from "./panel.js";
import { mapKey } from "./plots.js";
import { atImage, atPlace, imageOf, pointAt } from "./point.js";
import { ImageField, imageBeside, nearestCode, pointWords, Spoken } from "./spoken.js";

/** @import { LatentMap } from "./latent_map.js" */
/** @import { Point } from "./point.js" */
/** @import { Place } from "./scatter/scatter.js" */

export class Picking {
  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    const { find, abort } = map;
    this.spoken = new Spoken(find(".said"), abort.signal);
    this.field = new ImageField(find(".goto"), abort.signal, (index) => this.goTo(index));
    /** @type {number | undefined} */
    this.left = undefined; // the image that was pinned last: where Escape leads back to
  }

  /** Shows what lies under the pointer, or at a place of a walk (with its z); null: nothing does. @param {(Place & {z?: number[]}) | null} place */
  point(place) {
    this.map.pointer = place && (place.z ? { z: place.z } : pointAt(place, this.map.world.latent));
    /** @param {number} value */
    const number = (value) => minus(this.map.plot.rounded(value).toFixed(2));
    this.map.find(".readout").textContent = place ? `(${number(place.x)}, ${number(place.y)})` : "";
    this.map.look();
  }

  /** Pins a place. Python hears of it before anything is drawn: it answers while the browser draws. @param {Place} place */
  click(place) {
    if (this.map.begun) this.choose(pointAt(place, this.map.world.latent));
  }

  /** @param {Point} point */
  choose(point) {
    this.settle(point);
    this.map.board.take(point);
    this.map.talk.ask();
    setTimeout(() => {
      this.map.board.strip.show();
      this.map.board.showDifference();
      this.map.showPin();
      this.map.look();
    });
  }

  /** @param {Point} pin */
  pinAt(pin) {
    this.settle(pin);
    this.map.showPin();
    this.map.look();
  }

  /** @param {Point} pin */
  settle(pin) {
    this.map.sampling.stop();
    if (pin.image !== this.map.pin.image) this.map.sampling.drawn = [];
    if (pin.z) this.left = this.map.pin.image ?? this.left;
    this.map.pin = pin;
    this.field.show(imageOf(pin));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!this.map.begun) return;
    const { plot, weight } = this.map;
    mapKey(event, {
      plot,
      weight,
      step: (dx, dy) => this.step(dx, dy),
      image: (way) => this.turn(way),
      pin: () => this.choose(this.map.pin.z ? this.map.pin : atImage(this.map.pin.image)),
    });
  }

  /** Pins the image after this one (1), before it (-1), or, on the plane, the one that was left (0). @param {number} way */
  turn(way) {
    const { ladder, plot } = this.map;
    if (!plot.labels.length) return;
    const here = this.map.pin.image ?? this.left ?? nearestCode(ladder, this.map.latentPoint(this.map.pin), this.map.beta).index;
    this.goTo(way === 0 ? here : imageBeside(plot.labels, plot.hidden, here, way));
  }

  /** @param {number} index */
  goTo(index) {
    this.map.pointer = null;
    this.pinAt(atImage(index));
    this.speak();
    this.map.talk.later();
  }

  speak() {
    const { map } = this;
    this.spoken.say(() => pointWords(map.world, map.ladder, map.beta, map.latentPoint(map.pin), imageOf(map.pin)));
  }

  /** Moves the pin; a pinned image becomes a place on the plane. @param {number} dx @param {number} dy */
  step(dx, dy) {
    const [zx, zy = 0] = this.map.latentPoint(this.map.pin);
    const x = this.map.plot.rounded(zx + dx);
    const y = this.map.plot.rounded(zy + dy);
    this.map.pointer = null;
    this.pinAt(atPlace([x, y], this.map.world.latent));
    this.speak();
    this.map.talk.later();
  }
}
