// What the map says to Python and hears from it: over the live channel at once, and to Streamlit whenever the hand rests.

import { Live } from "./live.js";
import { samePoint } from "./point.js";
import { serverIsAway } from "./wire.js";

/** @import { LatentMap } from "./latent_map.js" */
/** @import { PathKind } from "./paths.js" */
/** @import { Point } from "./point.js" */
/** @import { Message } from "./wire.js" */

/**
 * What PyTorch says of an image: itself (PNG, base64), its class, its posterior, its terms in nats and their error, in which
 * unit; the rate is null where it is not finite.
 * @typedef {{original: string, label: string, colour: string, mean: number[], std: number[], distortion: number, error: number,
 *   rate: ?number, terms: string}} Measured
 */

/**
 * What it says of a point: the decoded image (PNG, base64) and its words; of an image also its part and file, or else, of a
 * place, the nearest code in words.
 * @typedef {{point: Point, beta: ?number, z: number[], decoded: string, alt: string, part: string, file: string, nearest: string,
 *   of: ?Measured}} Said
 */

/**
 * The view that a page begins with, its fields named as in explore/state.py.
 * @typedef {{point: Point, beta: ?number, column: ?string, hidden: number[], marks: string[], layers: string[], window: ?number[],
 *   pins: Point[], other: ?number, path: PathKind, tab: string}} Start
 */

/**
 * Python's answer to a report: what was said already over the live channel is left out.
 * @typedef {Message & {kind: "answer", start: Start, link: string} & ({said: Said, pins: string[]} | {said?: undefined, pins?: undefined})}
 *   Answer
 */

const SENT_AFTER = 150; // ms of rest after which a key press or a zoom is reported
const QUICK = 60; // ms within which an image comes that no blend has to stand in for

export class Conversation {
  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    /** @type {Said | undefined} */
    this.said = undefined; // last
    /** @type {?Point} */
    this.wanted = null; // to be sharpened next
    this.asking = false;
    /** @type {number | undefined} */
    this.timer = undefined;
    this.live = new Live();
    this.live.open();
    this.quick = false; // whether PyTorch's images come before the next frame
  }

  close() {
    clearTimeout(this.timer);
    this.live.close();
  }

  /** Takes what PyTorch says of a point; of one that is no longer pinned, it changes nothing. @param {Said} said */
  take(said) {
    if (!this.isAbout(said)) return;
    this.said = said;
    this.map.board.strip.setPicture(said.point, said.decoded, said.beta);
    this.map.showPin();
    this.map.panel.show(said);
    this.map.board.showDifference();
    this.map.curve.settle();
    this.map.look();
  }

  /** @param {Said} said */
  isAbout({ beta, point }) {
    return beta === this.map.beta && samePoint(point, this.map.pin);
  }

  /** What PyTorch has said of what is pinned now, if it has. */
  get answer() {
    return this.said !== undefined && this.isAbout(this.said) ? this.said : null;
  }

  /** Whether it has. */
  get answered() {
    return this.answer !== null;
  }

  /** Asks for the pinned point past Streamlit; the report, which has to come anyway, follows. */
  async ask() {
    if (serverIsAway()) return this.tell();
    const answer = await this.live.ask("point", this.question(this.map.pin));
    if (answer === undefined) return; // a newer one is asked
    if (answer) this.take(answer.said);
    this.tell();
  }

  /** @param {Point} point */
  question(point) {
    return { model: this.map.world.model, part: this.map.world.part, beta: this.map.beta, point };
  }

  get report() {
    return {
      point: this.map.pin,
      beta: this.map.beta,
      hidden: [...this.map.legend.hidden].sort((a, b) => a - b),
      marks: [...this.map.legend.looks].sort(),
      column: this.map.tints.column,
      layers: [...this.map.switches.on].sort(),
      window: this.map.window,
      ...this.map.board.report,
      tab: this.map.tab,
      answered: this.answered && this.map.board.strip.complete(this.map.beta), // then Python need not say it again
    };
  }

  /** Reports all that the user has set; while the server is away, when it is back. */
  tell() {
    if (serverIsAway()) return this.later();
    clearTimeout(this.timer);
    this.map.box.tell?.("seen", this.report);
    this.map.drawing.settle();
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), SENT_AFTER);
  }

  /** Shows PyTorch's own image where the browser only blends others: one question is out at a time, the newest point is next. @param {Point} point */
  async sharpen(point) {
    this.wanted = point;
    if (this.asking) return;
    this.asking = true;
    while (this.wanted) {
      const asked = this.wanted;
      const { beta } = this.map;
      this.wanted = null;
      const begun = performance.now();
      const answer = await this.live.ask("hover", this.question(asked));
      this.quick = Boolean(answer) && performance.now() - begun < QUICK;
      const pinned = !this.map.pointer && this.answered; // then PyTorch's image of the pin is shown already
      if (answer && beta === this.map.beta && !pinned)
        this.map.panel.draw(answer.grey, this.map.world.shape, this.map.wordsFor(asked, this.map.latentPoint(asked)), this.map.pointer !== null);
    }
    this.asking = false;
  }
}
