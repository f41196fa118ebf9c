// The latent map: joins the scatter plot, the decoder, the KL weight and the panel beside them.

import { AxisBars } from "./charts.js";
import { Conversation } from "./conversation.js";
import { finder } from "./dom.js";
import { Drawing } from "./drawing/drawing.js";
import { greet } from "./hint.js";
import { Ladder } from "./ladder.js";
import { Legend, Switches } from "./legend.js";
import { Layers } from "./map_layers.js";
import { gaussianRate } from "./normal.js";
import { minus, Panel, roomFor, tupleText } from "./panel.js";
import { Picking } from "./picking.js";
import { Pinboard } from "./pinboard.js";
import { decoderOf, dress, showTabs, styleOf } from "./plots.js";
import { imageOf, samePoint } from "./point.js";
import { savePortrait } from "./portrait/portrait.js";
import { PosteriorTab } from "./posterior.js";
import { RateDistortion } from "./rate_distortion.js";
import { Sampling } from "./sampling.js";
import { Scatter } from "./scatter/scatter.js";
import { imageWords, Tints } from "./tints.js";
import { Weight } from "./weight.js";
import { mailbox, unpack } from "./wire.js";

const TABS = { curve: "Rate and distortion", posterior: "Posterior", path: "Path", compare: "Two pins", draw: "Draw" };

/** @import { Answer, Start } from "./conversation.js" */
/** @import { Decoder } from "./decoder.js" */
/** @import { DrawingMessage } from "./drawing/drawing.js" */
/** @import { AtlasMessage, MagnificationMessage } from "./map_layers.js" */
/** @import { Words } from "./panel.js" */
/** @import { World } from "./plots.js" */
/** @import { Point } from "./point.js" */
/** @import { CurveMessage } from "./rate_distortion.js" */
/** @import { PlotLayers } from "./scatter/layers.js" */
/** @import { Addressed, Mailbox, StreamlitComponent } from "./wire.js" */

/** What the map is sent by couriers. @typedef {Answer | CurveMessage | DrawingMessage | AtlasMessage | MagnificationMessage} MapMessage */

export class LatentMap {
  /** @param {ParentNode} root @param {string} name */
  constructor(root, name) {
    this.find = finder(root);
    /** @type {Mailbox<MapMessage>} */
    this.box = mailbox(name);
    /** @type {((message: MapMessage) => void) | null} */
    this.reader = null;
    /** @type {?number[]} */
    this.window = null; // x, y, half of what is seen, once it is not all
    /** @type {?Point} */
    this.pointer = null; // the point under the mouse, or that a walk has come to
    this.begun = this.stale = this.looking = false;
    this.due = 0; // the animation frame that is
    this.tab = "";
    this.version = ""; // of the world
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.plot = new Scatter(this.find(".plot canvas", HTMLCanvasElement), {
      hover: (place) => this.picking.point(place),
      click: (place) => this.picking.click(place),
      view: (view) => ((this.window = [view.x, view.y, view.half].map((v) => Number(v.toPrecision(5)))), this.talk.later()),
      key: (event) => this.picking.key(event),
      frame: () => this.frame(),
    });
    this.panel = new Panel(this.find);
    this.weight = new Weight(this.find, signal, { move: () => this.moved(), settle: () => this.talk.tell() });
    this.legend = new Legend(this.find(".legend"), () => (this.recolour(), this.talk.later()));
    this.tints = new Tints(this.find(".tint"), () => (this.tint(), this.talk.tell()));
    this.switches = new Switches(this.find(".layers"), () => (this.moved(), this.talk.tell()));
    this.curve = new RateDistortion(this.find(".tab.curve"), (beta) => this.weight.set(beta));
    this.bars = new AxisBars(this.find(".tab.posterior"));
    this.posterior = new PosteriorTab(this.find(".tab.posterior"), {
      mean: () => this.sampling.walk(null),
      sample: () => this.sampling.walk(this.sampling.draw()),
    });
    this.board = new Pinboard(this);
    this.layers = new Layers(this.plot);
    this.drawing = new Drawing(this.find(".tab.draw"), this.box, signal, {
      sides: () => [this],
      ready: () => this.begun,
      beta: () => this.beta,
      open: () => this.tab === "draw" || (this.openTab("draw"), this.talk.tell()),
    });
    this.talk = new Conversation(this);
    this.sampling = new Sampling(this);
    this.picking = new Picking(this);
    greet(this.find(".hint"), signal);
    addEventListener("resize", () => this.restyle(), { signal }); // the type's size follows the window's
  }

  destroy() {
    if (this.box.read === this.reader) this.box.read = this.box.save = null;
    this.abort.abort();
    this.plot.destroy();
    this.talk.close();
    this.sampling.stop();
    this.curve.destroy();
  }

  // To and from Python ----------------------------------------------------------------------

  /** Takes the world; the same bytes again only mean another theme. @param {World} world */
  update(world) {
    this.restyle();
    if (world.version === this.version) return;
    this.version = world.version;
    /** @type {World} */
    this.world = world;
    this.begun = false;
    /** @type {Ladder} */
    this.ladder = new Ladder(world);
    /** @type {Decoder} */
    this.decoder = decoderOf(world);
    /** @type {Uint8ClampedArray} */
    this.grey = roomFor(world.shape);
    this.layers.setWorld(world);
    this.box.save = (kind, words) => savePortrait(this.plot, this.legend, kind, words);
    this.box.read = this.reader = (message) => this.read(message);
    for (const message of this.box.messages.values()) this.read(message);
  }

  /** @param {MapMessage} message */
  read(message) {
    if (message.kind === "answer") this.hear(message);
    else if (message.kind === "curve") {
      this.curve.set(message.curve);
      this.bars.set(message.curve);
      this.moved();
    } else if (message.kind === "drawing") this.drawing.hear(message);
    else this.layers.take(message).then(() => this.moved());
  }

  /** @param {Answer} answer */
  hear(answer) {
    if (!this.begun) this.begin(answer.start);
    if (!answer.said) return this.talk.answered || this.talk.ask(); // it was told that all of this is here, and is new since
    this.board.setPictures(answer.pins, answer.said.beta);
    this.talk.take(answer.said);
  }

  /** The state that the link, or a newly chosen model, begins with. @param {Start} start */
  begin({ point, column, hidden, marks, layers, window: seen, beta, pins, other, path, tab }) {
    const { world } = this;
    this.begun = true;
    /** @type {Point} */
    this.pin = point;
    this.window = seen;
    dress(this.plot, world);
    if (seen) this.plot.setView({ x: seen[0], y: seen[1], half: seen[2] }, true);
    this.weight.build(world.beta_range, beta);
    this.picking.field.build(world.labels.length, imageOf(point));
    this.legend.build(world, hidden, marks);
    this.tints.build(world, column);
    this.tint();
    this.switches.build(world.switches, layers);
    this.board.set(pins, other, path);
    this.openTab(tab);
    this.recolour();
    this.frame();
  }

  restyle() {
    const style = styleOf(this.find(".map"));
    this.plot.set({ style });
    this.layers.setInk(style.text);
    if (!this.begun) return;
    this.tint();
    this.moved();
  }

  /** Colours the points by numbers, or pale where they are not of the test part; else by their classes alone. */
  tint() {
    this.plot.set({ tints: this.tints.colours(this.plot.style.background) });
  }

  // What is seen ----------------------------------------------------------------------------

  get beta() {
    return this.weight.beta;
  }

  /** All codes have to move with the next frame. */
  moved() {
    this.stale = true;
    this.look();
  }

  /** The image has to change with the next frame. */
  look() {
    this.looking = true;
    this.due ||= requestAnimationFrame(() => {
      this.due = 0;
      this.frame();
    });
  }

  /** All that changes, once a frame of the screen. */
  frame() {
    if (!this.begun) return;
    if (this.stale || !this.plot.xy.length) this.move();
    if (this.looking) this.showPoint();
    if (this.board.develop()) this.look();
  }

  move() {
    this.stale = false;
    const { ladder, plot } = this;
    ladder.climb(this.beta);
    plot.set({ xy: ladder.xy, spread: this.switches.on.has("posteriors") ? ladder.spreads(this.beta) : null });
    this.layers.show(this.switches.on, this.beta);
    this.curve.at(this.beta ?? this.world.rungs[0]);
    this.bars.at(this.beta ?? this.world.rungs[0]);
    this.showPin();
    this.board.show();
    this.drawing.show();
    plot.draw();
  }

  recolour() {
    this.plot.set(this.legend.look);
    this.moved();
  }

  /** Returns the coordinates of a point at the KL weight of now. @param {Point} point */
  latentPoint(point) {
    if (point.z) return point.z;
    const { image, noise } = point;
    const { mean, std } = this.ladder.posterior(image, this.beta);
    return noise ? mean.map((value, k) => value + std[k] * noise[k]) : mean;
  }

  showPoint() {
    this.looking = false;
    const point = this.pointer ?? this.pin;
    if (this.talk.answered && samePoint(point, this.pin)) return this.panel.rest();
    const { rough } = this.decoder;
    if (rough && this.talk.live.ready) {
      this.talk.sharpen(point);
      if (this.talk.quick) return; // the image itself is here before the next frame
    }
    const z = this.latentPoint(point);
    this.decoder.decode(z, this.beta, this.grey);
    const words = this.wordsFor(point, z);
    if (rough) words.note = point.z ? rough : `${words.note} \u00b7 ${rough}`;
    this.panel.draw(this.grey, this.world.shape, words, this.pointer !== null);
  }

  /** @param {Point} point @param {number[]} z @returns {Words} */
  wordsFor(point, z) {
    const text = `z = ${minus(tupleText(z))}`;
    if (point.z) return { text, note: this.pointer ? "under the pointer" : "" };
    const { names, colours, labels } = this.world;
    const label = labels[point.image];
    return { text: names[label], colour: colours[label], note: `${imageWords(this.world, point.image)} \u00b7 ${text}` };
  }

  /** Marker, ellipse of one sigma, draws, posterior's numbers: all of the pinned point. */
  showPin() {
    const { pin } = this;
    const said = this.talk.answer; // PyTorch's own, once it has answered
    const posterior = pin.z ? null : (said?.of ?? this.ladder.posterior(pin.image, this.beta));
    const z = said?.of ? said.z : this.latentPoint(pin);
    /** @type {Partial<PlotLayers>} */
    const layers = { marker: { x: z[0], y: z[1] ?? 0 }, ellipses: [], dots: [] };
    if (posterior?.std.some((value) => value > 0)) {
      const [mx, my = 0] = posterior.mean;
      const [sx, sy = 0] = posterior.std;
      layers.ellipses = [{ x: mx, y: my, rx: sx, ry: sy }];
      if (pin.noise) layers.dots = this.sampling.drawn.map(([a, b = 0]) => ({ x: mx + sx * a, y: my + sy * b }));
      if (!this.talk.answered) this.panel.showRate(gaussianRate(posterior));
    }
    if (this.tab === "path") layers.dots = this.board.dots;
    this.plot.setLayers(layers);
    this.posterior.show(posterior, pin.noise ?? null);
  }

  // Tabs ------------------------------------------------------------------------------------

  /** @param {string} tab */
  openTab(tab) {
    this.tab = tab;
    showTabs(this.find, TABS, tab, (name) => (this.openTab(name), this.talk.tell()));
    this.board.open(tab);
    this.moved();
  }
}

/** @type {WeakMap<Node, LatentMap>} */
const maps = new WeakMap();

/** Called by Streamlit at first and whenever the data or the theme changes; returns the clean-up. @param {StreamlitComponent} component */
export default function ({ data, parentElement }) {
  /** @type {World & Addressed} */
  const world = unpack(data);
  const map = maps.get(parentElement) ?? new LatentMap(parentElement, world.to);
  maps.set(parentElement, map);
  map.update(world);
  return () => {
    map.destroy();
    maps.delete(parentElement);
  };
}
