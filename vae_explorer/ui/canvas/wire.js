// Reads what Python's `pack` wrote, and finds the map that it is for.

/**
 * A message: its header's fields and its arrays, by their names. What else it has depends on its kind.
 * @typedef {{kind: string, version: string}} Message
 */

/** Whom a component's data are for. @typedef {{to: string}} Addressed */

/** Where an array lies in a message. @typedef {{name: string, type: keyof typeof NUMBERS, start: number, count: number}} ArrayPlace */

/** How Streamlit is told of something. @typedef {(name: string, value: unknown) => void} Tell */

/**
 * What Streamlit hands a component (Components v2), as far as it is used here.
 * @typedef {{data: Uint8Array, parentElement: HTMLElement | ShadowRoot, setStateValue: Tell, setTriggerValue: Tell}} StreamlitComponent
 */

/**
 * Where a map's messages wait, the newest of each kind, and how it is reached: `read` takes a message, `tell` reports the
 * state and `draw` a drawing, `save` writes a picture; null where there is nobody.
 * @template {Message} M
 * @typedef {object} Mailbox
 * @property {Map<string, M>} messages
 * @property {((message: M) => void) | null} read
 * @property {?Tell} tell
 * @property {?Tell} draw
 * @property {((kind: "png" | "svg", words: {stem: string, title: string}) => void) | null} save
 */

const NUMBERS = { float32: Float32Array, float16: Uint16Array, uint8: Uint8Array };

/** @type {?Float32Array} */
let halves = null; // every float16 as a number, made when the first is read

/** Returns numbers that were sent as float16. @param {Uint16Array} words */
function widened(words) {
  if (!halves) {
    halves = new Float32Array(65536);
    for (let word = 0; word < 65536; word++) {
      const sign = word & 0x8000 ? -1 : 1;
      const exponent = (word >> 10) & 31;
      const fraction = word & 1023;
      if (exponent === 0) halves[word] = sign * fraction * 2 ** -24;
      else if (exponent === 31) halves[word] = fraction ? NaN : sign * Infinity;
      else halves[word] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
    }
  }
  const values = new Float32Array(words.length);
  for (let i = 0; i < words.length; i++) values[i] = halves[words[i]];
  return values;
}

/**
 * Splits what a component is handed: the map's name, and the message for it, which is of the kind that this map is sent.
 * @template {Message} M @param {Uint8Array} bytes
 * @returns {M & Addressed}
 */
export function unpack(bytes) {
  const name = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const to = new TextDecoder().decode(bytes.subarray(4, 4 + name));
  /** @type {M} */
  const message = readMessage(bytes.slice(4 + 4 * Math.ceil(name / 4))); // a copy of its own starts on a multiple of four
  return { ...message, to };
}

/**
 * Splits a message: the header, each array on a multiple of four bytes.
 * @template M @param {Uint8Array<ArrayBuffer>} whole
 * @returns {M} of whichever kind is awaited there
 */
export function readMessage(whole) {
  const length = new DataView(whole.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(whole.subarray(4, 4 + length)));
  /** @type {Record<string, Float32Array | Uint8Array>} */
  const arrays = {};
  for (const { name, type, start, count } of /** @type {ArrayPlace[]} */ (header.arrays)) {
    const array = new NUMBERS[type](whole.buffer, start, count);
    arrays[name] = array instanceof Uint16Array ? widened(array) : array;
  }
  return { ...header, ...arrays };
}

/**
 * Returns the mailbox of one map. Components of a page share no module, only the window; messages may
 * come before the map does, so the newest of each kind waits here.
 * @template {Message} M @param {string} name which also says what kinds of messages it gets
 * @returns {Mailbox<M>}
 */
export function mailbox(name) {
  const page = /** @type {{[key: symbol]: Map<string, Mailbox<M>> | undefined}} */ (/** @type {unknown} */ (window));
  const boxes = (page[Symbol.for("vae-explorer mailboxes")] ??= new Map());
  const box = boxes.get(name) ?? { messages: new Map(), read: null, tell: null, draw: null, save: null };
  boxes.set(name, box);
  return box;
}

/** Streamlit offers no other sign, and loses what is reported meanwhile. */
export function serverIsAway() {
  /** @type {?HTMLElement} */
  const app = document.querySelector("[data-test-connection-state]");
  return app !== null && app.dataset.testConnectionState !== "CONNECTED";
}

/**
 * Shows a view's link in the address bar. Streamlit's own query parameters would add an entry to the browser's history with
 * every click, so that the Back button led through hundreds of views instead of off the page.
 * @param {string} link
 */
export function showLink(link) {
  history.replaceState(history.state, "", `${location.pathname}?${link}`);
}
