import assert from "node:assert/strict";
import { test } from "node:test";
import { mailbox, readMessage, serverIsAway, unpack } from "../../vae_explorer/ui/canvas/wire.js";
import { near } from "./oracles.js";

const NUMBERS = { float32: Float32Array, float16: Uint16Array, uint8: Uint8Array };
const padded = (size) => 4 * Math.ceil(size / 4);

/** Writes a message as wire.py says: the header's length, the header, then each array on a multiple of four bytes. */
function packed(header, arrays, room = 1024) {
  let end = 4 + room;
  const places = Object.entries(arrays).map(([name, [type, values]]) => {
    const start = end;
    end += padded(NUMBERS[type].BYTES_PER_ELEMENT * values.length);
    return { name, type, start, count: values.length };
  });
  const bytes = new Uint8Array(end);
  bytes.fill(32, 4, 4 + room);
  new DataView(bytes.buffer).setUint32(0, room, true);
  bytes.set(new TextEncoder().encode(JSON.stringify({ ...header, arrays: places })), 4);
  Object.values(arrays).forEach(([type, values], k) => new NUMBERS[type](bytes.buffer, places[k].start).set(values));
  return bytes;
}

/** Heads a message by a map's name; it begins where the bytes of something else end. */
function addressed(name, message, before = 3) {
  const text = new TextEncoder().encode(name);
  const bytes = new Uint8Array(before + 4 + padded(text.length) + message.length);
  new DataView(bytes.buffer).setUint32(before, text.length, true);
  bytes.set(text, before + 4);
  bytes.set(message, before + 4 + padded(text.length));
  return bytes.subarray(before);
}

test("header and arrays come out as they went in", () => {
  const message = readMessage(
    packed({ kind: "world", words: "größer \u{1d6fd}", nothing: null }, { labels: ["uint8", [1, 2, 255]], xy: ["float32", [0.1, -1e30]] }),
  );
  assert.equal(message.kind, "world");
  assert.equal(message.words, "größer \u{1d6fd}");
  assert.equal(message.nothing, null);
  assert.deepEqual(message.labels, Uint8Array.of(1, 2, 255));
  assert.deepEqual(message.xy, Float32Array.of(0.1, -1e30));
});

test("the map's name comes first, wherever the bytes begin", () => {
  for (const before of [0, 1, 2, 3])
    for (const name of ["", "map", "explore", "größer"]) {
      const message = unpack(addressed(name, packed({ kind: "answer" }, { codes: ["float32", [1, 2, 3]] }), before));
      assert.equal(message.to, name);
      assert.deepEqual(message.codes, Float32Array.of(1, 2, 3));
    }
});

test("float16: known numbers, and all that there are in their order", () => {
  const known = { 15360: 1, 49152: -2, 13653: 0.333251953125, 31743: 65504, 1024: 2 ** -14, 1023: 1023 * 2 ** -24, 1: 2 ** -24, 32768: -0, 0: 0 };
  const read = (words) => readMessage(packed({}, { words: ["float16", words] }, 4096)).words;
  near(read(Object.keys(known).map(Number)), Object.values(known), 0);
  assert.ok(Object.is(read([0x8000])[0], -0));
  assert.deepEqual([...read([0x7c00, 0xfc00, 0x7e00])], [Infinity, -Infinity, NaN]);
  const finite = read(Array.from({ length: 0x7c00 }, (_, word) => word));
  finite.forEach((value, k) => {
    if (!k) return;
    const spacing = 2 ** Math.max(-24, Math.floor(Math.log2(finite[k - 1])) - 10); // of an eleven-bit fraction
    assert.equal(value - finite[k - 1], spacing, String(k));
  });
});

test("a mailbox is one for all that call its name", (t) => {
  globalThis.window = {};
  t.after(() => delete globalThis.window);
  assert.equal(mailbox("a"), mailbox("a"));
  assert.notEqual(mailbox("a"), mailbox("b"));
  assert.equal(mailbox("a").messages.size, 0);
});

test("the server is away where Streamlit says anything but CONNECTED", (t) => {
  let state = "CONNECTED";
  globalThis.document = { querySelector: () => state && { dataset: { testConnectionState: state } } };
  t.after(() => delete globalThis.document);
  assert.equal(serverIsAway(), false);
  state = "PINGING_SERVER";
  assert.equal(serverIsAway(), true);
  state = null; // a page without the sign, as in a notebook
  assert.equal(serverIsAway(), false);
});
