// Draws and walks of both sides: laid on the maps, and as pictures below them.

import { ContactSheet } from "../contact_sheet.js";
import { pngUrl } from "../panel.js";
import { pathThrough } from "../paths.js";

/** @import { PlotLayers } from "../scatter/layers.js" */
/** @import { Duel } from "./duel.js" */

export const SHEET = 8; // pictures a side of the sampled sheet
const WALK_FRAMES = 12;
const PICTURES_A_TURN = 6; // decoded in one frame of the screen

export class Pictures {
  /** @param {Duel} duel */
  constructor(duel) {
    this.duel = duel;
    this.sheets = duel.sides.map(({ name: side }) => new ContactSheet(duel.find(`.sample canvas.${side}`, HTMLCanvasElement), SHEET, PICTURES_A_TURN));
    this.walks = duel.sides.map(({ name: side }) => new ContactSheet(duel.find(`.walk.${side}`, HTMLCanvasElement), WALK_FRAMES, PICTURES_A_TURN));
  }

  /** Lays draws and walks anew, where the codes are now. */
  lay() {
    const { state, sides } = this.duel;
    sides.forEach((side, k) => {
      const { shape } = side.world;
      /** @type {Partial<PlotLayers>} */
      const layers = { dots: [], lines: [] };
      if (state.tab === "sample") {
        const points = side.draws(this.rows, state.spaces[k]);
        layers.dots = points.map(([x, y = 0]) => ({ x, y }));
        this.sheets[k].set(points, shape);
        if (side.flat) this.sheets[k].showWhole(this.fromPython(k));
      } else if (state.tab === "path") {
        const ends = state.ends.map((index) => side.code(index));
        const walk = pathThrough(ends, "straight", WALK_FRAMES - 1);
        layers.lines = [{ points: walk.map(([x, y = 0]) => [x, y]) }];
        layers.dots = ends.map(([x, y = 0], i) => ({ x, y, text: "AB"[i] }));
        this.walks[k].set(walk, shape);
        if (side.flat) this.walks[k].showWhole(this.fromPython(k));
      }
      side.plot.setLayers(layers);
    });
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
