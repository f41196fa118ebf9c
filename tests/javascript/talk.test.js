// What is asked of Python past Streamlit, and what is done with its answers.

import assert from "node:assert/strict";
import { test } from "node:test";
import "./product.js";
import { DuelPicking } from "../../vae_explorer/ui/canvas/duel/duel_picking.js";
import { Live } from "../../vae_explorer/ui/canvas/live.js";
import { Picking } from "../../vae_explorer/ui/canvas/picking.js";
import { atImage, atPlace } from "../../vae_explorer/ui/canvas/point.js";
import { openPage } from "./page.js";

openPage();
const sockets = [];
globalThis.location = { href: "https://example.org/sub/path/?point=3#end" };
globalThis.WebSocket = class {
  static OPEN = 1;
  constructor(address) {
    Object.assign(this, { address: String(address), sent: [], readyState: 1 });
    sockets.push(this);
  }
  send(text) {
    this.sent.push(text);
  }
  close() {
    this.readyState = 3;
    this.onclose();
  }
};
const { Conversation } = await import("../../vae_explorer/ui/canvas/conversation.js");

/** An answer as bytes, which wire.js reads. */
function reply(socket, header) {
  const text = new TextEncoder().encode(JSON.stringify({ arrays: [], ...header }));
  const bytes = new Uint8Array(4 + text.length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  socket.onmessage({ data: bytes.buffer });
}

function opened() {
  const live = new Live();
  live.open();
  return { live, socket: sockets.at(-1) };
}

test("the channel lies beside the page", () => {
  assert.equal(opened().socket.address, "wss://example.org/sub/path/live");
});

test("each question has its answer, whatever order they come in", async () => {
  const { live, socket } = opened();
  const [point, hover] = [live.ask("point", { beta: 1 }), live.ask("hover", { beta: 2 })];
  assert.deepEqual(socket.sent, ['point\n{"beta":1,"kind":"point","n":1}', 'hover\n{"beta":2,"kind":"hover","n":2}']);
  reply(socket, { kind: "hover", n: 2, grey: 7 });
  reply(socket, { kind: "point", n: 1, said: "so" });
  assert.equal((await hover).grey, 7);
  assert.equal((await point).said, "so");
});

test("a newer question of a kind takes the older one's place; what it is answered later is nobody's", async () => {
  const { live, socket } = opened();
  const old = live.ask("point", {});
  const newer = live.ask("point", {});
  assert.equal(await old, undefined);
  reply(socket, { n: 1, said: "old" });
  reply(socket, { n: 2, said: "new" });
  assert.equal((await newer).said, "new");
});

test("a question that is refused, or that the channel closes on, has no answer; nor has one without a channel", async () => {
  const { live, socket } = opened();
  const refused = live.ask("point", {});
  reply(socket, { kind: "refused", n: 1 });
  assert.equal(await refused, null);
  const lost = live.ask("point", {});
  socket.close();
  assert.equal(await lost, null);
  const before = sockets.length;
  assert.equal(await live.ask("point", {}), null);
  assert.equal(sockets.length, before); // it was refused just now: not tried at every click
});

/** A map as a conversation knows it, and what is done to it. */
function conversation() {
  const done = [];
  const note =
    (name) =>
    (...what) =>
      done.push([name, ...what]);
  const map = {
    pin: atImage(3),
    beta: 1,
    tab: "curve",
    window: null,
    pointer: null,
    world: { model: "m", part: "test", shape: [1, 1], latent: 2 },
    legend: { hidden: new Set([10, 9]), looks: new Set() },
    switches: { on: new Set(["prior", "atlas"]) },
    tints: { column: null },
    board: { report: { pins: [] }, strip: { setPicture: note("picture"), complete: () => true }, showDifference() {} },
    panel: { show: note("show"), draw: note("draw") },
    curve: { settle() {} },
    drawing: { settle() {} },
    box: { tell: note("tell") },
    showPin() {},
    look() {},
    wordsFor: () => "words",
    latentPoint: () => [0, 0],
  };
  globalThis.document.querySelector = () => null;
  const talk = new Conversation(map);
  return { map, talk, done, socket: sockets.at(-1) };
}

const names = (done) => done.map(([name]) => name);

test("an answer about the pinned point is shown, and then reported as answered", async () => {
  const { talk, done, socket } = conversation();
  const asked = talk.ask();
  assert.deepEqual(JSON.parse(socket.sent[0].split("\n")[1]), { model: "m", part: "test", beta: 1, point: { image: 3, noise: null }, kind: "point", n: 1 });
  reply(socket, { n: 1, said: { point: atImage(3), beta: 1, decoded: "png" } });
  await asked;
  assert.deepEqual(names(done), ["picture", "show", "tell"]);
  const [, name, report] = done.at(-1);
  assert.equal(name, "seen");
  assert.equal(report.answered, true);
  assert.deepEqual(
    [report.hidden, report.layers],
    [
      [9, 10],
      ["atlas", "prior"],
    ],
  );
});

test("an answer about another point, or another weight, changes nothing, and the report says so", async () => {
  for (const said of [
    { point: atImage(4), beta: 1 },
    { point: atImage(3), beta: 2 },
    { point: atPlace([0, 0], 2), beta: 1 },
  ]) {
    const { talk, done, socket } = conversation();
    const asked = talk.ask();
    reply(socket, { n: 1, said });
    await asked;
    assert.deepEqual(names(done), ["tell"]);
    assert.equal(done[0][2].answered, false);
  }
});

test("only the newest click is reported by its answer", async () => {
  const { talk, map, done, socket } = conversation();
  const first = talk.ask();
  map.pin = atImage(5);
  const second = talk.ask();
  await first;
  assert.deepEqual(names(done), []);
  reply(socket, { n: 2, said: { point: atImage(5), beta: 1 } });
  await second;
  assert.deepEqual(names(done), ["picture", "show", "tell"]);
});

test("while the server is away, the report waits until it is back", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { talk, done } = conversation();
  globalThis.document.querySelector = () => ({ dataset: { testConnectionState: "DISCONNECTED" } });
  talk.tell();
  t.mock.timers.tick(1000);
  assert.deepEqual(done, []);
  globalThis.document.querySelector = () => null;
  t.mock.timers.tick(150);
  assert.deepEqual(names(done), ["tell"]);
});

test("of the points that the mouse passes, one is asked at a time, and the last comes next", async () => {
  const { talk, map, done, socket } = conversation();
  const places = [1, 2, 3].map((x) => atPlace([x, 0], 2));
  const all = talk.sharpen((map.pointer = places[0]));
  for (const place of places.slice(1)) talk.sharpen((map.pointer = place));
  assert.equal(socket.sent.length, 1);
  reply(socket, { n: 1, grey: "first" });
  await new Promise(setImmediate);
  assert.equal(JSON.parse(socket.sent[1].split("\n")[1]).point.z[0], 3);
  reply(socket, { n: 2, grey: "third" });
  await all;
  assert.deepEqual(
    done.map(([name, grey]) => [name, grey]),
    [
      ["draw", "first"],
      ["draw", "third"],
    ],
  );
});

test("a click or a key before Python's first answer changes nothing", () => {
  const key = Object.assign(new Event("keydown"), { key: "ArrowLeft" });
  const map = Object.assign(Object.create(Picking.prototype), { map: { begun: false } });
  const duel = Object.assign(Object.create(DuelPicking.prototype), { duel: { begun: false } });
  map.click({ x: 0, y: 0, index: null });
  map.key(key);
  duel.point("left", { x: 0, y: 0, index: null });
  duel.click("left", { x: 0, y: 0, index: null });
  duel.key("left", key);
});
