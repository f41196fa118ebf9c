// What every page does with a scatter plot of codes.

import { DenseDecoder, TileDecoder } from "./decoder.js";
import { newButton } from "./dom.js";
import { roomFor } from "./panel.js";
import { packed } from "./scatter/raster.js";

/** @import { DensePlan, Grid } from "./decoder.js" */
/** @import { Find } from "./dom.js" */
/** @import { Classes } from "./legend.js" */
/** @import { Codes } from "./ladder.js" */
/** @import { Style } from "./scatter/layers.js" */
/** @import { Scatter } from "./scatter/scatter.js" */
/** @import { Named } from "./spoken.js" */
/** @import { Tinted } from "./tints.js" */
/** @import { Message } from "./wire.js" */

/**
 * A decoder that the browser runs, or else images decoded beforehand.
 * @typedef {{decoder: DensePlan, weights: Float32Array} | {decoder: null, grid: Grid, tiles: Uint8Array}} Decoding
 */

/**
 * What a map never changes: the model's name, the part and number of its images, their shape (height, width, channels if
 * there are three), latent axes and their names, home square (x, y, half), range of KL weights, layers that can be switched.
 * @typedef {Message & {kind: "world", model: string, part: string, shape: number[], axes: string[], home: number[],
 *   beta_range: ?number[], switches: string[]} & Codes & Classes & Named & Tinted & Decoding} World
 */

/** @param {Decoding & {shape: number[]}} world */
export function decoderOf(world) {
  return world.decoder ? new DenseDecoder(world.decoder, world.weights) : new TileDecoder(world.grid, world.tiles, roomFor(world.shape).length);
}

/** Gives a plot the world's classes, axes and home square. @param {Scatter} plot @param {World} world */
export function dress(plot, { home: [x, y, half], labels, colours, axes }) {
  plot.setHome({ x, y, half });
  plot.set({ labels, colours: Uint32Array.from(colours, packed), axes });
}

/** Returns a plot's style as the page's theme has it. @param {Element} element @returns {Style} */
export function styleOf(element) {
  const style = getComputedStyle(element);
  /** @param {string} name */
  const colour = (name) => style.getPropertyValue(name).trim();
  const size = 0.85 * parseFloat(style.fontSize);
  const bold = Number(colour("--presenter-bold")) || 1; // lines and dots are so many times as thick
  return { text: colour("--st-text-color"), background: colour("--st-background-color"), font: style.fontFamily, size, bold };
}

/** @type {Record<string, number[]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** @type {Record<string, number>} */
const IMAGE_KEYS = { Escape: 0, Backspace: 0, n: 1, PageDown: 1, b: -1, PageUp: -1 };

/**
 * What a key may ask for: a step in latent units, a pin, the next image (1), the one before (-1) or the last one seen (0),
 * another KL weight.
 * @typedef {object} Keyed
 * @property {Scatter} plot
 * @property {{nudge: (times: number) => void}} weight
 * @property {(dx: number, dy: number) => void} step
 * @property {((way: number) => void) | null} [image]
 * @property {(() => void) | null} [pin]
 */

/** Does what a key on a plot asks for. @param {KeyboardEvent} event @param {Keyed} to */
export function mapKey(event, { plot, weight, step, image = null, pin = null }) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const size = ((event.shiftKey ? 10 : 1) * plot.view.half) / 50;
  if (event.key in ARROWS) step(ARROWS[event.key][0] * size, ARROWS[event.key][1] * size);
  else if (event.key in IMAGE_KEYS && image) image(IMAGE_KEYS[event.key]);
  else if (event.key === "+" || event.key === "=") plot.zoom(1.25);
  else if (event.key === "-") plot.zoom(0.8);
  else if (event.key === "0") plot.setView(plot.home);
  else if (event.key === "[") weight.nudge(-1);
  else if (event.key === "]") weight.nudge(1);
  else if (event.key === "Enter" && pin) pin();
  else return;
  event.preventDefault();
}

/** @type {Record<string, number>} */
const TAB_KEYS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

/**
 * Fills a tab list, and shows the panel of the tab that is open. One tab is reached by Tab, the others by arrow
 * keys, Home and End, which open them at once: https://www.w3.org/WAI/ARIA/apg/patterns/tabs/
 * @param {Find} find
 * @param {Record<string, string>} tabs names, and what stands on each
 * @param {string} open @param {(name: string) => void} choose
 */
export function showTabs(find, tabs, open, choose) {
  const names = Object.keys(tabs);
  /** @param {string} name */
  const take = (name) => (choose(name), find(".tabs [aria-selected=true]").focus());
  const buttons = names.map((name, k) => {
    const button = newButton(tabs[name], () => take(name));
    const panel = find(`.tab.${name}`);
    panel.hidden = name !== open;
    const roles = { role: "tab", id: `tab-${name}`, "aria-selected": name === open, "aria-controls": `panel-${name}` };
    Object.entries(roles).forEach(([attribute, value]) => button.setAttribute(attribute, String(value)));
    button.tabIndex = name === open ? 0 : -1;
    button.addEventListener("keydown", (event) => {
      if (!(event.key in TAB_KEYS)) return;
      event.preventDefault();
      const to = k + TAB_KEYS[event.key];
      const round = Number.isFinite(to) ? (to + names.length) % names.length : to < 0 ? 0 : names.length - 1;
      take(names[round]);
    });
    Object.entries({ id: `panel-${name}`, "aria-labelledby": `tab-${name}` }).forEach(([attribute, value]) => panel.setAttribute(attribute, value));
    return button;
  });
  find(".tabs").replaceChildren(...buttons);
}
