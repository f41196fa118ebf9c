// What the classifier says of the images of both sides, and the nearest point of another class.

import { element } from "../dom.js";
import { minus, paint, roomFor, tupleText } from "../panel.js";

/** @import { Judged } from "../judge.js" */
/** @import { Duel } from "./duel.js" */
/** @import { DuelSide } from "./duel_side.js" */

const TRIED = 6; // codes of another class from which the way back is walked
const SECTORS = 16; // directions in which a grid's nearest cell is tried
const NEARER = 0.98; // of the nearest way: what another one has to be, to be worth it
const TURNS = [0.4, 0.2, 0.1, 0.05, 0.025]; // by which the nearest one is turned about the point, radians
const HALVINGS = 12; // of a way, until the border is found
const BEYOND = 1.02; // of the way: past the border

/** Where another class begins: a latent point, what stands there, and how far off it is, in standard deviations of the codes. */
/** @typedef {{z: number[], said: Judged, away: number}} Other */

export class ClassTab {
  /** @param {Duel} duel */
  constructor(duel) {
    this.duel = duel;
    this.select = duel.find(".towards select", HTMLSelectElement);
    this.select.addEventListener("change", () => this.duel.change({ towards: this.select.value === "" ? null : Number(this.select.value) }));
    this.found = ""; // what all of it is for
    this.stale = false; // whether the words are of what was found before
    /** @type {(Judged | null)[]} */
    this.judged = [null, null];
    /** @type {(Other | null)[]} */
    this.others = [null, null];
  }

  /** Fills the list of classes. */
  build() {
    const { names } = this.duel.sides[0].world;
    const options = ["", ...names.keys()].map((k) => {
      const option = element("option");
      return Object.assign(option, { value: String(k), textContent: k === "" ? "any other class" : names[Number(k)] });
    });
    this.select.replaceChildren(...options);
  }

  /** Finds what is said of the point that is chosen; the search for another class waits until the KL weight rests. */
  seek() {
    const { duel } = this;
    const { judge, state, answered } = duel;
    if (state.tab !== "class") return;
    const places = duel.places(state.point);
    const found = JSON.stringify([
      answered,
      places,
      state.towards,
      Boolean(judge),
      duel.sides.map(({ beta, territory, nearby }) => [beta, Boolean(territory), Boolean(nearby)]),
    ]);
    if (found === this.found) return;
    this.found = found;
    this.stale = true;
    this.judged = duel.sides.map((side, k) => (judge ? this.said(side, places[k]) : null));
    this.others = duel.sides.map((side, k) => (this.judged[k] && answered ? this.other(side, places[k], this.judged[k].label) : null));
  }

  /** Words and pictures of it. */
  show() {
    const { duel } = this;
    const { names } = duel.sides[0].world;
    if (!this.stale) return;
    this.stale = false;
    duel.find(".towards").hidden = !duel.judge || !duel.classed; // nothing is searched
    this.select.value = duel.state.towards === null ? "" : String(duel.state.towards);
    duel.find(".tab.class p").textContent = `${this.fidelityWords} The nearest point is searched on a grid: a smaller region may be missed.`;
    for (const [k, side] of duel.sides.entries()) {
      const said = this.judged[k];
      duel.find(`.judged .${side.name}`).textContent = said
        ? `Read as ${names[said.label]}, ${percent(said.confidence)}`
        : duel.unjudged || "The classifier is on its way\u2026";
      this.showOther(side, this.others[k], said !== null && said.label === duel.state.towards);
    }
  }

  /** How often the classifier says the same of an image and of its reconstruction, on both sides, in words. */
  get fidelityWords() {
    const shares = this.duel.sides.map(({ world }, k) => {
      const score = this.duel.table.score(k, "fidelity", this.duel.weight.beta);
      return score ? `${(100 * score.value).toFixed(1)} % (${world.model})` : "";
    });
    return shares.every(Boolean) ? `Of a test image and of its reconstruction the classifier says the same for ${shares.join(" and ")}.` : "";
  }

  /** @param {DuelSide} side @param {Other | null} other @param {boolean} already whether the point is read as what is sought */
  showOther(side, other, already) {
    const { duel } = this;
    const { names } = duel.sides[0].world;
    const canvas = duel.find(`.others .${side.name} canvas`, HTMLCanvasElement);
    const caption = duel.find(`.others .${side.name} figcaption`);
    canvas.hidden = !other;
    caption.textContent =
      side.unclassed || (already ? "It is read as one already." : duel.answered && side.territory ? "No point of it was found on the map." : "");
    if (!other) return;
    const grey = roomFor(side.world.shape);
    side.decode(other.z, grey);
    paint(canvas, grey, side.world.shape);
    canvas.setAttribute("aria-label", `Nearest ${names[other.said.label]}, ${side.name}`);
    caption.textContent = `${names[other.said.label]}, ${percent(other.said.confidence)}: ${other.away.toFixed(2)} std away, z = ${minus(tupleText(other.z))}`;
  }

  /** What the classifier says of a decoded point. @param {DuelSide} side @param {number[]} z */
  said(side, z) {
    const grey = roomFor(side.world.shape);
    side.decode(z, grey);
    return /** @type {import("../judge.js").Judge} */ (this.duel.judge).judge(grey);
  }

  /**
   * The nearest point of another class: of the grids' cells, in each direction, and of the codes; brought back to the border, and turned
   * about the point as long as that brings it nearer. A region that holds none of them may be missed.
   * @param {DuelSide} side @param {number[]} z @param {number} label @returns {Other | null}
   */
  other(side, z, label) {
    const { towards } = this.duel.state;
    const unit = [0, 1].map((k) => side.std[k] || 1);
    if (!side.territory || towards === label) return null;
    /** @param {number[]} place */
    const is = (place) => {
      const said = this.said(side, place);
      return towards === null ? said.label !== label : said.label === towards;
    };
    const grids = [side.territory, side.nearby].flatMap((grid) => (grid ? firstOfSectors(grid.others(z, label, towards, Infinity, unit), z, unit) : []));
    const places = [...grids, ...side.codesOf(z, label, towards, TRIED, unit)].map((place) => z.map((value, k) => place[k] ?? value));
    /** @type {?number[]} */
    let best = null;
    for (const place of places.sort((a, b) => distance(z, a, unit) - distance(z, b, unit))) {
      const nearer = best ? nearerOn(z, place, distance(z, best, unit), unit) : place;
      if (is(nearer)) best = border(z, nearer, is);
    }
    if (!best) return null;
    for (const turn of TURNS)
      for (const way of [-turn, turn]) {
        const turned = turnedAbout(z, best, way, unit);
        if (is(turned)) best = border(z, turned, is);
      }
    const past = z.map((value, k) => value + BEYOND * (best[k] - value));
    const at = is(past) ? past : best;
    return { z: at, said: this.said(side, at), away: distance(z, at, unit) };
  }

  /** What a map draws of it: the way to the other class. @param {number} k @param {number[]} from */
  layers(k, from) {
    const other = this.others[k];
    if (!other) return { dots: [], lines: [] };
    const [x, y = 0] = other.z;
    return {
      lines: [
        {
          points: [
            [from[0], from[1] ?? 0],
            [x, y],
          ],
        },
      ],
      dots: [{ x, y, text: this.duel.sides[0].world.names[other.said.label].slice(0, 2) }],
    };
  }
}

/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(0)} %`;

/** On the two axes of the map, in units of each. @param {number[]} a @param {number[]} b @param {number[]} unit */
const distance = (a, b, unit) => Math.hypot(...unit.map((std, k) => ((b[k] ?? 0) - (a[k] ?? 0)) / std));

/** Of places, the nearest come first: the first in each direction about a point. @param {number[][]} places @param {number[]} z @param {number[]} unit */
function firstOfSectors(places, [x, y = 0], unit) {
  const found = new Map();
  for (const place of places) {
    const angle = Math.atan2((place[1] - y) / unit[1], (place[0] - x) / unit[0]);
    const sector = Math.floor((angle / Math.PI + 1) * (SECTORS / 2));
    if (!found.has(sector)) found.set(sector, place);
    if (found.size > SECTORS) break;
  }
  return [...found.values()];
}

/** A place on the way to another, so far off, or the other where that is nearer. @param {number[]} z @param {number[]} place @param {number} away @param {number[]} unit */
function nearerOn(z, place, away, unit) {
  const share = Math.min(1, (NEARER * away) / (distance(z, place, unit) || 1));
  return z.map((value, k) => value + share * (place[k] - value));
}

/** A place turned about another by an angle, a little nearer to it. @param {number[]} z @param {number[]} place @param {number} angle @param {number[]} unit */
function turnedAbout(z, place, angle, unit) {
  const [u, v] = unit.map((std, k) => ((place[k] ?? 0) - (z[k] ?? 0)) / std);
  const turned = [u * Math.cos(angle) - v * Math.sin(angle), u * Math.sin(angle) + v * Math.cos(angle)];
  return z.map((value, k) => (k < 2 ? value + NEARER * turned[k] * unit[k] : place[k]));
}

/**
 * The last place on the way back from one to a point that is still what it is.
 * @param {number[]} z @param {number[]} place @param {(place: number[]) => boolean} is
 */
function border(z, place, is) {
  /** @param {number} share */
  const at = (share) => z.map((value, k) => value + share * (place[k] - value));
  let [low, high] = [0, 1];
  for (let k = 0; k < HALVINGS; k++) {
    const middle = (low + high) / 2;
    if (is(at(middle))) high = middle;
    else low = middle;
  }
  return at(high);
}
