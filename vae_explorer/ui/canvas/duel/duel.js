// Two maps beside each other: one pointer, two decoders.

import { finder, newButton } from "../dom.js";
import { Drawing } from "../drawing/drawing.js";
import { Legend } from "../legend.js";
import { errorText, minus, pngUrl, tupleText } from "../panel.js";
import { showTabs, styleOf } from "../plots.js";
import { imageOf, samePoint } from "../point.js";
import { Weight } from "../weight.js";
import { mailbox, serverIsAway, unpack } from "../wire.js";
import { DuelPicking } from "./duel_picking.js";
import { DuelSide } from "./duel_side.js";
import { GapTable } from "./gap_table.js";
import { Pictures } from "./pictures.js";
import { noteOn } from "./words.js";

/** @import { DrawingMessage } from "../drawing/drawing.js" */
/** @import { Point } from "../point.js" */
/** @import { Style } from "../scatter/layers.js" */
/** @import { Mailbox, Message, StreamlitComponent } from "../wire.js" */
/** @import { SideMessage } from "./duel_side.js" */
/** @import { Field, TablesMessage } from "./gap_table.js" */

/** A point, and the side on which it was picked. @typedef {Point & {side: string}} OnSide */

/**
 * What is shown but for the KL weight, its fields named as in compare/state.py.
 * @typedef {{point: OnSide, link: string, hidden: number[], marks: string[], ends: number[], spaces: string[], seed: number,
 *   field: ?string, windows: [?number[], ?number[]], tab: string}} DuelState
 */

/**
 * What PyTorch says of one side: the point on its axes, its decoded image (PNG, base64) and words, the distortion in nats and its error, of
 * an image; draws or walk as one picture, where the browser knows only the plane.
 * @typedef {{z: number[], decoded: string, alt: string, distortion: ?number, error: ?number, pictures: ?string}} SaidOfSide
 */

/**
 * What it says of a view: of which one, and what the page begins with; the original image (PNG, base64), what distortion is measured
 * against, the noise of the draws.
 * @typedef {Message & {kind: "answer", start: DuelState & {beta: ?number}, asked: DuelState & {beta: ?number}, link: string,
 *   sides: SaidOfSide[], original: ?string, target: string, noise: Float32Array}} DuelAnswer
 */

/** What the two maps together are sent by couriers. @typedef {DuelAnswer | DrawingMessage | TablesMessage} DuelMessage */

const SENT_AFTER = 150; // ms of rest after which a zoom is reported
const DUEL_LINKS = { point: "Same point", image: "Same image" };
const DUEL_TABS = { sample: "Sample", path: "Interpolate", gaps: "Gap field", draw: "Draw" };
const DUEL_SPACES = { prior: "Prior", fitted: "Fitted", mixture: "Mixture" };

export class Duel {
  /** @param {ParentNode} root @param {string} name */
  constructor(root, name) {
    this.find = finder(root);
    this.abort = new AbortController();
    /** @type {Mailbox<DuelMessage>} */
    this.box = mailbox(name);
    this.begun = this.stale = false;
    this.due = 0; // the animation frame that is
    /** @type {number | undefined} */
    this.timer = undefined;
    /** @type {?OnSide} */
    this.pointer = null; // the point under the mouse
    this.picking = new DuelPicking(this);
    this.weight = new Weight(this.find, this.abort.signal, { move: () => this.moved(), settle: () => this.tell() });
    this.legend = new Legend(this.find(".legend"), () => (this.hide(), this.tell()));
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
    this.pictures = new Pictures(this);
    this.table = new GapTable(this.find(".verdict"));
    this.drawing = new Drawing(this.find(".tab.draw"), this.box, this.abort.signal, {
      sides: () => this.sides,
      ready: () => this.begun,
      beta: () => this.weight.beta,
      open: () => this.state && this.change({ tab: "draw" }),
    });
    addEventListener("resize", () => this.restyle(), { signal: this.abort.signal }); // the type's size follows the window's
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
    clearTimeout(this.timer);
    cancelAnimationFrame(this.due);
  }

  // To and from Python ----------------------------------------------------------------------

  /** @param {DuelSide} side @param {SideMessage} message */
  readSide(side, message) {
    if (message.kind === "world") {
      side.setWorld(message);
      this.begin();
    } else if (message.kind === "field") {
      side.setField(message);
      this.moved();
    }
  }

  /** @param {DuelMessage} message */
  read(message) {
    if (message.kind === "answer") this.hear(message);
    else if (message.kind === "drawing") this.drawing.hear(message);
    else if (message.kind === "tables") {
      this.table.set(message);
      /** @type {Record<string, Field>} */
      this.fields = message.fields;
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
    if (!this.answer || !this.fields || !this.sides.every((side) => side.world)) return;
    this.begun = true;
    const { beta, ...state } = this.answer.start;
    /** @type {DuelState} */
    this.state = state;
    const ranges = this.sides.map((side) => side.world.beta_range).filter((range) => range !== null);
    const range = ranges.length ? [Math.max(...ranges.map(([low]) => low)), Math.min(...ranges.map(([, high]) => high))] : null;
    this.weight.build(range, beta);
    const [{ world }] = this.sides;
    this.legend.build(world, state.hidden, state.marks);
    for (const { plot } of this.sides) plot.set(this.legend.look);
    state.windows.forEach((seen, k) => seen && this.sides[k].plot.setView({ x: seen[0], y: seen[1], half: seen[2] }, true));
    /** @type {Float32Array} */
    this.noise = this.answer.noise;
    const plain = this.sides.every((side) => side.world.latent === 2);
    for (const side of this.sides) Object.assign(side.axes, { hidden: plain, textContent: side.axesWords });
    this.buildSwitches();
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

  tell() {
    clearTimeout(this.timer);
    if (serverIsAway()) this.timer = setTimeout(() => this.tell(), 300);
    else {
      const { legend, weight } = this;
      const seen = { hidden: [...legend.hidden].sort((a, b) => a - b), marks: [...legend.looks].sort() };
      this.box.tell?.("seen", { ...this.state, ...seen, beta: weight.beta });
      this.drawing.settle();
    }
  }

  /** A map was panned or zoomed: reported once it rests. @param {string} side @param {number[]} window x, y, half */
  zoomed(side, window) {
    if (!this.begun) return;
    const [left, right] = this.state.windows;
    this.state.windows = side === "left" ? [window, right] : [left, window];
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), SENT_AFTER);
  }

  /** @param {Partial<DuelState>} changes */
  change(changes) {
    Object.assign(this.state, changes);
    this.buildSwitches();
    this.moved();
    this.tell();
  }

  // Controls --------------------------------------------------------------------------------

  buildSwitches() {
    const { state } = this;
    /** @param {string} text @param {boolean} on @param {() => void} click */
    const pressed = (text, on, click) => {
      const button = newButton(text, click);
      button.setAttribute("aria-pressed", String(on));
      return button;
    };
    /** @param {string} host @param {Record<string, string>} all @param {?string} now @param {(name: string) => void} choose */
    const choices = (host, all, now, choose) =>
      this.find(host).replaceChildren(...Object.entries(all).map(([name, text]) => pressed(text, name === now, () => choose(name))));
    choices(".link", DUEL_LINKS, state.link, (link) => this.change({ link }));
    showTabs(this.find, DUEL_TABS, state.tab, (tab) => this.change({ tab }));
    this.sides.forEach(({ name }, k) => {
      /** @param {string} space */
      const choose = (space) => this.change({ spaces: state.spaces.map((each, i) => (i === k ? space : each)) });
      const spaces = Object.fromEntries(Object.entries(DUEL_SPACES).filter(([space]) => space !== "mixture" || this.sides[k].mixture));
      choices(`.spaces .${name}`, spaces, state.spaces[k], choose);
      this.find(`.worst .${name}`).replaceChildren(...(state.field ? [newButton("Show the worst", () => this.showWorst(this.sides[k]))] : []));
    });
    this.find(".again").replaceChildren(newButton("Sample again", () => this.change({ seed: Math.floor(Math.random() * 1e6) })));
    const fields = Object.fromEntries(Object.entries(this.fields).map(([name, { title }]) => [name, title]));
    choices(".fields", fields, state.field, (field) => this.change({ field: field === state.field ? null : field }));
  }

  /** @param {DuelSide} side */
  showWorst(side) {
    const { field } = this.state;
    if (field !== null && side.drawn) this.picking.goTo(side.name, side.worst(side.drawn, this.fields[field].better));
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
    if (this.stale) {
      this.stale = false;
      this.sides.forEach((side) => side.climb(beta));
      this.drawFields();
      this.pictures.lay();
      this.drawing.show();
      this.table.show(beta, this.state.spaces, this.answered);
      noteOn(this);
    }
    this.showPoint();
    const { tab } = this.state;
    const sheets = tab === "sample" ? this.pictures.sheets : tab === "path" ? this.pictures.walks : [];
    const more = sheets.map((sheet, k) => sheet.develop((z, grey) => this.sides[k].decode(z, grey)));
    if (more.some(Boolean)) this.look();
  }

  /** Draws the gap field on both sides, in one scale, as soon as both have come. */
  drawFields() {
    const { field } = this.state;
    this.sides.forEach((side) => {
      if (side.field?.field !== field) side.setField(null);
      if (side.plot.layers.underlays.length) side.plot.setLayers({ underlays: [] });
    });
    const found = this.sides.flatMap((side) => (side.drawn ? [{ side, drawn: side.drawn }] : []));
    if (!field || found.length < this.sides.length) return;
    const { better } = this.fields[field];
    const ranges = found.map(({ side, drawn }) => side.fieldRange(drawn, better));
    const both = [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))];
    found.forEach(({ side, drawn }) => side.drawField(drawn, this.style.text, better, both));
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
    this.sides.forEach((side, k) => {
      const distortion = exact ? this.answer.sides[k].distortion : null;
      const error = distortion === null ? "" : `\n${distortion.toFixed(1)}${errorText(this.answer.sides[k].error)} nats of distortion`;
      const rough = exact || !side.decoder.rough ? "" : `\n${side.decoder.rough}`;
      side.label(places[k], `z = ${minus(tupleText(places[k]))}${error}${rough}`);
    });
  }

  showAnswer() {
    this.answer.sides.forEach(({ decoded, alt }, k) => Object.assign(this.sides[k].image, { src: pngUrl(decoded), alt }));
    const original = this.find(".original", HTMLImageElement);
    original.hidden = this.answer.original === null;
    if (this.answer.original) Object.assign(original, { src: pngUrl(this.answer.original), alt: `Original image ${this.state.point.image}` });
  }

  /** @param {string} name */
  sideOf(name) {
    return this.sides[name === "left" ? 0 : 1];
  }
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
