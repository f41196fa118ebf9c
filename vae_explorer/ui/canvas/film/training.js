// The film of a run: the latent map after every epoch, and a few images as the model sees them.

import { finder } from "../dom.js";
import { Legend } from "../legend.js";
import { minus, paint, roomFor, tupleText } from "../panel.js";
import { mapKey, styleOf } from "../plots.js";
import { contextOf } from "../scatter/canvas.js";
import { packed } from "../scatter/raster.js";
import { Scatter } from "../scatter/scatter.js";
import { mailbox, unpack } from "../wire.js";

/** @import { Classes } from "../legend.js" */
/** @import { Place } from "../scatter/scatter.js" */
/** @import { Mailbox, Message, StreamlitComponent } from "../wire.js" */

/**
 * An epoch: where the codes were, interleaved, and the reconstructions of the originals, one after the other.
 * @typedef {{epoch: number, xy: Float32Array, images: Uint8Array}} Frame
 */

/**
 * A run: its validation images' classes, the originals that are reconstructed, and what is kept of its epochs so far, one
 * after the other; how many are planned, and words on it.
 * @typedef {Message & Classes & {kind: "film", axes: string[], prior: boolean, shape: number[], epochs: number[], planned: number,
 *   words: string, labels: Uint8Array, originals: Uint8Array, codes: Float32Array, images: Uint8Array}} FilmMessage
 */

/** The newest epoch. @typedef {Message & {kind: "frame", epoch: number, codes: Float32Array, images: Uint8Array}} FrameMessage */

const PRIOR_RADIUS = 3.4; // shows the circle of three sigma whole: explore/scene.py
const GLIDE = 350; // ms from one epoch's codes to the next one's
const FILM_TIME = 8000; // ms from the first epoch to the last, when played

class TrainingFilm {
  /** @param {ParentNode} root @param {string} name */
  constructor(root, name) {
    this.find = finder(root);
    this.abort = new AbortController();
    /** @type {Mailbox<FilmMessage | FrameMessage>} */
    this.box = mailbox(name);
    /** @type {?FilmMessage} */
    this.film = null;
    /** @type {Frame[]} */
    this.frames = [];
    this.now = -1; // the frame that is shown
    this.playing = this.gliding = 0; // animation frames that are due
    this.scrap = document.createElement("canvas");
    /** @param {?Place} place */
    const show = (place) => (this.find(".readout").textContent = place ? minus(tupleText([place.x, place.y])) : "");
    /** @param {number} dx @param {number} dy */
    const step = (dx, dy) => this.plot.setView({ ...this.plot.view, x: this.plot.view.x + dx, y: this.plot.view.y + dy });
    const weight = { nudge: (/** @type {number} */ way) => this.scrub(this.now + way) };
    this.plot = new Scatter(this.find(".plot canvas", HTMLCanvasElement), {
      hover: show,
      click: () => {},
      view: () => {},
      key: (event) => mapKey(event, { plot: this.plot, weight, step }),
    });
    this.legend = new Legend(this.find(".legend"), () => this.plot.set(this.legend.look));
    this.slider = this.find(".scrub input", HTMLInputElement);
    this.button = this.find(".scrub .play");
    /** @param {HTMLElement} element @param {string} type @param {() => void} handler */
    const listen = (element, type, handler) => element.addEventListener(type, handler, { signal: this.abort.signal });
    addEventListener("resize", () => this.restyle(), { signal: this.abort.signal });
    listen(this.slider, "input", () => (this.stop(), this.scrub(Number(this.slider.value))));
    listen(this.button, "click", () => (this.playing ? this.stop() : this.play()));
    this.restyle();
    this.box.read = (message) => this.read(message);
    for (const message of this.box.messages.values()) this.read(message);
  }

  destroy() {
    this.abort.abort();
    this.plot.destroy();
    this.box.read = null;
    cancelAnimationFrame(this.gliding);
    this.stop();
  }

  restyle() {
    this.plot.set({ style: styleOf(this.find(".training")) });
  }

  /** @param {FilmMessage | FrameMessage} message */
  read(message) {
    if (message.kind === "film") this.begin(message);
    else if (message.kind === "frame" && this.film) this.add(message);
  }

  /** @param {FilmMessage} film */
  begin(film) {
    this.film = film;
    const size = film.originals.length;
    const codes = 2 * film.labels.length;
    this.frames = film.epochs.map((epoch, k) => ({
      epoch,
      xy: film.codes.subarray(k * codes, (k + 1) * codes),
      images: film.images.subarray(k * size, (k + 1) * size),
    }));
    this.plot.set({ labels: film.labels, colours: Uint32Array.from(film.colours, packed), axes: film.axes });
    this.legend.build(film, []);
    this.plot.set(this.legend.look);
    this.plot.setLayers({ circles: film.prior ? [1, 2, 3].map((radius) => ({ x: 0, y: 0, radius, label: `${radius}\u03c3` })) : [] });
    this.now = -1;
    this.grow();
    const latest = this.box.messages.get("frame");
    if (latest?.kind === "frame") this.add(latest);
    this.scrub(this.frames.length - 1);
  }

  /** Takes the newest epoch; who looks at the newest follows it. @param {FrameMessage} frame */
  add({ epoch, codes, images }) {
    if (this.frames.length && epoch <= this.frames[this.frames.length - 1].epoch) return;
    const follows = this.now === this.frames.length - 1 && !this.playing;
    this.frames.push({ epoch, xy: codes, images });
    this.grow();
    if (follows) this.scrub(this.frames.length - 1);
    else this.label();
  }

  /** The home square holds the codes of all epochs, so that the axes stay while the film runs. */
  grow() {
    let most = this.film?.prior ? PRIOR_RADIUS : 1e-3;
    for (const { xy } of this.frames) {
      const far = Float32Array.from(xy, Math.abs).sort();
      if (far.length) most = Math.max(most, 1.06 * far[Math.floor(0.997 * (far.length - 1))]);
    }
    if (Math.abs(most - this.plot.home.half) > 0.02 * most) this.plot.setHome({ x: 0, y: 0, half: most });
    this.slider.max = String(Math.max(0, this.frames.length - 1));
  }

  /** Goes to a frame; the codes glide there. @param {number} to @param {number} [glide] ms */
  scrub(to, glide = GLIDE) {
    const k = Math.min(this.frames.length - 1, Math.max(0, to));
    if (k < 0 || k === this.now) return this.label();
    this.now = k;
    this.label();
    this.picture();
    const target = this.frames[k].xy;
    const from = this.plot.xy.length === target.length ? Float32Array.from(this.plot.xy) : target;
    const begun = performance.now();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches || !glide;
    cancelAnimationFrame(this.gliding);
    /** @param {number} now */
    const frame = (now) => {
      const share = still ? 1 : Math.min(1, Math.max(0, (now - begun) / glide));
      this.plot.set({ xy: target.map((value, i) => from[i] + share * (value - from[i])) });
      if (share < 1) this.gliding = requestAnimationFrame(frame);
    };
    frame(begun);
  }

  label() {
    const shown = this.frames[this.now];
    this.slider.value = String(Math.max(0, this.now));
    this.slider.setAttribute("aria-valuetext", shown ? `epoch ${shown.epoch}` : "");
    this.find(".epoch").textContent = shown ? `epoch ${shown.epoch} of ${this.film?.planned}` : "before the first epoch";
    this.find(".note").textContent = shown ? (this.film?.words ?? "") : "The map appears after the first epoch.";
  }

  /** Originals in the upper row, the frame's reconstructions in the lower one. */
  picture() {
    if (!this.film) return;
    const { shape, originals } = this.film;
    const [height, width] = shape;
    const size = roomFor(shape).length;
    const count = originals.length / size;
    const sheet = this.find(".sheet", HTMLCanvasElement);
    Object.assign(sheet, { width: count * (width + 1) - 1, height: 2 * height + 1 });
    [originals, this.frames[this.now].images].forEach((row, y) => {
      for (let k = 0; k < count; k++) {
        paint(this.scrap, row.subarray(k * size, (k + 1) * size), shape);
        contextOf(sheet).drawImage(this.scrap, k * (width + 1), y * (height + 1));
      }
    });
  }

  play() {
    const first = this.now >= this.frames.length - 1 ? 0 : this.now;
    const begun = performance.now() - (FILM_TIME * first) / Math.max(1, this.frames.length - 1);
    /** @param {number} now */
    const frame = (now) => {
      const share = (now - begun) / FILM_TIME;
      this.scrub(Math.floor(share * (this.frames.length - 1)), FILM_TIME / this.frames.length);
      if (share >= 1) return this.stop();
      this.playing = requestAnimationFrame(frame);
    };
    this.playing = requestAnimationFrame(frame);
    this.name();
  }

  stop() {
    cancelAnimationFrame(this.playing);
    this.playing = 0;
    this.name();
  }

  name() {
    this.button.textContent = this.playing ? "Stop" : "Play";
    this.button.setAttribute("aria-pressed", String(this.playing !== 0));
  }
}

/** @type {WeakMap<Node, TrainingFilm>} */
const films = new WeakMap();

/** Called by Streamlit at first and whenever the theme changes; returns the clean-up. @param {StreamlitComponent} component */
export default function ({ data, parentElement }) {
  const { to } = unpack(data);
  const known = films.get(parentElement);
  known?.restyle();
  const film = known ?? new TrainingFilm(parentElement, to);
  films.set(parentElement, film);
  return () => {
    film.destroy();
    films.delete(parentElement);
  };
}
