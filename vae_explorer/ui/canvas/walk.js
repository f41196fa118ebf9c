// The path through the pins: a film strip, and a walk along it.

import { ContactSheet } from "./contact_sheet.js";
import { newButton } from "./dom.js";
import { pathThrough } from "./paths.js";

/** @import { Decode } from "./contact_sheet.js" */
/** @import { PathKind } from "./paths.js" */

/**
 * What a walk asks for: another kind of path, a point to show (null where the walk ends), a picture.
 * @typedef {{kind: (name: PathKind) => void, walk: (z: ?number[]) => void, decode: Decode}} WalkParts
 */

/** @type {PathKind[]} */
const PATH_KINDS = ["straight", "slerp"];
const KIND_WORDS = { straight: "Straight", slerp: "Around the origin (slerp)" };
const FRAMES = 12; // pictures of the strip
const STEPS = 48; // points of a segment on the map
const WALK = 4000; // ms from end to end
const FRAMES_A_TURN = 2; // so that a drag stays smooth

export class Walk {
  /** @param {HTMLElement} host @param {AbortSignal} signal @param {WalkParts} on */
  constructor(host, signal, on) {
    this.on = on;
    /** @type {number[][]} */
    this.path = [];
    this.walking = 0;
    this.kinds = PATH_KINDS.map((name) => {
      const button = newButton(KIND_WORDS[name], () => on.kind(name));
      button.dataset.kind = name;
      return button;
    });
    this.play = newButton("Play", () => (this.walking ? this.stop() : this.start()));
    this.play.setAttribute("aria-label", "Play the path");
    this.bar = document.createElement("div");
    this.bar.className = "switches";
    this.bar.append(...this.kinds, this.play);
    this.canvas = document.createElement("canvas");
    this.canvas.className = "walk";
    this.canvas.setAttribute("role", "img");
    this.sheet = new ContactSheet(this.canvas, FRAMES, FRAMES_A_TURN);
    this.words = document.createElement("p");
    host.append(this.bar, this.canvas, this.words);
    signal.addEventListener("abort", () => this.stop());
  }

  /** @param {number[][]} points the pins, latent points; nothing is shown for fewer than two @param {PathKind} kind @param {number[]} shape */
  set(points, kind, shape) {
    this.kinds.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.kind === kind)));
    this.path = points.length > 1 ? pathThrough(points, kind, STEPS) : [];
    const none = this.path.length === 0;
    if (none) this.stop();
    this.bar.hidden = this.canvas.hidden = none;
    this.words.textContent = none
      ? "Pin two points or more (click the map): the path runs through them in the order of the strip."
      : `Decoded along the path through ${points.length} pins. Export saves it as a GIF.`;
    this.canvas.setAttribute("aria-label", `Film strip of ${FRAMES} images along the path`);
    this.sheet.set(none ? [] : Array.from({ length: FRAMES }, (_, k) => this.at(k / (FRAMES - 1))), shape);
  }

  /** @param {number} share */
  at(share) {
    return this.path[Math.round(share * (this.path.length - 1))];
  }

  /** Decodes some of the pictures that are due; says whether more are. */
  develop() {
    return this.sheet.develop(this.on.decode);
  }

  start() {
    const begun = performance.now();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    /** @param {number} now */
    const frame = (now) => {
      const share = (now - begun) / WALK;
      if (share > 1 || this.path.length === 0) return this.stop();
      this.on.walk(this.at(still ? Math.floor(share * FRAMES) / FRAMES : share));
      this.walking = requestAnimationFrame(frame);
    };
    this.walking = requestAnimationFrame(frame);
    this.nameIt("Stop");
  }

  stop() {
    if (!this.walking) return;
    cancelAnimationFrame(this.walking);
    this.walking = 0;
    this.nameIt("Play");
    this.on.walk(null);
  }

  /** @param {string} does */
  nameIt(does) {
    this.play.textContent = does;
    this.play.setAttribute("aria-label", `${does} the path`);
  }
}
