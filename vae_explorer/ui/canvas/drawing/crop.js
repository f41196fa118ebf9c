// A rectangle on a dropped picture: what lies outside, such as a desk or the page's edge, is left out.

import { element } from "../dom.js";
import { PAD_SIDE } from "./pad.js";

/** @import { Pad, Rectangle } from "./pad.js" */

const LEAST_CROP = 12; // px of the pad
const CROP_STEP = 4; // px that an arrow key moves or sizes it
export const CROP_HINT = "Drag a rectangle around what counts: the rest is cut off. Escape leaves the picture whole, to draw on it.";
/** @type {Record<string, number[]>} */
const CROP_KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Crop {
  /**
   * @param {HTMLElement} paper holds the pad; gets the rectangle
   * @param {Pad} pad
   * @param {AbortSignal} signal
   * @param {() => void} changed called when cropping begins or ends
   */
  constructor(paper, pad, signal, changed) {
    this.paper = paper;
    this.pad = pad;
    this.changed = changed;
    this.armed = false;
    /** @type {?number[]} */
    this.start = null; // where the pointer went down, px of the pad
    /** @type {?Rectangle} */
    this.rect = null;
    this.frame = element("div", "crop");
    this.frame.tabIndex = 0;
    this.frame.hidden = true;
    this.frame.setAttribute("role", "application");
    this.frame.setAttribute("aria-label", "Part to keep. Arrow keys move it, with Shift they size it. Enter cuts, Escape leaves.");
    paper.append(this.frame);
    /** @template {keyof HTMLElementEventMap} T @param {T} type @param {(event: HTMLElementEventMap[T]) => void} handler */
    const add = (type, handler) => paper.addEventListener(type, (event) => this.armed && handler(event), { signal, capture: true });
    add("pointerdown", (event) => this.begin(event));
    add("pointermove", (event) => this.drag(event));
    add("pointerup", () => this.start && this.end());
    add("pointercancel", () => this.disarm());
    add("keydown", (event) => this.key(event));
  }

  /** Waits for a rectangle; with a keyboard, it begins with one. */
  arm(keyboard = false) {
    this.armed = true;
    this.show(keyboard ? inner(this.pad.part, 0.1) : null);
    if (keyboard) this.frame.focus();
    this.changed();
  }

  disarm() {
    Object.assign(this, { armed: false, start: null });
    this.show(null);
    this.changed();
  }

  /** @param {MouseEvent} event */
  at(event) {
    const box = this.pad.canvas.getBoundingClientRect();
    const { x, y, width, height } = this.pad.part;
    /** @param {number} value @param {number} low @param {number} size */
    const within = (value, low, size) => Math.min(low + size, Math.max(low, value));
    return [within(((event.clientX - box.x) / box.width) * PAD_SIDE, x, width), within(((event.clientY - box.y) / box.height) * PAD_SIDE, y, height)];
  }

  /** @param {PointerEvent} event */
  begin(event) {
    if (event.button > 0) return;
    event.preventDefault();
    event.stopPropagation(); // the pad would draw
    this.paper.setPointerCapture(event.pointerId);
    this.start = this.at(event);
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (!this.start) return;
    event.stopPropagation();
    const [[a, b], [c, d]] = [this.start, this.at(event)];
    this.show({ x: Math.min(a, c), y: Math.min(b, d), width: Math.abs(a - c), height: Math.abs(b - d) });
  }

  end() {
    this.start = null;
    if (this.rect && Math.min(this.rect.width, this.rect.height) >= LEAST_CROP) this.cut();
    else this.show(null); // a click is no rectangle
  }

  cut() {
    const { rect } = this;
    this.disarm();
    if (rect) this.pad.crop(rect);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key === "Escape") this.disarm();
    else if (event.key === "Enter" && this.rect) this.cut();
    else if (event.key in CROP_KEYS && this.rect) {
      const [across, down] = CROP_KEYS[event.key];
      this.nudge(across * CROP_STEP, down * CROP_STEP, event.shiftKey);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {number} dx @param {number} dy @param {boolean} sizes whether it is sized, not moved */
  nudge(dx, dy, sizes) {
    if (!this.rect) return;
    const { x, y, width, height } = this.rect;
    const { part } = this.pad;
    /** @param {number} value @param {number} low @param {number} high */
    const within = (value, low, high) => Math.min(high, Math.max(low, value));
    if (sizes) {
      const wider = within(width + dx, LEAST_CROP, part.x + part.width - x);
      return this.show({ x, y, width: wider, height: within(height + dy, LEAST_CROP, part.y + part.height - y) });
    }
    const left = within(x + dx, part.x, part.x + part.width - width);
    this.show({ x: left, y: within(y + dy, part.y, part.y + part.height - height), width, height });
  }

  /** @param {?Rectangle} rect */
  show(rect) {
    this.rect = rect;
    this.frame.hidden = rect === null;
    if (!rect) return;
    /** @param {number} value */
    const share = (value) => `${(100 * value) / PAD_SIDE}%`;
    const { x, y, width, height } = rect;
    Object.assign(this.frame.style, { left: share(x), top: share(y), width: share(width), height: share(height) });
  }
}

/** A rectangle with this share of another one cut off at each side. @param {Rectangle} rect @param {number} share @returns {Rectangle} */
function inner({ x, y, width, height }, share) {
  return { x: x + share * width, y: y + share * height, width: (1 - 2 * share) * width, height: (1 - 2 * share) * height };
}
