// What the map says to Python and hears from it: over the live channel at once, and to Streamlit whenever the hand rests.

import { Live } from "./live.js";
import { samePoint } from "./point.js";
import { serverIsAway } from "./wire.js";

const SENT_AFTER = 150; // ms of rest after which a key press or a zoom is reported
const QUICK = 60; // ms within which an image comes that no blend has to stand in for

export class Conversation {
  constructor(map) {
    this.map = map;
    this.live = new Live();
    this.live.open();
    this.quick = false; // whether PyTorch's images come before the next frame
  }

  close() {
    clearTimeout(this.timer);
    this.live.close();
  }

  /** Takes what PyTorch says of a point; of one that is no longer pinned, it changes nothing. */
  take(said) {
    if (!this.isAbout(said)) return;
    this.said = said;
    this.map.board.strip.setPicture(said.point, said.decoded, said.beta);
    this.map.showPin();
    this.map.panel.show(said);
    this.map.board.showCompare();
    this.map.curve.settle();
    this.map.look();
  }

  isAbout({ beta, point }) {
    return beta === this.map.beta && samePoint(point, this.map.pin);
  }

  /** Whether PyTorch has spoken of what is pinned now. */
  get answered() {
    return this.said !== undefined && this.isAbout(this.said);
  }

  /** Asks for the pinned point past Streamlit; the report, which has to come anyway, follows. */
  async ask() {
    if (serverIsAway()) return this.tell();
    const answer = await this.live.ask("point", this.question(this.map.pin));
    if (answer === undefined) return; // a newer one is asked
    if (answer) this.take(answer.said);
    this.tell();
  }

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

  /** Shows PyTorch's own image where the browser only blends others: one question is out at a time, the newest point is next. */
  async sharpen(point) {
    this.wanted = point;
    if (this.asking) return;
    this.asking = true;
    while (this.wanted) {
      const [asked, { beta }] = [this.wanted, this.map];
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
