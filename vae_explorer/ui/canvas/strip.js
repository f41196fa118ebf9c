// The strip of pinned points: chosen by a click, moved by dragging, removed by its cross.

import { newButton } from "./dom.js";
import { pngUrl } from "./panel.js";
import { samePoint } from "./point.js";

/** @import { Point } from "./point.js" */

/** PyTorch's image of a pin, base64, and the KL weight that it is decoded at. @typedef {{png: string, beta: ?number}} PinPicture */

/**
 * What a strip asks for: the pin that was chosen, what follows a change, a pin's name in words.
 * @typedef {{choose: (k: number) => void, change: () => void, name: (pin: Point) => string}} StripParts
 */

const MOST_PINS = 12; // explore/state.py takes no more

export class Strip {
  /** @param {HTMLElement} host @param {AbortSignal} signal @param {StripParts} on */
  constructor(host, signal, on) {
    this.host = host;
    this.on = on;
    /** @type {Point[]} */
    this.pins = [];
    /** @type {(PinPicture | null | undefined)[]} */
    this.pictures = []; // one a pin, as they come
    this.dragged = false;
    host.addEventListener("keydown", (event) => this.key(event), { signal });
  }

  /** @param {Point[]} pins */
  set(pins) {
    this.pins = [...pins];
    this.pictures = [];
    this.show();
  }

  /** @param {Point} pin */
  take(pin) {
    if (this.pins.some((other) => samePoint(other, pin))) return;
    this.pins = [...this.pins, pin].slice(-MOST_PINS);
    this.pictures = [...this.pictures, null].slice(-MOST_PINS);
  }

  /** PyTorch's images at a KL weight, one a pin, base64. @param {string[]} pictures @param {?number} beta */
  setPictures(pictures, beta) {
    this.pictures = pictures.map((png) => ({ png, beta }));
    this.fill();
  }

  /** PyTorch's image of a point, if it is pinned. @param {Point} point @param {string} png @param {?number} beta */
  setPicture(point, png, beta) {
    const k = this.pins.findIndex((pin) => samePoint(pin, point));
    if (k < 0) return;
    this.pictures[k] = { png, beta };
    this.fill();
  }

  /** Whether each pin has its image at this KL weight. @param {?number} beta */
  complete(beta) {
    return this.pins.every((_, k) => this.pictures[k]?.beta === beta);
  }

  fill() {
    this.host.querySelectorAll("img").forEach((image, k) => {
      const picture = this.pictures[k];
      const url = picture ? pngUrl(picture.png) : "";
      if (url && image.src !== url) image.src = url; // the same address again would be decoded again
    });
  }

  /** @param {number} k */
  remove(k) {
    this.pins.splice(k, 1);
    this.pictures.splice(k, 1);
    this.show();
    this.on.change();
    (this.buttons[Math.min(k, this.pins.length - 1)] ?? this.host).focus();
  }

  /** @param {number} from @param {number} to */
  move(from, to) {
    if (to < 0 || to >= this.pins.length || from === to) return;
    this.pins.splice(to, 0, this.pins.splice(from, 1)[0]);
    this.pictures.splice(to, 0, this.pictures.splice(from, 1)[0]);
    this.show();
    this.on.change();
  }

  /** @returns {HTMLButtonElement[]} */
  get buttons() {
    return [...this.host.querySelectorAll("button")].filter((button) => button.className === "pin");
  }

  show() {
    const items = this.pins.map((pin, k) => {
      const item = document.createElement("li");
      const name = this.on.name(pin);
      const pick = newButton("", () => !this.dragged && this.on.choose(k));
      pick.className = "pin";
      pick.setAttribute("aria-label", `Pin ${k + 1}: ${name}`);
      pick.title = `${name}. Drag to move; Alt and arrow keys move, Delete removes`;
      const image = document.createElement("img");
      image.alt = "";
      image.draggable = false;
      const picture = this.pictures[k];
      if (picture) image.src = pngUrl(picture.png);
      pick.append(image);
      const cross = newButton("\u00d7", () => this.remove(k));
      cross.className = "cross";
      cross.setAttribute("aria-label", `Remove pin ${k + 1}`);
      item.append(pick, cross);
      this.drag(pick, k);
      return item;
    });
    this.host.replaceChildren(...items);
    this.host.hidden = items.length === 0;
  }

  /** Follows a finger or the mouse, and moves the pin to where it is let go. @param {HTMLButtonElement} button @param {number} k */
  drag(button, k) {
    /** @type {?number} */
    let start = null;
    button.addEventListener("pointerdown", (event) => {
      [start, this.dragged] = [event.clientX, false];
      button.setPointerCapture(event.pointerId);
    });
    button.addEventListener("pointermove", (event) => {
      if (start === null) return;
      const dx = event.clientX - start;
      if (Math.abs(dx) > 5) this.dragged = true;
      if (this.dragged) button.style.translate = `${dx}px`;
    });
    button.addEventListener("pointercancel", () => this.show());
    button.addEventListener("pointerup", (event) => {
      if (start === null) return;
      start = null;
      button.style.translate = "";
      if (!this.dragged) return;
      const centres = [...this.host.children].map((item) => {
        const box = item.getBoundingClientRect();
        return box.x + box.width / 2;
      });
      const to = centres.reduce((best, x, i) => (Math.abs(x - event.clientX) < Math.abs(centres[best] - event.clientX) ? i : best), 0);
      this.move(k, to);
    });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const k = this.buttons.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    const way = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (k < 0 || !(way || event.key === "Delete" || event.key === "Backspace")) return;
    event.preventDefault();
    if (!way) return this.remove(k);
    const to = Math.min(this.pins.length - 1, Math.max(0, k + way));
    if (event.altKey) this.move(k, to);
    this.buttons[to].focus();
  }
}
