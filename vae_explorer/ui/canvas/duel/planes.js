// What lies below and above the codes of both maps: circles, a field in one scale, classes, outlines, dots and lines.

import { minus } from "../panel.js";
import { contextOf } from "../scatter/canvas.js";
import { ClassContours } from "../scatter/contours.js";
import { CLASS } from "./controls.js";
import { GAMMA } from "./duel_side.js";
import { badness } from "./field_values.js";
import { gapWords } from "./gap_words.js";

/** @import { PlotLayers } from "../scatter/layers.js" */
/** @import { Duel } from "./duel.js" */
/** @import { DuelSide } from "./duel_side.js" */

const BLUR = 0.02; // of the map: the blur of the densities that the classes' outlines are drawn from
const AROUND = 1.35; // times half of what is seen on the shorter side: where they are drawn
const RADII = [1, 2, 3]; // of the circles of N(0, I)

export class Planes {
  /** @param {Duel} duel */
  constructor(duel) {
    this.duel = duel;
    /** @type {unknown[][]} */
    this.from = duel.sides.map(() => []); // what they are drawn from
    this.outlines = duel.sides.map(() => new ClassContours());
  }

  /** Draws what lies below and above the codes: circles, the field in one scale on both sides or the classes, and the classes' outlines. */
  draw() {
    const { field } = this.duel.state;
    this.duel.sides.forEach((side) => side.field && side.field.field !== field && side.setField(null));
    const ranges = field && field !== CLASS ? this.ranges(field) : null;
    const places = this.duel.places(this.duel.state.point);
    this.duel.sides.forEach((side, k) => {
      if (this.isNew(k, [field, String(ranges), side.beta, side.field, side.near, side.classed, side.plot.view, side.plot.hidden, this.duel.style.text])) {
        side.plot.setLayers(this.plane(side, k, ranges));
        this.drawScale(side, ranges);
      }
      side.plot.setLayers(this.marksOn(k, places[k]));
    });
  }

  /** Whether any of what a side's plane is drawn from has changed: most clicks leave it as it is. @param {number} k @param {unknown[]} from */
  isNew(k, from) {
    const before = this.from[k];
    this.from[k] = from;
    return from.some((each, i) => each !== before[i]);
  }

  /**
   * Circles, field and outlines of a side, where the codes are now.
   * @param {DuelSide} side @param {number} k @param {?number[]} ranges
   * @returns {Pick<PlotLayers, "circles" | "underlays" | "contours" | "words">}
   */
  plane(side, k, ranges) {
    const { field } = this.duel.state;
    const { plot, world } = side;
    const circles = world.latent > 1 ? RADII.map((radius) => ({ x: 0, y: 0, radius, label: `${radius}\u03c3` })) : [];
    const classes = field === CLASS ? side.classed?.paint(plot, world.colours, this.duel.style.text) : undefined;
    const underlays = ranges && field ? side.fieldLayers(this.duel.style.text, this.duel.fields[field].better, ranges) : classes ? [classes.underlay] : [];
    const { x, y, half } = plot.view.half < plot.home.half ? plot.view : plot.home;
    const reach = AROUND * half;
    const extent = [x - reach, x + reach, y - reach, y + reach];
    const width = BLUR * this.outlines[k].density.side;
    const contours = classes?.contours ?? (underlays.length ? this.outlines[k].update(plot.xy, plot.labels, plot.hidden, extent, width, world.colours) : []);
    return { circles, underlays, contours, words: ranges && field ? this.words(side, field, ranges) : [] };
  }

  /** The word for what the ink shows, on its largest stretches. @param {DuelSide} side @param {string} field @param {number[]} range */
  words(side, field, [low, high]) {
    const { drawn, plot } = side;
    return drawn
      ? gapWords(badness(drawn, this.duel.fields[field].better, low, high), drawn.side, drawn.extent, high - low, plot, this.duel.fields[field].gap)
      : [];
  }

  /** Dots and lines on a side's map, as its tab has them. @param {number} k @param {number[]} place */
  marksOn(k, place) {
    const { tab } = this.duel.state;
    if (tab === "class") return this.duel.classes.layers(k, place);
    const { dots, lines } = this.duel.pictures.layers[k];
    const spots = this.duel.spots[k].layers;
    return { dots: [...dots, ...spots.dots], lines: [...lines, ...spots.lines] };
  }

  /** The range of a field that both sides share, once both have it. @param {string} field */
  ranges(field) {
    const found = this.duel.sides.flatMap((side) => (side.drawn ? [side.fieldRange(side.drawn, this.duel.fields[field].better)] : []));
    if (found.length < this.duel.sides.length) return null;
    return [Math.min(...found.map(([low]) => low)), Math.max(...found.map(([, high]) => high))];
  }

  /** Ink, from the good end to the bad one, with its figures and unit. @param {DuelSide} side @param {?number[]} range */
  drawScale(side, range) {
    const scale = this.duel.find(`.half.${side.name} .scale`);
    scale.hidden = !range || !this.duel.state.field;
    if (!range || !this.duel.state.field) return;
    const { better, unit } = this.duel.fields[this.duel.state.field];
    const [good, bad] = better === "lower" ? range : [range[1], range[0]];
    const none = Math.abs(good) < 0.01 * Math.abs(bad) ? 0 : good;
    const first = minus(String(Number(none.toPrecision(2))));
    const words = minus(`${Number(bad.toPrecision(2))}${better === "lower" ? " and more" : " and less"} ${unit}`);
    const [start, end] = scale.querySelectorAll("span");
    if (end.textContent === words && start.textContent === first) return;
    [start.textContent, end.textContent] = [first, words];
    paintRamp(/** @type {HTMLCanvasElement} */ (scale.querySelector("canvas")), this.duel.style.text);
  }
}

/** The inks of the scale, none to all, as the field is painted. @param {HTMLCanvasElement} canvas @param {string} ink */
function paintRamp(canvas, ink) {
  const context = contextOf(canvas);
  context.clearRect(0, 0, canvas.width, 1);
  context.fillStyle = ink;
  for (let x = 0; x < canvas.width; x++) {
    context.globalAlpha = ((x + 0.5) / canvas.width) ** GAMMA;
    context.fillRect(x, 0, 1, 1);
  }
}
