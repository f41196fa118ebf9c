// Test images by how loose their bound is, and what is missing on average.

import { element, newButton } from "../../dom.js";
import { paint, roomFor } from "../../panel.js";

/** @import { Mark } from "../marks.js" */
/** @import { Stage } from "../stage.js" */
/** @import { PartAnswer } from "../talk.js" */

/** @typedef {PartAnswer & {image: number, number: number, of: number, counts: number[], gaps: number[], about: number[], pixels: Uint8Array}} Scanned */

const RANKED_AT = 64; // draws
const RANKS_SHOWN = 12;

/** Mean and standard error. @param {number[]} values */
export function meanOf(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return { mean, error: Math.sqrt(variance / values.length) };
}

export class Ranking {
  /** @param {Stage} stage @param {() => void} changed told when the average is to be drawn anew */
  constructor(stage, changed) {
    this.stage = stage;
    this.changed = changed;
    this.scanning = false;
    /** @type {Scanned[]} */
    this.scanned = [];
    this.averaged = false;
    this.host = element("div", "ranking");
    this.host.dataset.answer = "";
    this.rank = newButton("", () => this.scan());
    this.rank.className = "action";
    this.mean = newButton("Average", () => {
      this.averaged = !this.averaged;
      this.list();
      changed();
    });
    this.mean.className = "toggle";
    this.said = element("span");
    const head = element("div", "switches");
    head.append(this.rank, this.mean, this.said);
    this.row = element("div", "row");
    this.host.append(head, this.row);
    this.list();
  }

  /** Begins anew: KL weight or draws are others. */
  forget() {
    this.scanning = false;
    this.scanned = [];
    this.averaged = false;
    this.list();
  }

  /** What the answers depend on. */
  get about() {
    return `${this.stage.beta} ${this.stage.state.seed}`;
  }

  /** What is missing on average, with its error, against k. */
  marks() {
    const { counts } = this.scanned[0];
    const each = counts.map((k, at) => {
      return { k, ...meanOf(this.scanned.map(({ gaps }) => gaps[at])) };
    });
    /** @type {Mark[]} */
    const marks = [
      { mark: "band", term: "bound", low: each.map(({ k, mean, error }) => [k, mean - error]), high: each.map(({ k, mean, error }) => [k, mean + error]) },
      { mark: "line", term: "bound", points: each.map(({ k, mean }) => [k, mean]) },
      { mark: "rule", term: "logpx", y: 0, text: "log P(X)", width: 1.5 },
    ];
    return marks;
  }

  async scan() {
    if (this.scanning) {
      this.scanning = false;
      return;
    }
    this.scanning = true;
    const begun = this.about;
    while (this.scanning && this.stage.screen) {
      if (this.scanned.length && this.scanned.length >= this.scanned[0].of) break;
      this.list();
      const said = /** @type {?Scanned} */ (await this.stage.ask("scan", { number: this.scanned.length }));
      if (this.about !== begun) break;
      if (said === null) break;
      if (said && said.number === this.scanned.length) this.scanned.push(said);
      if (this.averaged) this.changed();
    }
    this.scanning = false;
    if (this.stage.screen) this.list();
  }

  list() {
    const { rank, mean, said, row, scanned, scanning } = this;
    rank.textContent = scanning ? "Stop" : scanned.length ? "Go on" : "Rank test images";
    const of = scanned[0]?.of ?? 0;
    rank.hidden = of > 0 && scanned.length >= of;
    mean.hidden = scanned.length < 2;
    mean.setAttribute("aria-pressed", String(this.averaged));
    said.textContent = scanned.length
      ? `The loosest at k = ${RANKED_AT}, of ${scanned.length}${scanned.length < of ? ` of ${of}` : ""} test images: nats missing`
      : "by how much is missing with 64 draws";
    const at = scanned[0]?.counts.indexOf(RANKED_AT) ?? 0;
    const order = [...scanned].sort((a, b) => b.gaps[at] - a.gaps[at]).slice(0, RANKS_SHOWN);
    row.replaceChildren(...order.map((each) => this.entry(each, each.gaps[at])));
  }

  /** @param {Scanned} each @param {number} gap */
  entry({ image, pixels }, gap) {
    const { stage } = this;
    const button = newButton("", () => stage.set({ image }));
    const canvas = element("canvas");
    const room = roomFor(stage.world.shape);
    room.set(pixels);
    paint(canvas, room, stage.world.shape);
    const words = element("span");
    words.textContent = gap.toFixed(gap < 10 ? 2 : 1);
    button.append(canvas, words);
    button.setAttribute("aria-label", `Image ${image}, ${words.textContent} nats missing`);
    return button;
  }
}
