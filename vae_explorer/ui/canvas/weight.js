// The slider of the KL weight, over its logarithm, and the sweep along it.

/** @import { Find } from "./dom.js" */

const SNAP = 0.04; // decades within which a dragged weight takes a marked value
const BRACKET = 0.1; // decades that a bracket key moves
const SWEEP = 9000; // ms from one end to the other
const STILL = 1500; // ms on each decade where motion is not wanted

/** Three significant digits, and one decimal where there would be none. @param {number} beta */
export function weightText(beta) {
  const text = String(Number(beta.toPrecision(3)));
  return text.includes(".") || beta >= 10 ? text : `${text}.0`;
}

export class Weight {
  /** @param {Find} find @param {AbortSignal} signal @param {{move: () => void, settle: () => void}} on move() at once, settle() when it is let go */
  constructor(find, signal, on) {
    this.find = find;
    this.on = on;
    this.input = find(".weight input", HTMLInputElement);
    this.play = find(".weight .play");
    this.playing = 0; // the animation frame that is due
    /** @type {?number[]} */
    this.range = null; // least and most
    let dragged = false;
    /** @param {HTMLElement} element @param {string} type @param {() => void} handler */
    const listen = (element, type, handler) => element.addEventListener(type, handler, { signal });
    listen(this.input, "pointerdown", () => (dragged = true));
    listen(this.input, "keydown", () => (dragged = false));
    listen(this.input, "input", () => {
      this.stop();
      const power = Number(this.input.value);
      if (dragged && Math.abs(power - Math.round(power)) < SNAP) this.input.value = String(Math.round(power));
      this.moved();
    });
    listen(this.input, "change", () => this.on.settle());
    listen(this.play, "click", () => (this.playing ? this.stop(true) : this.start()));
    signal.addEventListener("abort", () => this.stop());
  }

  /** The weight now, or null where none can be set. */
  get beta() {
    return this.range ? Number((10 ** Number(this.input.value)).toPrecision(4)) : null;
  }

  /** Shows the slider for a range of weights, or hides it where there is none. @param {?number[]} range @param {?number} beta */
  build(range, beta) {
    this.stop();
    this.range = range;
    this.find(".weight").hidden = !range;
    if (!range) return;
    const [low, high] = range.map(Math.log10);
    Object.assign(this.input, { min: low, max: high, value: Math.log10(beta ?? 1) });
    const marks = [];
    for (let power = Math.ceil(low - 1e-9); power <= high + 1e-9; power++) {
      const mark = document.createElement("span");
      mark.textContent = power === 0 ? "1 = ELBO" : String(Number((10 ** power).toPrecision(1)));
      mark.className = power === 0 ? "main" : "";
      mark.style.left = `${(100 * (power - low)) / (high - low)}%`;
      marks.push(mark);
    }
    this.find(".marks").replaceChildren(...marks);
    this.show();
  }

  /** @param {number} beta */
  set(beta) {
    this.stop();
    this.input.value = String(Math.log10(beta));
    this.moved();
    this.on.settle();
  }

  /** Moves by so many bracket keys. @param {number} times */
  nudge(times) {
    if (this.range) this.set(10 ** (Number(this.input.value) + BRACKET * times));
  }

  moved() {
    this.show();
    this.on.move();
  }

  show() {
    if (this.beta === null) return;
    const text = weightText(this.beta);
    this.input.setAttribute("aria-valuetext", text);
    this.find(".weight output").textContent = text;
  }

  /** Goes up and down the range until it is stopped; by whole decades where motion is not wanted. */
  start() {
    const { min, max, value } = this.input;
    const [low, high] = [Number(min), Number(max)];
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const decades = still ? STILL : SWEEP / (high - low);
    const begun = performance.now() - (Number(value) - low) * decades;
    /** @param {number} now */
    const frame = (now) => {
      const way = ((now - begun) / decades) % (2 * (high - low));
      const at = low + (way > high - low ? 2 * (high - low) - way : Math.max(0, way));
      const next = still ? Math.round(at) : at;
      if (Number(this.input.value) !== next) {
        this.input.value = String(next);
        this.moved();
      }
      this.playing = requestAnimationFrame(frame);
    };
    this.playing = requestAnimationFrame(frame);
    this.name();
  }

  stop(settle = false) {
    if (!this.playing) return;
    cancelAnimationFrame(this.playing);
    this.playing = 0;
    this.name();
    if (settle) this.on.settle();
  }

  name() {
    const does = this.playing ? "Pause" : "Play";
    this.play.setAttribute("aria-label", `${does} the sweep of the KL weight`);
    this.play.textContent = does;
  }
}
