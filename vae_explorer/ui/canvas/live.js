// The live channel: what the page needs now, past Streamlit's rerun. Where it is missing, the rerun says the same.

import { readMessage } from "./wire.js";

const TRIES_AFTER = 5000; // ms until another try, where there was nobody

export class Live {
  constructor() {
    this.waiting = new Map(); // of each kind, the question that is out: {n, answer}
    this.asked = 0;
    this.closed = -Infinity;
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

  /** Asks; resolves to the answer, to null where nobody gives one, and to undefined once a newer one of its kind is asked. */
  ask(kind, question) {
    this.waiting.get(kind)?.answer(undefined);
    this.waiting.delete(kind);
    if (!this.ready) return Promise.resolve(null);
    const n = ++this.asked;
    this.socket.send(`${kind}\n${JSON.stringify({ ...question, kind, n })}`);
    return new Promise((answer) => this.waiting.set(kind, { n, answer }));
  }

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
