// Two maps beside each other: one pointer, two decoders.

import { newButton } from "../dom.js";
import { Drawing } from "../drawing/drawing.js";
import { Legend } from "../legend.js";
import { errorText, minus, pngUrl, tupleText } from "../panel.js";
import { mapKey, showTabs, styleOf } from "../plots.js";
import { imageOf, pointAt, samePoint } from "../point.js";
import { imageBeside, pointWords, Spoken } from "../spoken.js";
import { Weight } from "../weight.js";
import { mailbox, serverIsAway, unpack } from "../wire.js";
import { DuelSide } from "./duel_side.js";
import { GapTable } from "./gap_table.js";
import { Pictures } from "./pictures.js";
import { noteOn } from "./words.js";

const DUEL_LINKS = { point: "Same point", image: "Same image" };
const DUEL_TABS = { sample: "Sample", path: "Interpolate", gaps: "Gap field", draw: "Draw" };
const DUEL_SPACES = { prior: "Prior", fitted: "Fitted", mixture: "Mixture" };

class Duel {
  constructor(root, name) {
    this.find = (selector) => root.querySelector(selector);
    this.abort = new AbortController();
    this.box = mailbox(name);
    this.weight = new Weight(this.find, this.abort.signal, { move: () => this.moved(), settle: () => this.tell() });
    this.legend = new Legend(this.find(".legend"), () => (this.hide(), this.tell()));
    this.sides = ["left", "right"].map((side) => {
      const box = mailbox(`${name}-${side}`);
      const on = { point: (place) => this.point(side, place), click: (place) => this.click(side, place), key: (event) => this.key(side, event) };
      return new DuelSide(this.find, side, box, on);
    });
    this.pictures = new Pictures(this);
    this.table = new GapTable(this.find(".verdict"));
    this.spoken = new Spoken(this.find(".said"), this.abort.signal);
    this.drawing = new Drawing(this.find(".tab.draw"), this.box, this.abort.signal, {
      sides: () => this.sides,
      ready: () => this.begun,
      beta: () => this.weight.beta,
      open: () => this.state && this.change({ tab: "draw" }),
    });
    addEventListener("resize", () => this.restyle(), { signal: this.abort.signal }); // the type's size follows the window's
    this.pointer = null;
    this.restyle();
    const boxes = [[this.box, (message) => this.read(message)], ...this.sides.map((side) => [side.box, (message) => this.readSide(side, message)])];
    for (const [box, read] of boxes) {
      box.read = read;
      box.messages.forEach(read);
    }
  }

  destroy() {
    this.abort.abort();
    this.sides.forEach((side) => side.destroy());
    this.box.read = null;
    clearTimeout(this.timer);
    cancelAnimationFrame(this.due);
  }

  // To and from Python ----------------------------------------------------------------------

  readSide(side, message) {
    if (message.kind === "world") {
      side.setWorld(message);
      this.begin();
    } else if (message.kind === "field") {
      side.setField(message);
      this.moved();
    }
  }

  read(message) {
    if (message.kind === "answer") this.hear(message);
    else if (message.kind === "drawing") this.drawing.hear(message);
    else if (message.kind === "tables") {
      this.table.set(message);
      this.fields = message.fields;
      this.sides.forEach((side, k) => (side.mixture = message.tables[k]?.mixture ?? null));
      this.begin();
    }
  }

  hear(answer) {
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
    this.state = state;
    const ranges = this.sides.map((side) => side.world.beta_range).filter(Boolean);
    const range = ranges.length ? [Math.max(...ranges.map(([low]) => low)), Math.min(...ranges.map(([, high]) => high))] : null;
    this.weight.build(range, beta);
    const [{ world }] = this.sides;
    this.legend.build(world, state.hidden, state.marks);
    for (const { plot } of this.sides) plot.set(this.legend.look);
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

  change(changes) {
    Object.assign(this.state, changes);
    this.buildSwitches();
    this.moved();
    this.tell();
  }

  // Controls --------------------------------------------------------------------------------

  buildSwitches() {
    const { state } = this;
    const pressed = (text, on, click) => {
      const button = newButton(text, click);
      button.setAttribute("aria-pressed", String(on));
      return button;
    };
    const choices = (host, all, now, choose) =>
      this.find(host).replaceChildren(...Object.entries(all).map(([name, text]) => pressed(text, name === now, () => choose(name))));
    choices(".link", DUEL_LINKS, state.link, (link) => this.change({ link }));
    showTabs(this.find, DUEL_TABS, state.tab, (tab) => this.change({ tab }));
    this.sides.forEach(({ name }, k) => {
      const choose = (space) => this.change({ spaces: state.spaces.map((each, i) => (i === k ? space : each)) });
      const spaces = Object.fromEntries(Object.entries(DUEL_SPACES).filter(([space]) => space !== "mixture" || this.sides[k].mixture));
      choices(`.spaces .${name}`, spaces, state.spaces[k], choose);
      const worst = newButton("Show the worst", () => this.sides[k].field?.values && this.goTo(name, this.sides[k].worst(this.fields[state.field].better)));
      this.find(`.worst .${name}`).replaceChildren(...(state.field ? [worst] : []));
    });
    this.find(".again").replaceChildren(newButton("Sample again", () => this.change({ seed: Math.floor(Math.random() * 1e6) })));
    const fields = Object.fromEntries(Object.entries(this.fields).map(([name, { title }]) => [name, title]));
    choices(".fields", fields, state.field, (field) => this.change({ field: field === state.field ? null : field }));
  }

  // What is seen ----------------------------------------------------------------------------

  restyle() {
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
    const sheets = { sample: this.pictures.sheets, path: this.pictures.films }[tab] ?? [];
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
    if (!field || !this.sides.every((side) => side.field && !side.field.absent)) return;
    const { better } = this.fields[field];
    const ranges = this.sides.map((side) => side.fieldRange(better));
    const both = [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))];
    this.sides.forEach((side) => side.drawField(this.style.text, better, both));
  }

  /** Where each side's point lies: the image's codes, or the same place in units of the codes' spread. */
  places({ side, image, z }) {
    if (!z) return this.sides.map((each) => each.code(image));
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
    const original = this.find(".original");
    original.hidden = this.answer.original === null;
    if (this.answer.original) Object.assign(original, { src: pngUrl(this.answer.original), alt: `Original image ${this.state.point.image}` });
  }

  sideOf(name) {
    return this.sides.find((side) => side.name === name);
  }

  // Picking ---------------------------------------------------------------------------------

  /** A point as the state holds it: an image, or a place on a side's plane. */
  on(side, place, index) {
    return { side, ...pointAt({ ...place, index }, this.sideOf(side).world.latent) };
  }

  point(side, place) {
    if (!this.begun) return;
    const index = place && this.state.link === "image" ? (place.index ?? this.sideOf(side).nearest(place)) : null;
    this.pointer = place && this.on(side, place, index);
    this.look();
  }

  click(side, place) {
    const index = this.state.link === "image" || place.index !== null ? (place.index ?? this.sideOf(side).nearest(place)) : null;
    const ends = index === null || this.state.tab !== "path" ? this.state.ends : [this.state.ends[1], index];
    this.pointer = null;
    this.change({ point: this.on(side, place, index), ends });
  }

  goTo(side, place) {
    const { plot } = this.sideOf(side);
    this.pointer = null;
    const { x, y } = this.sideOf(side).onAxes(place);
    this.left = this.state.point.image ?? this.left; // where Escape leads back to
    this.change({ point: this.on(side, { x: plot.rounded(x), y: plot.rounded(y) }, null) });
  }

  key(side, event) {
    const { plot } = this.sideOf(side);
    const step = (dx, dy) => {
      const [x, y = 0] = this.places(this.state.point)[this.sides.findIndex((each) => each.name === side)];
      this.goTo(side, { x: x + dx, y: y + dy });
      this.speak(side);
    };
    mapKey(event, { plot, weight: this.weight, step, image: (way) => this.turn(side, way) });
  }

  /** Picks the image after this one (1), before it (-1), or, on the plane, the one that was left (0). */
  turn(name, way) {
    const side = this.sideOf(name);
    const { point } = this.state;
    const [x, y = 0] = point.z ?? [];
    const here = point.image ?? this.left ?? side.nearest({ x, y });
    const index = way === 0 ? here : imageBeside(side.world.labels, side.plot.hidden, here, way);
    this.pointer = null;
    this.change({ point: this.on(name, null, index) });
    this.speak(name);
  }

  speak(name) {
    const side = this.sideOf(name);
    this.spoken.say(() => pointWords(side.world, side.ladder, side.beta, this.places(this.state.point)[this.sides.indexOf(side)], imageOf(this.state.point)));
  }
}

const duels = new WeakMap();

/** Called by Streamlit at first and whenever the theme changes; returns the clean-up. */
export default function ({ data, parentElement }) {
  const { to } = unpack(data);
  let duel = duels.get(parentElement);
  if (duel) duel.restyle();
  else duels.set(parentElement, (duel = new Duel(parentElement, to)));
  return () => {
    duel.destroy();
    duels.delete(parentElement);
  };
}
