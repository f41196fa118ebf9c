// What it costs to send an image: pixel by pixel, against other coders, and how the precision of z cancels.

import { element } from "../../dom.js";
import { minus } from "../../panel.js";
import { CoderBars } from "./coder_bars.js";

/** @import { Mark } from "../marks.js" */
/** @import { Stage } from "../stage.js" */
/** @import { PartAnswer } from "../talk.js" */

/** Of one image, at each number of places of z, in bits. @typedef {PartAnswer & {places: number[], cost: number[], back: number[], residual: number[],
 *   error: number[], net: number[], limit: number, sigma: ?number, original: Uint8Array, sent: Uint8Array, bits: Float32Array}} BitsAnswer */

/** Bits an image, by coder; null where one is not here. @typedef {{raw: number, levels: ?number, png: number, webp: number, vae: number}} CoderBits */

/** @typedef {PartAnswer & {coders: CoderBits, rate: number, error: number, images: number, values: number, sigma: ?number, samples: number}} SheetAnswer */

/** Which of PNG, WebP and the VAE needs the fewest bits. @param {CoderBits} coders */
export function fewest({ png, webp, vae }) {
  const each = [png, webp, vae];
  return each.indexOf(Math.min(...each));
}

/** A map of bits as grey levels, and the bits that white stands for: all but the dearest pixel in a hundred are told apart. @param {Float32Array} bits */
export function bitsLevels(bits) {
  const sorted = Float32Array.from(bits).sort();
  const white = Math.max(sorted[Math.floor(0.99 * (sorted.length - 1))], 1e-6);
  return { white, levels: Uint8ClampedArray.from(bits, (value) => (255 * value) / white) };
}

export class BitsScreen {
  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    /** @type {?BitsAnswer} */
    this.said = null;
    /** @type {?SheetAnswer} */
    this.sheet = null;
    this.asked = ""; // what the sheet was asked for
    const above = element("div", "pair");
    const images = element("div", "images");
    const bars = element("div", "coders");
    bars.dataset.answer = "";
    this.original = stage.image(images, "X");
    this.sent = stage.image(images, "as sent");
    this.map = stage.image(images, "bits of each pixel", "residual");
    this.bars = stage.keep(new CoderBars(bars));
    above.append(images, bars);
    this.note = element("p", "note");
    this.note.dataset.answer = "";
    const below = element("div", "below pair");
    const [left, right] = [element("div"), element("div")];
    below.append(left, right);
    const x = { label: "binary places of z, k: cells \u03b4 = 2\u207b\u1d4f wide" };
    /** @param {number} places */
    const click = (places) => stage.set({ places: Math.min(12, Math.max(0, Math.round(places))) });
    this.code = stage.chart(left, { x, y: { label: "bits of z" }, label: "Bits of z and bits back against the precision of z", click });
    this.sum = stage.chart(right, { x, y: { label: "bits of this image" }, label: "Residual and net bits against the precision of z", click });
    stage.picture.append(above, this.note, below);
    stage.slider({ name: "places", label: "Binary places of z, k", min: 0, max: 12, whole: true, format: (k) => minus(String(k)) });
    stage.weight();
    this.how = stage.choice({
      name: "how",
      label: "Black and white by",
      options: [
        ["draw", "Draw"],
        ["threshold", "Threshold"],
      ],
    });
    stage.imageField();
  }

  /** @param {Set<string>} changed */
  moved(changed) {
    if (["beta", "how", "seed", "model"].some((name) => changed.has(name))) this.count();
    this.redraw();
  }

  /** Asks for the sheet of the state of now, if it is not what was asked for. */
  async count() {
    const { beta, how, seed } = this.stage.state;
    const asked = JSON.stringify([beta, how, seed]);
    if (asked === this.asked) return;
    this.asked = asked;
    const answer = /** @type {?SheetAnswer | undefined} */ (await this.stage.ask("sheet"));
    if (!answer || this.stage.screen !== this) return;
    this.sheet = answer;
    this.redraw();
    this.stage.prediction.settle();
  }

  redraw() {
    const { said, sheet } = this;
    if (sheet) this.drawSheet(sheet);
    if (!said) return;
    const k = said.places.indexOf(this.stage.number("places"));
    for (const name of /** @type {const} */ (["cost", "residual", "back", "net"])) this.stage.formula.say(name, minus(said[name][k].toFixed(1)));
    this.drawChart(said, k);
  }

  /** @param {BitsAnswer} said @param {number} k */
  drawChart({ places, cost, back, residual, net, limit }, k) {
    /** @param {number[]} values @returns {[number, number][]} */
    const along = (values) => values.map((value, n) => [places[n], value]);
    const x = places[k];
    const ends = /** @type {[number, number]} */ ([places[0], places[places.length - 1]]);
    /** @param {string} term @param {number[]} values @returns {Mark[]} */
    const line = (term, values) => [
      { mark: "line", term, points: along(values), width: 2.5 },
      { mark: "dots", term, points: [[x, values[k]]], radius: 5 },
    ];
    const paid = cost[k] - back[k];
    const middle = (cost[k] + back[k]) / 2;
    this.code.draw(
      [
        { mark: "band", term: "net", low: along(back), high: along(cost) },
        ...line("cost", cost),
        ...line("back", back),
        { mark: "line", term: "net", points: [[x, back[k]], [x, cost[k]]], width: 2 }, // biome-ignore format: two points
        { mark: "word", term: "net", x, y: middle, text: `${paid.toFixed(1)} bits are paid`, anchor: k > 6 ? "end" : "start", dx: k > 6 ? -8 : 8, dy: 4 },
      ],
      { x: ends, y: [0, 1.08 * Math.max(...cost)] },
    );
    const [least, most] = [Math.min(...residual), Math.max(...net, limit)];
    const room = 0.15 * (most - least);
    this.sum.draw(
      [
        { mark: "rule", y: limit, text: `\u2212ELBO = ${limit.toFixed(1)} bits`, width: 1, dashed: true },
        ...line("residual", residual),
        ...line("net", net),
        { mark: "rule", x, width: 1, faint: true },
      ],
      { x: ends, y: [least - room, most + room] },
    );
  }

  /** @param {SheetAnswer} sheet */
  drawSheet({ coders, rate, error, images, values, sigma, samples }) {
    const grey = sigma !== null;
    this.bars.draw([
      { words: grey ? "Raw, 8 bits a pixel" : "Raw, 1 bit a pixel", bits: coders.raw },
      { words: "Levels, no places", bits: coders.levels },
      { words: "PNG", bits: coders.png },
      { words: "WebP, lossless", bits: coders.webp },
      { words: "VAE: z + residual", bits: coders.vae, parts: [{ term: "cost", bits: rate }, { term: "residual", bits: coders.vae - rate }] }, // biome-ignore format: two parts
    ]);
    const kind = grey ? `256 grey levels, \u03c3 = ${Number(sigma.toPrecision(3))}` : "black and white";
    const pixel = (coders.vae / values).toFixed(3);
    this.note.textContent = `Bits an image, one sheet of ${images} test images, ${kind}; VAE \u00b1 ${error.toFixed(1)} (${samples} samples of z), ${pixel} bits a pixel.`;
  }

  /** @param {string} _part @param {PartAnswer} answer */
  show(_part, answer) {
    const said = (this.said = /** @type {BitsAnswer} */ (answer));
    const { white, levels } = bitsLevels(said.bits);
    const { shape } = this.stage.world;
    this.how.hidden = said.sigma !== null;
    this.original.paint(said.original, "The image");
    this.sent.paint(said.sent, "The image as it is sent");
    this.map.paint(shape.length > 2 ? Array.from(levels).flatMap((v) => [v, v, v]) : levels, "Bits of each pixel");
    this.map.words.textContent = `bits of each pixel, white: ${white.toFixed(white < 10 ? 1 : 0)}`;
    this.count();
    this.redraw();
  }

  truth() {
    if (!this.sheet) return null;
    const { coders, images } = this.sheet;
    const [png, webp, vae] = [coders.png, coders.webp, coders.vae].map((bits) => Math.ceil((bits * images) / 8).toLocaleString("en"));
    return { choice: fewest(coders), words: `PNG ${png} bytes, WebP ${webp}, the VAE ${vae}.` };
  }
}
