// The worst spots of a side: numbered buttons over its map, each with what both decoders make of it, and a line to where it lies.

import { element, replace } from "../dom.js";
import { minus, paint, roomFor, tupleText } from "../panel.js";

/** @import { PlotLayers } from "../scatter/layers.js" */
/** @import { Duel } from "./duel.js" */
/** @import { DuelSide } from "./duel_side.js" */

const ON_TABS = ["sample", "gaps"]; // that they are shown on
const SAME = 1e-3; // latent units: a link rounds
const SHOWN = 3; // buttons at once; the key leads on to the others

export class Spots {
  /** @param {Duel} duel @param {DuelSide} side */
  constructor(duel, side) {
    this.duel = duel;
    this.side = side;
    this.host = duel.find(`.half.${side.name} .spots`);
    this.made = ""; // what the buttons are for
    /** @type {HTMLButtonElement[]} */
    this.buttons = [];
  }

  /** The spots of the field that is shown, worst first: places on all axes of the side's model. */
  get all() {
    const { field, tab } = this.duel.state;
    const found = ON_TABS.includes(tab) && field !== null ? this.side.field : null;
    return found && found.field === field ? (found.spots ?? []) : [];
  }

  /** Which of them are shown: the first ones, or those around the one that was chosen. */
  get from() {
    const { spot } = this.duel.state;
    const chosen = spot?.[0] === this.side.name ? spot[1] : 1;
    return Math.max(0, Math.min(chosen - 1, this.all.length - SHOWN));
  }

  /** Makes a button a spot anew, where spots or decoders have changed. */
  lay() {
    const { beta } = this.side;
    const { all, from } = this;
    const other = this.duel.other(this.side);
    this.follow();
    const made = JSON.stringify([all, from, beta, other.beta, this.duel.state.spot]);
    if (made === this.made || (!this.duel.answered && this.buttons.length && all.length)) return; // while the weight moves, they rest
    this.made = made;
    this.buttons = all.slice(from, from + SHOWN).map(({ z, value }, k) => this.button(from + k + 1, z, value));
    const heading = element("span");
    heading.textContent = this.buttons.length ? "worst draws" : "";
    replace(this.host, [heading, ...this.buttons]);
  }

  /** A link may name a spot alone: it is gone to. Where the point is another one, no spot is chosen. */
  follow() {
    const { state } = this.duel;
    if (state.spot?.[0] !== this.side.name || !this.all.length) return;
    const spot = this.all[state.spot[1] - 1];
    if (spot && !state.point.z) this.duel.change({ point: { side: this.side.name, z: spot.z } });
    else if (!spot || state.point.side !== this.side.name || spot.z.some((value, k) => Math.abs(value - (state.point.z?.[k] ?? 0)) > SAME)) state.spot = null;
  }

  /** @param {number} number @param {number[]} z @param {number} value */
  button(number, z, value) {
    const { state, fields } = this.duel;
    const button = element("button");
    button.type = "button";
    button.setAttribute("aria-label", `Worst spot ${number}, ${this.side.name}`);
    const chosen = state.spot?.[0] === this.side.name && state.spot[1] === number;
    button.setAttribute("aria-pressed", String(chosen));
    const unit = state.field === null ? "" : fields[state.field].unit;
    button.title = `z = ${minus(tupleText(z))}: ${minus(value.toPrecision(3))} ${unit}. Beside it, what the other model makes of the matching place.`;
    const places = this.duel.places({ side: this.side.name, z });
    const pictures = this.duel.sides.map((side, k) => {
      const canvas = element("canvas", side.name);
      const grey = roomFor(side.world.shape);
      side.decode(places[k], grey);
      paint(canvas, grey, side.world.shape);
      return canvas;
    });
    const own = this.duel.sides.indexOf(this.side);
    const figure = element("b");
    figure.append(String(number), Object.assign(element("small"), { textContent: minus(String(Number(value.toPrecision(2)))) }));
    button.append(figure, pictures[own], pictures[1 - own]);
    button.addEventListener("click", () => this.choose(number));
    return button;
  }

  /** @param {number} number from 1 */
  choose(number) {
    const spot = this.all[number - 1];
    if (spot) this.duel.picking.goToSpot(this.side.name, number, spot.z);
  }

  /** The next worst one; after the last, the first. */
  next() {
    const { spot } = this.duel.state;
    const last = spot?.[0] === this.side.name ? spot[1] : 0;
    this.choose(last < this.all.length ? last + 1 : 1);
  }

  /** What the map draws of them: a numbered dot each, and a line to its button. @returns {Required<Pick<PlotLayers, "dots" | "lines">>} */
  get layers() {
    const { plot } = this.side;
    const box = plot.canvas.getBoundingClientRect();
    const dots = [];
    const lines = [];
    for (const [k, button] of this.buttons.entries()) {
      const [x, y = 0] = this.all[this.from + k]?.z ?? [];
      if (x === undefined) continue;
      const at = button.getBoundingClientRect();
      if (!at.width) continue; // no room for it
      const end = plot.toData({ x: at.x + at.width / 2 - box.x, y: at.bottom - box.y });
      lines.push({
        points: [
          [x, y],
          [end.x, end.y],
        ],
        thin: true,
      });
      dots.push({ x, y, text: String(this.from + k + 1) });
    }
    return { dots, lines };
  }
}
