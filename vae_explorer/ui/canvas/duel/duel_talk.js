// What Compare says to Python and hears from it: over the live channel at once, and to Streamlit for link and downloads.

import { Live } from "../live.js";
import { serverIsAway, showLink } from "../wire.js";

/** @import { Duel } from "./duel.js" */

const SENT_AFTER = 150; // ms of rest after which a zoom is reported
const TRIED_AFTER = 300; // ms after which a report is tried again, while the server is away

export class DuelTalk {
  /** @param {Duel} duel */
  constructor(duel) {
    this.duel = duel;
    /** @type {number | undefined} */
    this.timer = undefined;
    this.live = new Live();
    this.live.open();
  }

  close() {
    clearTimeout(this.timer);
    this.live.close();
  }

  /** All that the user has set. */
  get report() {
    const { legend, weight, state } = this.duel;
    return { ...state, hidden: [...legend.hidden].sort((a, b) => a - b), marks: [...legend.looks].sort(), beta: weight.beta };
  }

  /** Reports it; what is new to PyTorch is asked past Streamlit first. */
  async tell() {
    clearTimeout(this.timer);
    if (serverIsAway()) return this.later(TRIED_AFTER);
    const { duel } = this;
    if (!duel.answered || duel.answer.asked.seed !== duel.state.seed) {
      const [left, right] = duel.sides.map(({ world }) => world.model);
      const answer = await this.live.ask("duel", { left, right, ...this.report });
      if (answer === undefined) return; // a newer one is asked, whose report comes
      if (answer) {
        duel.hear({ ...duel.answer, ...answer });
        showLink(answer.link);
      }
    }
    duel.box.tell?.("seen", this.report);
    duel.drawing.settle();
  }

  later(after = SENT_AFTER) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), after);
  }
}
