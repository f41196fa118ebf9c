// What is drawn on the pad: as the model sees it, reconstructed, and as a guest among the codes.

import { element, newButton } from "../dom.js";
import { Ladder } from "../ladder.js";
import { gaussianRate } from "../normal.js";
import { errorText, minus, paint, pngUrl, tupleText } from "../panel.js";
import { serverIsAway } from "../wire.js";
import { CROP_HINT, Crop } from "./crop.js";
import { BRUSH, Pad } from "./pad.js";

/** @import { Decoder, Levels } from "../decoder.js" */
/** @import { Codes } from "../ladder.js" */
/** @import { Gaussian } from "../normal.js" */
/** @import { World } from "../plots.js" */
/** @import { Guest } from "../scatter/layers.js" */
/** @import { Scatter } from "../scatter/scatter.js" */
/** @import { Mailbox, Message } from "../wire.js" */

/**
 * Where a model puts the drawing, at the KL weight asked for: its posterior, the reconstruction (PNG, base64), the terms in
 * nats and their error (the rate null where it is not finite), in which unit, the nearest code's class; and its codes at
 * the rungs.
 * @typedef {Gaussian & {decoded: string, distortion: number, error: number, rate: ?number, unit: string, nearest: string,
 *   ladder: Codes}} DrawnSide
 */

/**
 * What PyTorch says of a drawing: of which question, at which KL weight; the data's ground, a grey level; what is wrong with
 * it; or the drawing as the model sees it (PNG, base64), by which steps, and where each model puts it.
 * @typedef {Message & {kind: "drawing", serial: number, beta: ?number, ground: number, problem: string}
 *   & ({seen: string, steps: string[], sides: DrawnSide[]} | {seen: null, sides?: undefined})} DrawingMessage
 */

/**
 * A map that the drawing is a guest on.
 * @typedef {{name?: string, plot: Scatter, decoder: Decoder, world: World, grey: Levels, beta: ?number}} Side
 */

/**
 * What a drawing asks for: the maps in the order that Python answers in, whether they show something, the KL weight; and that the pad be
 * shown.
 * @typedef {{sides: () => Side[], ready: () => boolean, beta: () => ?number, open: () => void}} DrawingParts
 */

const LIVE = 120; // ms between two questions while a stroke is drawn
const PATIENCE = 4000; // ms after which an answer counts as lost
const HINT = "Draw with mouse, finger or pen, or drop an image: it is encoded and reconstructed as you draw.";
/** @type {Record<string, string>} */
const CAPTIONS = { left: "Left reconstruction", right: "Right reconstruction" };

export class Drawing {
  /**
   * @param {HTMLElement} host
   * @param {{draw: Mailbox<Message>["draw"]}} box by which Python is asked
   * @param {AbortSignal} signal @param {DrawingParts} on
   */
  constructor(host, box, signal, on) {
    this.host = host;
    this.box = box;
    this.on = on;
    /** @type {?DrawingMessage} */
    this.message = null; // that is shown
    this.problem = "";
    /** @type {Ladder[]} */
    this.ladders = [];
    this.unsettled = false; // whether the KL weight may have moved since the message
    this.asked = -Infinity;
    this.waiting = 0;
    this.due = false;
    /** @type {number | undefined} */
    this.timer = undefined;
    /** @type {{image: HTMLImageElement, live: HTMLCanvasElement, title: HTMLElement, words: HTMLElement}[]} */
    this.made = []; // figures
    host.classList.add("drawing");
    this.canvas = element("canvas", "pad");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", "Drawing pad: draw with mouse, finger or pen");
    this.words = element("p", "words");
    this.words.setAttribute("role", "status");
    this.figures = element("div", "figures");
    this.undo = newButton("Undo", () => this.pad.undo());
    this.clear = newButton("Clear", () => this.pad.clear());
    this.cut = newButton("Crop", () => (this.crop.armed ? this.crop.disarm() : this.crop.arm(true)));
    this.cut.title = "Keep a part of the picture: drag a rectangle, or move one with arrow keys";
    const left = element("div", "left");
    const paper = element("div", "paper");
    paper.append(this.canvas);
    left.append(paper, this.tools(signal));
    const right = element("div", "right");
    right.append(this.figures, this.words);
    host.append(left, right);
    this.pad = new Pad(this.canvas, signal, { change: () => this.changed(), picture: () => this.crop.arm(), say: (text) => this.say(text) });
    this.crop = new Crop(paper, this.pad, signal, () => this.show());
    this.listenForFiles(signal);
    signal.addEventListener("abort", () => clearTimeout(this.timer));
    this.show();
  }

  /** @param {AbortSignal} signal */
  tools(signal) {
    const bar = element("div", "tools");
    const file = Object.assign(element("input", "spoken"), { type: "file", accept: "image/*", tabIndex: -1 });
    file.setAttribute("aria-label", "Image file");
    const take = () => (this.pad.take(file.files?.[0]), (file.value = ""));
    file.addEventListener("change", take, { signal });
    const { least, usual, most } = BRUSH;
    const brush = Object.assign(element("input", "brush"), { type: "range", min: String(least), max: String(most), step: "2", value: String(usual) });
    brush.setAttribute("aria-label", "Brush width");
    brush.title = "Brush width";
    brush.addEventListener("input", () => (this.pad.brush = Number(brush.value)), { signal });
    const open = newButton("Open", () => file.click());
    open.setAttribute("aria-label", "Open image");
    open.title = "Open an image, or drop one anywhere on the page";
    bar.append(this.undo, this.clear, this.cut, brush, open, file);
    return bar;
  }

  /** A picture may be dropped anywhere: beside the pad, the browser would leave the page for it. @param {AbortSignal} signal */
  listenForFiles(signal) {
    /** @param {DragEvent} event */
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files") && !event.defaultPrevented;
    window.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault(), { signal });
    /** @param {DragEvent} event */
    const drop = (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.on.open();
      this.pad.take(event.dataTransfer?.files[0]);
    };
    window.addEventListener("drop", drop, { signal });
  }

  // To and from Python ----------------------------------------------------------------------

  /** Asks soon: while a stroke is drawn, a few times a second. */
  changed() {
    this.problem = "";
    if (this.pad.empty) this.message = null;
    this.show();
    this.due = true;
    this.later(Math.max(0, this.asked + LIVE - performance.now()));
  }

  /** @param {number} ms */
  later(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), ms);
  }

  /** Asks what PyTorch makes of the drawing; one question at a time, and the newest drawing next. */
  ask() {
    const { sketch } = this.pad;
    const now = performance.now();
    if (serverIsAway() || !this.box.draw) return this.later(300);
    if (this.waiting === sketch.serial && now < this.asked + PATIENCE) return this.later(this.asked + PATIENCE - now);
    this.due = false;
    this.asked = now;
    this.waiting = ++sketch.serial;
    this.box.draw("drawn", { serial: sketch.serial, beta: this.on.beta(), picture: this.pad.empty ? null : this.pad.png });
    this.later(PATIENCE);
  }

  /** Asks again where the KL weight has changed since. */
  settle() {
    this.unsettled = false;
    if (this.message && this.message.beta !== this.on.beta()) this.later(0);
  }

  /** Takes an answer; one that is older than what is shown, or than the last clearing, changes nothing. @param {DrawingMessage} message */
  hear(message) {
    const { sketch } = this.pad;
    this.pad.setGround(message.ground);
    if (message.serial === sketch.serial) this.answered();
    else if (!this.waiting && !this.pad.empty) this.later(0); // the server has forgotten, or another map asked last
    if (message.serial <= sketch.cleared || message.serial < (this.message?.serial ?? 0)) return;
    if (!message.seen && !message.problem) return;
    this.message = message;
    this.problem = message.problem;
    this.ladders = message.sides?.map(({ ladder }) => new Ladder(ladder)) ?? [];
    this.unsettled = true; // the weight may be another one by now
    this.show();
  }

  answered() {
    clearTimeout(this.timer);
    this.waiting = 0;
    if (this.due) this.ask();
  }

  // What is seen ----------------------------------------------------------------------------

  /** @param {string} text */
  say(text) {
    this.problem = text;
    this.show();
  }

  /** Shows the answer at the KL weight of now: between Python's own, the browser's. */
  show() {
    const { empty } = this.pad;
    const seen = this.message?.seen ? this.message : null;
    const words = this.problem || (this.crop.armed ? CROP_HINT : empty && !seen ? HINT : "");
    this.cut.hidden = !this.pad.holdsPicture;
    this.cut.setAttribute("aria-pressed", String(this.crop.armed));
    if (this.crop.armed && this.cut.hidden) this.crop.disarm();
    this.undo.disabled = this.clear.disabled = empty;
    if (this.words.textContent !== words) this.words.textContent = words; // a page whose text changes is laid out anew
    if (this.figures.hidden !== !seen) this.figures.hidden = !seen;
    if (!seen) return this.on.sides().forEach(({ plot }) => plot.layers.guests.length && plot.setLayers({ guests: [] }));
    if (!this.on.ready()) return;
    if (this.unsettled) this.settle();
    const exact = seen.beta === this.on.beta();
    const posteriors = this.on.sides().map((side, k) => (exact ? seen.sides[k] : this.ladders[k].posterior(0, side.beta)));
    this.on.sides().forEach(({ plot }, k) => plot.setLayers({ guests: [this.guest(posteriors[k])] }));
    if (this.host.hidden) return;
    this.host.classList.toggle("live", !exact);
    this.seen(seen);
    this.on.sides().forEach((side, k) => this.picture(side, k, seen.sides[k], posteriors[k], exact));
  }

  /** @param {Gaussian} posterior @returns {Guest} */
  guest({ mean: [x, y = 0], std: [rx, ry = 0] }) {
    return { x, y, rx, ry, text: this.pad.holdsPicture ? "image" : "drawn" };
  }

  /** @param {{seen: string, steps: string[]}} message */
  seen({ seen, steps }) {
    const { image, words } = this.figure(0, "As the model sees it");
    image.src = pngUrl(seen);
    image.alt = `Preprocessed drawing: ${steps.join(", ")}`;
    words.textContent = steps.join(", ").replaceAll(" \u00d7 ", "\u00a0\u00d7\u00a0");
  }

  /** @param {Side} side @param {number} k @param {DrawnSide} answer @param {Gaussian} posterior @param {boolean} exact */
  picture(side, k, answer, posterior, exact) {
    const { image, live, words } = this.figure(k + 1, CAPTIONS[side.name ?? ""] ?? "Reconstruction");
    const { mean, std } = posterior;
    if (exact) {
      image.src = pngUrl(answer.decoded);
      image.alt = `Reconstruction of the drawing from z = ${tupleText(mean)}`;
    } else {
      const { shape } = side.world;
      side.decoder.decode(mean, side.beta, side.grey);
      paint(live, side.grey, shape);
    }
    live.hidden = exact;
    const rate = exact ? answer.rate : std.every((value) => value > 0) ? gaussianRate(posterior) : null;
    const terms = [
      this.word("span", `distortion ${answer.distortion.toFixed(1)}${errorText(answer.error)}`),
      rate === null ? "" : ` + rate ${rate.toFixed(1)}`,
    ];
    const place = this.word("span", `z = ${minus(tupleText(mean))},`);
    place.className = "place";
    const nearest = this.word("span", "nearest code: ");
    nearest.append(this.word("b", answer.nearest));
    words.replaceChildren(...terms, " nats", element("br"), place, " ", nearest);
    nearest.hidden = answer.nearest === ""; // a model without its images has no codes
    words.title = answer.unit;
  }

  /** @param {"span" | "b"} tag @param {string} text */
  word(tag, text) {
    return Object.assign(element(tag), { textContent: text });
  }

  /** Returns the parts of the k-th figure, made when it is first needed. @param {number} k @param {string} caption */
  figure(k, caption) {
    while (this.made.length <= k) {
      const figure = element("figure");
      const frame = element("div", "frame");
      const parts = { image: new Image(), live: element("canvas"), title: element("figcaption"), words: element("p") };
      parts.live.hidden = true;
      parts.live.setAttribute("aria-hidden", "true");
      frame.append(parts.image, parts.live);
      figure.append(frame, parts.title, parts.words);
      this.figures.append(figure);
      this.made.push(parts);
    }
    this.made[k].title.textContent = caption;
    return this.made[k];
  }
}
