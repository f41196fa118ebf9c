// Draws and walks of both sides: laid on the maps, and as pictures below them.

import { ContactSheet } from "../contact_sheet.js";
import { element } from "../dom.js";
import { pngUrl } from "../panel.js";
import { pathThrough } from "../paths.js";

/** @import { Levels } from "../decoder.js" */
/** @import { PlotLayers } from "../scatter/layers.js" */
/** @import { Duel } from "./duel.js" */

export const SHEET = 8; // pictures a side of the sampled sheet
const WALK_FRAMES = 12;
const PICTURES_A_TURN = 6; // decoded in one frame of the screen
/** @type {Marks} */
const NOTHING = { dots: [], lines: [] };

/** What a map draws of a side's draws or walk. @typedef {Pick<PlotLayers, "dots" | "lines">} Marks */

export class Pictures {
  /** @param {Duel} duel */
  constructor(duel) {
    this.duel = duel;
    this.sheets = duel.sides.map(({ name: side }) => new ContactSheet(duel.find(`.sample canvas.${side}`, HTMLCanvasElement), SHEET, PICTURES_A_TURN));
    this.layers = duel.sides.map(() => NOTHING);
    this.walks = duel.sides.map(({ name: side }) => new ContactSheet(duel.find(`.walk.${side}`, HTMLCanvasElement), WALK_FRAMES, PICTURES_A_TURN));
  }

  /** Lays draws and walks anew, where the codes are now. */
  lay() {
    const { state, sides } = this.duel;
    this.layers = sides.map((side, k) => {
      const { shape } = side.world;
      if (state.tab === "sample") {
        const points = side.draws(this.rows, state.spaces[k]);
        this.sheets[k].set(points, shape, side.beta);
        if (side.flat) this.sheets[k].showWhole(this.fromPython(k));
        return { dots: points.map(([x, y = 0]) => ({ x, y })), lines: [] };
      }
      if (state.tab !== "path") return NOTHING;
      const ends = state.ends.map((index) => side.code(index));
      const walk = pathThrough(ends, "straight", WALK_FRAMES - 1);
      this.walks[k].set(walk, shape, [side.beta, Boolean(this.duel.judge)]);
      if (side.flat) this.walks[k].showWhole(this.fromPython(k));
      const lines = [{ points: walk.map(([x, y = 0]) => [x, y]) }];
      return { lines, dots: ends.map(([x, y = 0], i) => ({ x, y, text: "AB"[i] })) };
    });
  }

  /** Decodes one picture of a side, and says below a walk what it is read as. @param {number} k @param {number[]} z @param {Levels} grey @param {number} which */
  decode(k, z, grey, which) {
    const { sides, judge, state } = this.duel;
    sides[k].decode(z, grey);
    if (state.tab !== "path" || !judge) return;
    const { names, colours } = sides[k].world;
    const list = this.duel.find(`.labels.${sides[k].name}`);
    while (list.children.length < WALK_FRAMES) list.append(element("li"));
    const { label, confidence } = judge.judge(grey);
    const item = /** @type {HTMLElement} */ (list.children[which]);
    item.textContent = names[label];
    item.title = `${names[label]}, ${(100 * confidence).toFixed(0)} %`;
    item.setAttribute("aria-label", item.title);
    item.style.setProperty("--class", colours[label]);
    item.style.setProperty("--share", confidence.toFixed(3));
  }

  /** PyTorch's picture of a side's draws or walk, once its answer is about them. @param {number} k */
  fromPython(k) {
    const { asked, sides } = this.duel.answer;
    const { state, weight } = this.duel;
    const same =
      asked.tab === state.tab && asked.seed === state.seed && String(asked.spaces) === String(state.spaces) && String(asked.ends) === String(state.ends);
    const { pictures } = sides[k];
    return same && asked.beta === weight.beta && pictures !== null ? pngUrl(pictures) : null;
  }

  /** The standard normal numbers, one row a draw. */
  get rows() {
    const axes = this.duel.noise.length / SHEET ** 2;
    return Array.from({ length: SHEET ** 2 }, (_, k) => this.duel.noise.subarray(k * axes, (k + 1) * axes));
  }
}
