// What the page Theory asks and reports: over the live channel at once, or by the rerun where there is none.

import { Live } from "../live.js";
import { serverIsAway, showLink } from "../wire.js";

/** @import { Mailbox } from "../wire.js" */

/** What a part answers: its header's fields and arrays. @typedef {{kind: string, link?: string, refused?: string} & Record<string, unknown>} PartAnswer */

/** @typedef {Record<string, unknown>} Fields */

const REPORTED_AFTER = 250; // ms of rest after which Streamlit is told: its rerun takes a core for 50
const TRIED_AGAIN_AFTER = 300; // ms, while the server is away

export class TheoryTalk {
  /** @param {Mailbox<import("./theory.js").TheoryMessage>} box */
  constructor(box) {
    this.box = box;
    this.live = new Live();
    this.live.open();
    /** @type {number | undefined} */
    this.timer = undefined;
    this.asked = 0;
    /** @type {Map<number, (answer: PartAnswer | null | undefined) => void>} */
    this.waiting = new Map(); // questions that the rerun answers
    /** @type {?{part: string, more: Fields, n: number}} */
    this.wants = null;
    this.answered = false; // whether the part that a screen opens with has been answered past Streamlit
    /** @type {Fields} */
    this.state = {};
  }

  close() {
    clearTimeout(this.timer);
    this.live.close();
  }

  /**
   * Asks a part; null where it is refused or nobody answers, undefined once a newer question of this part is asked.
   * @param {string} part @param {Fields} state @param {Fields} more
   * @returns {Promise<PartAnswer | null | undefined>}
   */
  async ask(part, state, more = {}) {
    if (serverIsAway()) return null;
    if (this.live.ready) {
      const kind = /** @type {"theory"} */ (`theory.${part}`);
      const answer = await this.live.ask(kind, { ...state, more });
      if (answer?.link) showLink(answer.link);
      if (answer !== null) return answer;
    }
    const n = ++this.asked;
    this.wants = { part, more, n };
    for (const [, resolve] of this.waiting) resolve(undefined);
    this.waiting.clear();
    /** @type {Promise<PartAnswer | null | undefined>} */
    const heard = new Promise((resolve) => this.waiting.set(n, resolve));
    this.state = state;
    this.tell();
    return heard;
  }

  /** Takes what the rerun answers. @param {PartAnswer & {n: number}} answer */
  hear(answer) {
    this.waiting.get(answer.n)?.(answer.refused ? null : answer);
    this.waiting.delete(answer.n);
    if (this.wants?.n === answer.n) this.wants = null;
  }

  /** Reports all that the user has set, after a rest. @param {Fields} state @param {boolean} answered */
  report(state, answered) {
    this.state = state;
    this.answered = answered;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), REPORTED_AFTER);
  }

  tell() {
    clearTimeout(this.timer);
    if (serverIsAway() || !this.box.tell) this.timer = setTimeout(() => this.tell(), TRIED_AGAIN_AFTER);
    else this.box.tell("seen", { ...this.state, answered: this.answered, wants: this.wants });
  }
}
