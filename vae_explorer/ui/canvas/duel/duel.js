// Two maps beside each other: one pointer, two decoders.

import { finder } from "../dom.js";
import { Drawing } from "../drawing/drawing.js";
import { Judge } from "../judge.js";
import { Legend } from "../legend.js";
import { pngUrl } from "../panel.js";
import { styleOf } from "../plots.js";
import { imageOf, samePoint } from "../point.js";
import { savePortrait } from "../portrait/portrait.js";
import { Weight } from "../weight.js";
import { mailbox, unpack } from "../wire.js";
import { ClassTab } from "./class_tab.js";
import { buildSwitches, CLASS } from "./controls.js";
import { Counts } from "./counts.js";
import { DuelPicking } from "./duel_picking.js";
import { DuelSide } from "./duel_side.js";
import { DuelTalk } from "./duel_talk.js";
import { GapTable } from "./gap_table.js";
import { Pictures } from "./pictures.js";
import { Planes } from "./planes.js";
import { Spots } from "./spots.js";
import { captionOf, noteOn } from "./words.js";

/** @import { DrawingMessage } from "../drawing/drawing.js" */
/** @import { JudgeMessage } from "../judge.js" */
/** @import { Point } from "../point.js" */
/** @import { Style } from "../scatter/layers.js" */
/** @import { Mailbox, Message, StreamlitComponent } from "../wire.js" */
/** @import { CountsMessage } from "./counts.js" */
/** @import { SideMessage } from "./duel_side.js" */
/** @import { Field, TablesMessage } from "./gap_table.js" */

/** A point, and the side on which it was picked. @typedef {Point & {side: string}} OnSide */

/**
 * What is shown but for the KL weight, its fields named as in compare/state.py.
 * @typedef {{point: OnSide, link: string, hidden: number[], marks: string[], ends: number[], spaces: string[], seed: number,
 *   field: ?string, spot: ?[string, number], towards: ?number, windows: [?number[], ?number[]], tab: string}} DuelState
 */

/**
 * What PyTorch says of one side: the point on its axes, its decoded image (PNG, base64) and words, the distortion in nats and its error, of
 * an image; draws or walk as one picture, where the browser knows only the plane.
 * @typedef {{z: number[], decoded: string, alt: string, distortion: ?number, error: ?number, pictures: ?string}} SaidOfSide
 */

/**
 * What it says of a view: of which one; the original image (PNG, base64), what distortion is measured against, the noise of the draws.
 * @typedef {{asked: DuelState & {beta: ?number}, link: string, sides: SaidOfSide[], original: ?string, target: string, noise: Float32Array}} DuelSaid
 */

/** The same by a courier, with what the page begins with. @typedef {Message & {kind: "answer", start: DuelState & {beta: ?number}} & DuelSaid} DuelAnswer */

/** What the two maps together are sent by couriers. @typedef {DuelAnswer | CountsMessage | DrawingMessage | JudgeMessage | TablesMessage} DuelMessage */

export class Duel {
  /** @param {ParentNode} root @param {string} name */
  constructor(root, name) {
    this.find = finder(root);
    this.abort = new AbortController();
    /** @type {Mailbox<DuelMessage>} */
    this.box = mailbox(name);
    this.begun = this.stale = this.told = false;
    /** @type {Record<string, Field>} */
    this.fields = {}; // of gaps, once they are told
    this.classed = false; // whether there is one of classes
    /** @type {?string} */
    this.gap = null; // the field of gaps that the tab of classes leads back to
    this.due = 0; // the animation frame that is
    /** @type {?OnSide} */
    this.pointer = null; // the point under the mouse
    this.talk = new DuelTalk(this);
    this.picking = new DuelPicking(this);
    this.weight = new Weight(this.find, this.abort.signal, { move: () => this.moved(), settle: () => this.change({ spot: null }) });
    this.legend = new Legend(this.find(".legend"), () => (this.hide(), this.talk.tell()));
    this.sides = ["left", "right"].map((side) => {
      /** @type {Mailbox<SideMessage>} */
      const box = mailbox(`${name}-${side}`);
      return new DuelSide(this.find, side, box, {
        point: (place) => this.picking.point(side, place),
        click: (place) => this.picking.click(side, place),
        view: (window) => this.zoomed(side, window),
        key: (event) => this.picking.key(side, event),
      });
    });
    for (const { box, plot } of this.sides) box.save = (kind, words) => savePortrait(plot, this.legend, kind, words);
    this.pictures = new Pictures(this);
    this.table = new GapTable(this.find(".tab.table"), this.find(".verdict"));
    this.spots = this.sides.map((side) => new Spots(this, side));
    this.counts = new Counts(this);
    this.classes = new ClassTab(this);
    this.planes = new Planes(this);
    /** @type {?Judge} */
    this.judge = null;
    this.unjudged = ""; // why there is none
    this.drawing = new Drawing(this.find(".tab.draw"), this.box, this.abort.signal, {
      sides: () => this.sides,
      ready: () => this.begun,
      beta: () => this.weight.beta,
      open: () => this.state && this.change({ tab: "draw" }),
    });
    addEventListener("resize", () => this.restyle(), { signal: this.abort.signal }); // the type's size follows the window's
    this.resizes = new ResizeObserver(() => this.moved()); // and so do the places of the spots' buttons
    this.resizes.observe(this.find(".stage"));
    this.restyle();
    this.box.read = (message) => this.read(message);
    for (const side of this.sides) side.box.read = (message) => this.readSide(side, message);
    this.box.messages.forEach((message) => this.read(message));
    for (const side of this.sides) side.box.messages.forEach((message) => this.readSide(side, message));
  }

  destroy() {
    this.abort.abort();
    this.sides.forEach((side) => side.destroy());
    this.box.read = null;
    this.resizes.disconnect();
    this.talk.close();
    cancelAnimationFrame(this.due);
  }

  // To and from Python ----------------------------------------------------------------------

  /** @param {DuelSide} side @param {SideMessage} message */
  readSide(side, message) {
    if (message.kind === "world") {
      side.setWorld(message);
      return this.begin();
    }
    if ("field" in message) side.setField(message);
    else side.setClasses(message);
    this.moved();
  }

  /** @param {DuelMessage} message */
  read(message) {
    if (message.kind === "answer") this.hear(message);
    else if (message.kind === "drawing") this.drawing.hear(message);
    else if (message.kind === "counts") {
      this.counts.message = message;
      this.moved();
    } else if (message.kind === "judge") {
      this.judge = message.absent === undefined ? new Judge(message.plan, message.weights, message.classes) : null;
      this.unjudged = message.absent ?? "";
      this.moved();
    } else if (message.kind === "tables") {
      this.table.set(message);
      this.told = true;
      this.classed = CLASS in message.fields;
      this.fields = Object.fromEntries(Object.entries(message.fields).filter(([name]) => name !== CLASS));
      this.sides.forEach((side, k) => (side.mixture = message.tables[k]?.mixture ?? null));
      this.begin();
    }
  }

  /** @param {DuelAnswer} answer */
  hear(answer) {
    /** @type {DuelAnswer} */
    this.answer = answer;
    this.begin();
    if (!this.begun) return;
    if (answer.asked.seed === this.state.seed) this.noise = answer.noise;
    if (this.answered) this.showAnswer();
    this.moved();
  }

  /** Starts as soon as both worlds and the first answer have come. */
  begin() {
    if (this.begun) return this.moved();
    if (!this.answer || !this.told || !this.sides.every((side) => side.world)) return;
    this.begun = true;
    const { beta, ...state } = this.answer.start;
    /** @type {DuelState} */
    this.state = state;
    this.gap = state.field !== CLASS ? state.field : "round_trip" in this.fields ? "round_trip" : null;
    this.weight.build(rangeOfBoth(this.sides.map(({ world }) => world.beta_range)), beta);
    const [{ world }] = this.sides;
    this.legend.build(world, state.hidden, state.marks);
    for (const { plot } of this.sides) plot.set(this.legend.look);
    state.windows.forEach((seen, k) => seen && this.sides[k].plot.setView({ x: seen[0], y: seen[1], half: seen[2] }, true));
    /** @type {Float32Array} */
    this.noise = this.answer.noise;
    const plain = this.sides.every((side) => side.world.latent === 2);
    for (const side of this.sides) Object.assign(side.axes, { hidden: plain, textContent: side.axesWords });
    this.classes.build();
    this.switched();
    if (this.answered) this.showAnswer();
    this.moved();
  }

  /** Whether Python's last answer is about what is picked now. */
  get answered() {
    const { asked } = this.answer;
    const { point } = this.state;
    const same = samePoint(asked.point, point) && (!point.z || asked.point.side === point.side);
    return same && asked.beta === this.weight.beta;
  }

  /** Builds the switches anew, for the tab that is open. */
  switched() {
    this.find(".duel").dataset.tab = this.state.tab;
    buildSwitches(this);
  }

  /** A map was panned or zoomed: reported once it rests. @param {string} side @param {number[]} window x, y, half */
  zoomed(side, window) {
    if (!this.begun) return;
    const [left, right] = this.state.windows;
    const { x, y, half } = this.sideOf(side).plot.home;
    const seen = String(window) === String([x, y, half]) ? null : window; // all of it
    this.state.windows = side === "left" ? [seen, right] : [left, seen];
    this.switched();
    this.moved(); // the leaders of the spots end at buttons
    this.talk.later();
  }

  /** @param {Partial<DuelState>} changes */
  change(changes) {
    if ("seed" in changes || "spaces" in changes) this.state.spot = null; // other draws have other worst spots
    Object.assign(this.state, changes);
    this.switched();
    this.moved();
    this.talk.tell();
  }

  // What is seen ----------------------------------------------------------------------------

  restyle() {
    /** @type {Style} */
    this.style = styleOf(this.find(".duel"));
    for (const { plot } of this.sides) plot.set({ style: this.style });
    this.moved();
  }

  /** Shows the classes that the legend leaves. */
  hide() {
    for (const { plot } of this.sides) plot.set(this.legend.look);
    this.moved();
  }

  moved() {
    this.stale = true;
    this.look();
  }

  look() {
    this.due ||= requestAnimationFrame(() => {
      this.due = 0;
      this.frame();
    });
  }

  frame() {
    if (!this.begun) return;
    const { beta } = this.weight;
    const { stale } = this;
    this.stale = false;
    if (stale) {
      this.sides.forEach((side) => side.climb(beta));
      this.pictures.lay();
      this.spots.forEach((each) => each.lay());
      this.classes.seek();
      this.planes.draw();
    }
    this.showPoint();
    if (stale) {
      // After the maps were drawn: setting a canvas's font lays out a page whose text has changed.
      this.drawing.show();
      this.table.show(beta, this.state.spaces, this.answered);
      this.counts.show();
      this.classes.show();
      noteOn(this);
    }
    const { tab } = this.state;
    const sheets = tab === "sample" ? this.pictures.sheets : tab === "path" ? this.pictures.walks : [];
    const more = sheets.map((sheet, k) => sheet.develop((z, grey, which) => this.pictures.decode(k, z, grey, which)));
    if (more.some(Boolean)) this.look();
  }

  /** Where each side's point lies: the image's codes, or the same place in units of the codes' spread. @param {OnSide} point */
  places(point) {
    if (!point.z) return this.sides.map((each) => each.code(point.image));
    const { side, z } = point;
    const [x, y = 0] = z;
    const units = this.sideOf(side).units([x, y]);
    return this.sides.map((each) => (each.name === side ? z : each.fromUnits(units)));
  }

  showPoint() {
    const point = this.pointer ?? this.state.point;
    const exact = !this.pointer && this.answered;
    const places = exact ? this.answer.sides.map(({ z }) => z) : this.places(point);
    this.sides.forEach((side, k) => {
      side.show(places[k], imageOf(point), exact);
      side.plot.draw();
    });
    this.sides.forEach((side, k) => side.label(places[k], captionOf(this, k, places[k], exact)));
  }

  showAnswer() {
    this.answer.sides.forEach(({ decoded, alt }, k) => Object.assign(this.sides[k].image, { src: pngUrl(decoded), alt }));
    const original = this.find(".original", HTMLImageElement);
    this.find(".shown .of").classList.toggle("none", this.answer.original === null);
    original.hidden = this.answer.original === null;
    if (this.answer.original) Object.assign(original, { src: pngUrl(this.answer.original), alt: `Original image ${this.state.point.image}` });
  }

  /** @param {DuelSide} side */
  other(side) {
    return this.sides[1 - this.sides.indexOf(side)];
  }

  /** @param {string} name */
  spotsOf(name) {
    return this.spots[name === "left" ? 0 : 1];
  }

  /** @param {string} name */
  sideOf(name) {
    return this.sides[name === "left" ? 0 : 1];
  }
}

/** The KL weights of both, as DuelLimits in compare/view.py has them. @param {(?number[])[]} each */
function rangeOfBoth(each) {
  const ranges = each.filter((range) => range !== null);
  if (!ranges.length) return null;
  const [lows, highs] = [ranges.map(([low]) => low), ranges.map(([, high]) => high)];
  const shared = [Math.max(...lows), Math.min(...highs)];
  return shared[0] < shared[1] ? shared : [Math.min(...lows), Math.max(...highs)];
}

/** @type {WeakMap<Node, Duel>} */
const duels = new WeakMap();

/** Called by Streamlit at first and whenever the theme changes; returns the clean-up. @param {StreamlitComponent} component */
export default function ({ data, parentElement }) {
  const { to } = unpack(data);
  const known = duels.get(parentElement);
  known?.restyle();
  const duel = known ?? new Duel(parentElement, to);
  duels.set(parentElement, duel);
  return () => {
    duel.destroy();
    duels.delete(parentElement);
  };
}
