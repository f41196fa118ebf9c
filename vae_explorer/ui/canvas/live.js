// The live channel: what the page needs now, past Streamlit's rerun. Where it is missing, the rerun says the same.

import { readMessage } from "./wire.js";

const TRIES_AFTER = 5000; // ms until another try, where there was nobody

/**
 * What is answered to each kind of question.
 * @typedef {{point: {said: import("./conversation.js").Said}, hover: {grey: Uint8Array}, duel: import("./duel/duel.js").DuelSaid,
 *   theory: import("./theory/talk.js").PartAnswer}} Answers
 */

/**
 * An answer of any kind, with its question's number; null where there is none, undefined where a newer question is asked.
 * @typedef {Answers[keyof Answers] | null | undefined} Heard
 */

export class Live {
  constructor() {
    /** @type {Map<string, {n: number, answer: (heard: Heard) => void}>} */
    this.waiting = new Map(); // of each kind, the question that is out
    this.asked = 0;
    this.closed = -Infinity;
    /** @type {?WebSocket} */
    this.socket = null;
  }

  /** Opens the channel, where it is not open and was not refused lately; the page's address leads to it. */
  open() {
    if (this.socket || performance.now() - this.closed < TRIES_AFTER) return;
    const address = new URL("live", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.search = address.hash = "";
    const socket = (this.socket = new WebSocket(address));
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.hear(readMessage(new Uint8Array(data)));
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.closed = performance.now();
      for (const { answer } of this.waiting.values()) answer(null);
      this.waiting.clear();
    };
  }

  /** Whether a question would be heard. */
  get ready() {
    this.open();
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /**
   * Asks; resolves to the answer, to null where nobody gives one, and to undefined once a newer one of its kind is asked.
   * @template {keyof Answers} K
   * @param {K} kind @param {object} question
   * @returns {Promise<Answers[K] | null | undefined>}
   */
  ask(kind, question) {
    this.waiting.get(kind)?.answer(undefined);
    this.waiting.delete(kind);
    const { ready, socket } = this;
    if (!ready || !socket) return Promise.resolve(null);
    const n = ++this.asked;
    socket.send(`${kind}\n${JSON.stringify({ ...question, kind, n })}`);
    /** @type {Promise<Heard>} */
    const heard = new Promise((answer) => this.waiting.set(kind, { n, answer }));
    return /** @type {Promise<Answers[K] | null | undefined>} */ (heard);
  }

  /** @param {{kind: string, n: number} & Answers[keyof Answers]} message */
  hear(message) {
    for (const [kind, { n, answer }] of this.waiting) {
      if (n !== message.n) continue;
      this.waiting.delete(kind);
      answer(message.kind === "refused" ? null : message);
    }
  }

  close() {
    this.socket?.close();
  }
}
