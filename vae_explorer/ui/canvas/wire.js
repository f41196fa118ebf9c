// Reads what Python's `pack` wrote, and finds the map that it is for.

let halves = null; // every float16 as a number, made when the first is read

/** Returns numbers that were sent as float16. */
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

/** Splits what a component is handed: the map's name, and the message for it. */
export function unpack(bytes) {
  const name = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const to = new TextDecoder().decode(bytes.subarray(4, 4 + name));
  return { ...readMessage(bytes.slice(4 + 4 * Math.ceil(name / 4))), to }; // a copy of its own starts on a multiple of four
}

/** Splits a message: the header, each array on a multiple of four bytes. */
export function readMessage(whole) {
  const length = new DataView(whole.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(whole.subarray(4, 4 + length)));
  const types = { float32: Float32Array, float16: Uint16Array, uint8: Uint8Array };
  const arrays = {};
  for (const { name, type, start, count } of header.arrays) {
    const array = new types[type](whole.buffer, start, count);
    arrays[name] = type === "float16" ? widened(array) : array;
  }
  return { ...header, ...arrays };
}

/**
 * Returns the mailbox of one map. Components of a page share no module, only the window; messages may
 * come before the map does, so the newest of each kind waits here.
 */
export function mailbox(name) {
  const boxes = (window[Symbol.for("vae-explorer mailboxes")] ??= new Map());
  if (!boxes.has(name)) boxes.set(name, { messages: new Map(), read: null, tell: null, draw: null, save: null });
  return boxes.get(name);
}

/** Streamlit offers no other sign, and loses what is reported meanwhile. */
export function serverIsAway() {
  const app = document.querySelector("[data-test-connection-state]");
  return app !== null && app.dataset.testConnectionState !== "CONNECTED";
}
