// Any distribution from a Gaussian: draws of z on the left, where a map takes them on the right; a brushed square on both.

import { element } from "../../dom.js";
import { densityAfter, mapOf, normalAt, squareAfter, squareField } from "./ring_maps.js";
import { Sheet } from "./ring_sheet.js";
import {
  arrowOf,
  brushedOf,
  cellsOf,
  decodeSquare,
  factsLine,
  guessMarks,
  heartInk,
  inkMarks,
  landedOf,
  outlineOf,
  PEN_UP,
  paintTiles,
  ringColumn,
  sheetRow,
  TILE_SIDE,
  tileCanvas,
} from "./ring_square.js";
import { factsOf, histogramMarks, RING_MAPS, threeDigits, titleOf, whereItLands } from "./ring_words.js";

/** @import { Stage } from "../stage.js" */
/** @import { PartAnswer } from "../talk.js" */
/** @import { RingAnswer } from "./ring_words.js" */
/** @import { FlowWeights, PlaneMap } from "./ring_maps.js" */

/** @typedef {RingAnswer & FlowWeights & {step: number, loss: Float32Array}} FlowAnswer */

const CHUNK_STEPS = 25; // between two losses
const WHOLE_STEPS = 200; // after so many, Python counts the draws anew
const Z_REACH = 3.4; // half of the square of z that is seen
const RING_TERMS = /** @type {const} */ (["before", "det", "after"]);
const FIELD_SIDE = { plain: 110, flow: 64 };
const MOST_INK = 390; // numbers of a drawing: a link holds them
const [LEAST_HALF, MOST_HALF] = [0.02, 2];

export class RingScreen {
  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    this.draws = /** @type {Float32Array} */ (new Float32Array(0));
    this.drawn = ""; // which draws these are
    this.flow = /** @type {?FlowAnswer} */ (null);
    this.run = 0; // the training that goes on; another number ends it
    this.training = false;
    this.cursor = [0, 0]; // of the right sheet, for keys
    this.said = /** @type {?RingAnswer} */ (null);
    this.guess = /** @type {?{x: number, y: number}} */ (null);
    this.stroke = /** @type {number[] | undefined} */ (undefined); // what is being drawn
    const { picture } = stage;
    const sheets = sheetRow("flex: 1; min-height: 0");
    const [left, right] = [ringColumn("z: draws from N(0, I). Drag to brush a square; arrow keys, + and \u2212"), ringColumn("")];
    sheets.append(left.host, right.host);
    this.title = right.title;
    this.facts = factsLine();
    const below = sheetRow("height: 26%; min-height: 7rem");
    const [bars, curve] = [element("div"), element("div")];
    bars.dataset.answer = "";
    below.append(bars, curve);
    picture.append(sheets, this.facts, below);
    this.below = below;
    this.curve = curve;
    this.left = stage.keep(
      new Sheet(left.host, {
        label: "z: the brushed square; arrow keys move it, plus and minus change its size",
        term: "before",
        press: (from, to, done) => this.brush(from, to, done),
        key: (event) => this.key(event),
      }),
    );
    this.right = stage.keep(
      new Sheet(right.host, {
        label: "Where z lands; arrow keys move a cross, Enter guesses or draws a point there",
        term: "after",
        press: (from, to, done) => this.press(from, to, done),
        key: (event) => this.point(event),
      }),
    );
    this.right.hide();
    this.tiles = tileCanvas();
    this.right.host.append(this.tiles);
    this.bars = stage.chart(bars, { x: { label: "distance from 0 after the map" }, y: { label: "draws" }, label: "Draws over their distance from 0" });
    this.losses = stage.chart(curve, { x: { label: "steps" }, y: { label: "nats a point" }, label: "Loss of the flow over its training" });
    this.own = this.controls();
  }

  /** Makes the controls; returns those that some maps alone have. */
  controls() {
    const { stage } = this;
    stage.choice({ name: "g", label: "Map g", options: RING_MAPS });
    const scale = stage.slider({ name: "a", label: "a in z/a + z/\u2016z\u2016", min: 0.2, max: 50, log: true });
    stage.slider({ name: "draws", label: "Draws n", min: 1, max: 20000, log: true, whole: true, format: (n) => n.toLocaleString("en") });
    const weight = stage.weight();
    stage.button("Draw again", () => stage.set({ seed: stage.number("seed") + 1 }));
    const example = stage.button("Draw a heart", () => this.ink(heartInk()));
    const clear = stage.button("Clear", () => this.ink([]));
    const train = stage.button("Stop", () => (this.training ? this.stop() : this.learn()));
    return { scale, weight, example, clear, train };
  }

  destroy() {
    this.run++;
  }

  get at() {
    return /** @type {number[]} */ (this.stage.state.at);
  }

  get kind() {
    return String(this.stage.state.g);
  }

  /** The map, where the browser has it. @returns {?PlaneMap} */
  get map() {
    return mapOf(this.kind, this.stage.number("a"), this.flow);
  }

  // What the user does ----------------------------------------------------------------------------

  /** @param {number[]} from @param {number[]} to @param {boolean} done */
  brush(from, to, done) {
    const half = Math.max(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1]));
    this.settle(half < LEAST_HALF ? [from[0], from[1], this.at[2]] : [from[0], from[1], half], done);
  }

  /** @param {number[]} at @param {boolean} [done] */
  settle([x, y, half], done = true) {
    /** @param {number} v */
    const held = (v) => Number(Math.min(3, Math.max(-3, v)).toFixed(3));
    this.stage.set({ at: [held(x), held(y), Number(Math.min(MOST_HALF, Math.max(LEAST_HALF, half)).toFixed(3))] }, done);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const [x, y, half] = this.at;
    const way = arrowOf(event);
    if (way) this.settle([x + way[0], y + way[1], half]);
    else if (event.key === "+" || event.key === "=") this.settle([x, y, half * 1.2]);
    else if (event.key === "-") this.settle([x, y, half / 1.2]);
    else return;
    event.preventDefault();
  }

  /** A guess, or a stroke of the drawing. @param {number[]} from @param {number[]} to @param {boolean} done */
  press(from, to, done) {
    if (this.stage.prediction.takesClicks) {
      if (done) this.stage.guessed({ x: to[0], y: to[1] });
      return;
    }
    if (this.kind !== "drawing") return;
    if (from === to) {
      this.stop();
      this.stroke = [];
    }
    const point = to.map((v) => Number(Math.min(1, Math.max(0, v / 4 + 0.5)).toFixed(3)));
    const stroke = this.stroke ?? [];
    const [u, v] = stroke.slice(-2);
    if (stroke.length === 0 || Math.hypot(point[0] - u, point[1] - v) > 0.025) stroke.push(...point);
    this.stroke = stroke;
    if (!done) this.mark(null);
    else {
      const before = this.inked;
      this.stroke = undefined;
      this.ink([...before, ...(before.length ? [PEN_UP, PEN_UP] : []), ...stroke]);
    }
  }

  /** @param {KeyboardEvent} event */
  point(event) {
    const way = arrowOf(event);
    if (way) this.cursor = [this.cursor[0] + way[0], this.cursor[1] + way[1]];
    else if (event.key === "Enter" || event.key === " ") this.press([...this.cursor], this.cursor, true);
    else return;
    event.preventDefault();
    this.mark(this.guess);
  }

  get inked() {
    return /** @type {number[]} */ (this.stage.state.ink);
  }

  /** Takes a drawing, and learns it. @param {number[]} ink */
  ink(ink) {
    this.stop();
    this.flow = null;
    this.stage.set({ ink: ink.slice(0, MOST_INK) });
    this.learn();
  }

  stop() {
    this.run++;
    if (this.training && this.flow && !this.flow.edges) this.again();
    this.training = false;
    this.buttons();
  }

  /** Trains the flow, chunk by chunk, from where it stands. */
  async learn() {
    if (this.kind !== "drawing" || this.inked.length === 0 || this.training) return;
    const run = ++this.run;
    this.training = true;
    this.buttons();
    let step = this.flow?.step ?? 0;
    const [last, chunk] = [this.said?.steps ?? 2000, this.said?.chunk ?? 25];
    for (; step <= last && this.run === run; step += chunk) {
      const answer = await this.stage.ask("flow", { step, whole: step % WHOLE_STEPS === 0 });
      if (this.run !== run) return;
      if (!answer) break;
      this.flow = /** @type {FlowAnswer} */ (answer);
      if (this.flow.edges) this.tell(this.flow);
      this.tellLoss(this.flow);
      this.paint();
    }
    if (this.run === run) this.stop();
  }

  buttons() {
    const drawing = this.kind === "drawing";
    const { scale, weight, example, clear, train } = this.own;
    const decoder = this.kind === "decoder";
    example.hidden = clear.hidden = !drawing;
    train.hidden = !drawing || this.inked.length === 0 || (!this.training && (this.flow?.step ?? 0) >= (this.said?.steps ?? 2000));
    train.textContent = this.training ? "Stop" : "Train on";
    scale.style.display = this.kind === "ring" ? "" : "none";
    if (weight) weight.style.display = decoder ? "" : "none";
    this.below.style.display = decoder ? "none" : "flex";
    this.curve.hidden = !drawing;
    this.curve.style.flex = drawing ? "1" : "0";
    this.tiles.hidden = !decoder;
    this.right.canvas.style.opacity = this.right.axes.style.opacity = decoder ? "0" : "1";
  }

  // What is shown -----------------------------------------------------------------------------------

  /** @param {Set<string>} changed */
  moved(changed) {
    const key = `${this.stage.state.draws} ${this.stage.state.seed}`;
    if (key !== this.drawn) {
      this.drawn = key;
      this.stage.ask("draws").then((answer) => {
        if (!answer) return;
        this.draws = /** @type {Float32Array} */ (answer.z);
        this.paint();
      });
    }
    if (changed.has("g") && this.kind !== "drawing" && this.training) this.stop();
    if (changed.has("g")) this.said = null;
    if (changed.has("g") && this.kind === "drawing" && !this.training) this.learn();
    else if (this.kind === "drawing" && !this.training && this.flow && ["at", "draws", "seed"].some((name) => changed.has(name))) this.again();
    this.buttons();
    this.paint(changed);
  }

  /** Asks the flow of now about another square. */
  async again() {
    const answer = await this.stage.ask("flow", { step: this.flow?.step ?? 0, whole: true });
    if (answer && !this.training) this.tell(/** @type {FlowAnswer} */ (answer));
  }

  /** Draws all that the browser knows by itself. @param {Set<string>} [changed] */
  paint(changed = new Set(["g"])) {
    const { stage, left, right, map, at, draws } = this;
    const lit = brushedOf(draws, at);
    Object.assign(left, { reach: Z_REACH, dots: draws, lit, cellInk: stage.colour("det") });
    Object.assign(right, { lit, cellInk: left.cellInk });
    if (!left.heat || changed.has("theme")) left.setField(squareField(normalAt, Z_REACH, 64), stage.colour("before"));
    const all = map ? cellsOf(map, at, this.kind === "drawing" ? 2 : 10) : { before: [], after: [] };
    left.cells = all.before;
    left.redraw();
    left.draw([{ mark: "line", term: "det", points: outlineOf(at), closed: true, width: 2.5 }]);
    if (map) {
      right.reach = map.reach;
      right.dots = landedOf(map, draws);
      if (changed.has("g") || changed.has("a") || changed.has("theme")) {
        const side = this.kind === "drawing" ? FIELD_SIDE.flow : FIELD_SIDE.plain;
        const density = squareField((u, v) => densityAfter(map, u, v), map.reach, side);
        right.setField(density, stage.colour("after"));
      }
      this.figures(squareAfter(map, at));
    } else {
      Object.assign(right, { lit: new Uint8Array(0), heat: null });
      if (this.kind === "drawing") right.reach = 2;
    }
    right.cells = all.after;
    right.redraw();
    if (this.kind === "decoder") decodeSquare(stage, this.tiles, at);
    this.mark(this.guess);
    this.title.textContent = titleOf(this.kind, this.flow?.step ?? null);
  }

  /** @param {Record<(typeof RING_TERMS)[number], number>} numbers */
  figures(numbers) {
    for (const name of RING_TERMS) this.stage.formula.say(name, threeDigits(numbers[name]));
  }

  /** @param {string} part @param {PartAnswer} answer */
  show(part, answer) {
    if (part !== "main") return;
    const said = (this.said = /** @type {RingAnswer} */ (answer));
    if (said.det !== undefined) this.tell(said);
    else if (!this.flow) {
      for (const name of RING_TERMS) this.stage.formula.say(name, "\u2013");
      this.facts.textContent = "The area of a square before and after, and the density, are known once the flow has begun to learn.";
      this.bars.draw([]);
      if (!this.training) this.learn();
    }
    this.buttons();
  }

  /** Shows what Python says of the square and the draws. @param {RingAnswer} said */
  tell(said) {
    this.figures(said);
    this.facts.textContent = factsOf(said);
    this.bars.draw(histogramMarks(said));
    const { images } = said;
    const size = (images?.length ?? 0) / TILE_SIDE ** 2;
    const each = Array.from({ length: TILE_SIDE ** 2 }, (_, i) => images?.subarray(i * size, (i + 1) * size) ?? []);
    if (images) paintTiles(this.tiles, this.stage.world.shape, each);
  }

  /** @param {FlowAnswer} flow */
  tellLoss({ loss, step }) {
    const points = Array.from(loss, (value, k) => [(k + 1) * CHUNK_STEPS, value]);
    this.losses.draw([{ mark: "line", points }], { x: [0, Math.max(100, step)] });
  }

  /** Marks of the right sheet: the drawing, a guess, the cross of the keys. @param {?{x: number, y: number}} guess */
  mark(guess) {
    this.guess = guess;
    const ink = this.kind === "drawing" ? [...this.inked, PEN_UP, PEN_UP, ...(this.stroke ?? [])] : [];
    const cursor = this.right.host.matches(":focus-visible") ? this.cursor : null;
    this.right.draw([...inkMarks(ink, this.flow !== null), ...guessMarks(guess, cursor)]);
  }

  redraw() {
    this.paint(new Set(["theme", "g"]));
  }

  truth() {
    return this.said?.lands ? { words: whereItLands(this.kind, this.at, this.said) } : null;
  }
}
