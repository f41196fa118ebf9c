// What every page does with a scatter plot of codes.

import { DenseDecoder, TileDecoder } from "./decoder.js";
import { newButton } from "./dom.js";
import { roomFor } from "./panel.js";
import { packed } from "./scatter/raster.js";

export function decoderOf({ decoder, weights, grid, tiles, shape }) {
  return decoder ? new DenseDecoder(decoder, weights) : new TileDecoder(grid, tiles, roomFor(shape).length);
}

/** Gives a plot the world's classes, axes and home square. */
export function dress(plot, { home: [x, y, half], labels, colours, axes }) {
  plot.setHome({ x, y, half });
  plot.set({ labels, colours: Uint32Array.from(colours, packed), axes });
}

/** Returns a plot's style as the page's theme has it. */
export function styleOf(element) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(name).trim();
  const size = 0.85 * parseFloat(style.fontSize);
  const bold = Number(colour("--presenter-bold")) || 1; // lines and dots are so many times as thick
  return { text: colour("--st-text-color"), background: colour("--st-background-color"), font: style.fontFamily, size, bold };
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

const IMAGE_KEYS = { Escape: 0, Backspace: 0, n: 1, PageDown: 1, b: -1, PageUp: -1 };

/**
 * Does what a key on a plot asks for: step(dx, dy) in latent units, pin(), image(way) for the next one (1), the one
 * before (-1) or the last one seen (0), zoom, or another KL weight.
 */
export function mapKey(event, { plot, weight, step, image = null, pin = null }) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const size = ((event.shiftKey ? 10 : 1) * plot.view.half) / 50;
  if (event.key in ARROWS) step(...ARROWS[event.key].map((way) => way * size));
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

const TAB_KEYS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

/**
 * Fills a tab list, and shows the panel of the tab that is open. One tab is reached by Tab, the others by arrow
 * keys, Home and End, which open them at once: https://www.w3.org/WAI/ARIA/apg/patterns/tabs/
 */
export function showTabs(find, tabs, open, choose) {
  const names = Object.keys(tabs);
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
