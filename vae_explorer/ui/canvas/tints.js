// Colours of single points: numbers of the images in place of their classes, or a paler tone for those not of the test part.

import { minus } from "./panel.js";
import { packed } from "./scatter/raster.js";

/**
 * What images are coloured by, beside their classes: the columns' names, one colour a step of their scale, the part of each
 * image, its file, the numbers of each column.
 * @typedef {{columns: string[], scale: string[], colours: string[], labels: Uint8Array, parts?: Uint8Array, files?: string[]}
 *   & Record<`column${number}`, Float32Array>} Tinted
 */

const PALE = 0.62; // share of the background in the colour of a point that is not of the test part
const TEST = 2; // index of the test part, the last of three
const MISSING = 0x8c8c8c; // grey: an image without this number

/** Mixes two packed colours: share 0 is the first. @param {number} one @param {number} other @param {number} share */
function mixed(one, other, share) {
  /** @param {number} shift */
  const channel = (shift) => Math.round((1 - share) * ((one >> shift) & 0xff) + share * ((other >> shift) & 0xff)) << shift;
  return channel(0) | channel(8) | channel(16);
}

/** Returns a place on a scale of packed colours, 0 to 1, as a colour. @param {number[]} scale @param {number} place */
function onScale(scale, place) {
  const at = Math.min(1, Math.max(0, place)) * (scale.length - 1);
  const low = Math.min(scale.length - 2, Math.floor(at));
  return mixed(scale[low], scale[low + 1], at - low);
}

const PART_WORDS = ["training ", "validation ", ""]; // the test part is what is meant where nothing is said

/**
 * Names an image: its part, its number, and the user's own file of it.
 * @param {{parts?: Uint8Array, files?: string[]}} world @param {number} index
 */
export function imageWords({ parts, files }, index) {
  const file = files?.[index];
  return `${parts ? PART_WORDS[parts[index]] : ""}image ${index}${file ? ` \u00b7 ${file}` : ""}`;
}

export class Tints {
  /** @param {HTMLElement} host @param {() => void} change called when the user chooses other colours */
  constructor(host, change) {
    this.host = host;
    this.change = change;
    /** @type {?string} */
    this.column = null;
    /** @type {?Float32Array} */
    this.values = null; // of the column
    this.range = [Infinity, -Infinity]; // of those that are known
    this.select = document.createElement("select");
    this.select.addEventListener("change", () => this.choose(this.select.value === "" ? null : this.world.columns[Number(this.select.value)]));
    const label = document.createElement("label");
    label.append("Colour by ", this.select);
    this.low = document.createElement("span");
    this.bar = document.createElement("i");
    this.high = document.createElement("span");
    this.missing = document.createElement("span");
    this.host.append(label, this.low, this.bar, this.high, this.missing);
  }

  /** @param {Tinted} world @param {?string} column */
  build(world, column) {
    /** @type {Tinted} */
    this.world = world;
    /** @type {number[]} */
    this.scale = world.scale.map(packed);
    this.bar.style.background = `linear-gradient(to right, ${world.scale.join(", ")})`;
    const options = ["class", ...world.columns].map((name, k) =>
      Object.assign(document.createElement("option"), { value: k ? String(k - 1) : "", textContent: name }),
    );
    this.select.replaceChildren(...options);
    this.host.hidden = world.columns.length === 0;
    this.take(column);
  }

  /** @param {?string} column */
  choose(column) {
    this.take(column);
    this.change();
  }

  /** Takes a column, or null for the classes; shows its range. @param {?string} column */
  take(column) {
    const k = column === null ? -1 : this.world.columns.indexOf(column);
    this.column = k < 0 ? null : column;
    this.select.value = k < 0 ? "" : String(k);
    this.values = k < 0 ? null : this.world[`column${k}`];
    const known = [...(this.values ?? [])].filter(Number.isFinite);
    this.range = known.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
    for (const part of [this.low, this.bar, this.high]) part.hidden = known.length === 0;
    [this.low.textContent, this.high.textContent] = this.range.map((value) => minus(String(Number(value.toPrecision(4)))));
    const without = (this.values?.length ?? 0) - known.length;
    this.missing.textContent = without ? `grey: ${without.toLocaleString("en")} without` : "";
  }

  /** Returns a packed colour for every point, or null where those of the classes do. @param {string} background */
  colours(background) {
    const { labels, parts, colours } = this.world;
    const [low, high] = this.range;
    /** @param {number} value */
    const place = (value) => (high > low ? (value - low) / (high - low) : 0.5);
    if (this.values) return Uint32Array.from(this.values, (value) => (Number.isFinite(value) ? onScale(this.scale, place(value)) : MISSING));
    if (!parts) return null;
    const full = colours.map(packed);
    const pale = full.map((colour) => mixed(colour, packed(background), PALE));
    return Uint32Array.from(labels, (label, i) => (parts[i] === TEST ? full : pale)[label]);
  }
}
