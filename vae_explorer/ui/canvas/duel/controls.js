// The switches of Compare: what is compared, what both maps show, what the sides share.

import { newButton, replace } from "../dom.js";
import { showTabs } from "../plots.js";
import { imageOf } from "../point.js";

/** @import { Duel } from "./duel.js" */

const LINKS = { image: "Same image", point: "Same place (in standard deviations)" };
const TABS = { sample: "Sample", path: "Interpolate", gaps: "Gaps", class: "Classes", draw: "Draw", table: "Table" };
/** @type {Record<string, string>} */
export const SPACES = { prior: "N(0, I)", fitted: "Fitted Gaussian", mixture: "Fitted mixture" };
export const CLASS = "class"; // the field of classes, beside those of gaps
const CIRCLES = 3.4; // half of the square that holds the circles of N(0, I)
const ZOOMS = { codes: "All codes, own scales", circles: "Circles of N(0, I), one scale" };

/**
 * @param {string} text @param {boolean} on @param {() => void} click
 */
function pressed(text, on, click) {
  const button = newButton(text, click);
  button.setAttribute("aria-pressed", String(on));
  return button;
}

/** Builds all of them anew for the state of now. @param {Duel} duel */
export function buildSwitches(duel) {
  const { state, sides } = duel;
  /** @param {string} host @param {Record<string, string>} all @param {?string} now @param {(name: string) => void} choose */
  const choices = (host, all, now, choose) =>
    replace(
      duel.find(host),
      Object.entries(all).map(([name, text]) => pressed(text, name === now, () => choose(name))),
    );
  choices(".link", LINKS, imageOf(state.point) === null ? "point" : state.link, (link) => duel.change({ link }));
  choices(".zoom", ZOOMS, zoomOf(duel), (zoom) => zoomTo(duel, zoom));
  showTabs(duel.find, TABS, state.tab, (tab) => duel.change({ tab, field: fieldFor(duel, tab) }));
  sides.forEach(({ name }, k) => {
    const select = duel.find(`.spaces .${name}`, HTMLSelectElement);
    const names = Object.keys(SPACES).filter((space) => space !== "mixture" || sides[k].mixture);
    select.replaceChildren(...names.map((space) => new Option(SPACES[space], space, false, space === state.spaces[k])));
    select.onchange = () => duel.change({ spaces: duel.state.spaces.map((each, i) => (i === k ? select.value : each)) });
  });
  replace(duel.find(".again"), [newButton("Sample again", () => duel.change({ seed: Math.floor(Math.random() * 1e6) }))]);
  const fields = Object.fromEntries(Object.entries(duel.fields).map(([name, { title }]) => [name, title]));
  choices(".fields", fields, state.field, (field) => duel.change({ field: field === state.field ? null : field, spot: null }));
}

/** The tab of classes shows their field, the others what they showed before. @param {Duel} duel @param {string} tab */
function fieldFor(duel, tab) {
  const { field } = duel.state;
  if (field !== CLASS) duel.gap = field;
  if (tab === "class" && duel.classed) return CLASS;
  return duel.gap;
}

/** Whether both maps show all codes, or the circles; null where they were zoomed otherwise. @param {Duel} duel */
function zoomOf({ state }) {
  if (state.windows.every((seen) => seen === null)) return "codes";
  return state.windows.every((seen) => seen !== null && seen[0] === 0 && seen[1] === 0 && seen[2] === CIRCLES) ? "circles" : null;
}

/** @param {Duel} duel @param {string} zoom */
function zoomTo(duel, zoom) {
  for (const { plot } of duel.sides) plot.setView(zoom === "circles" ? { x: 0, y: 0, half: CIRCLES } : plot.home, true);
  /** @type {[?number[], ?number[]]} */
  const windows =
    zoom === "circles"
      ? [
          [0, 0, CIRCLES],
          [0, 0, CIRCLES],
        ]
      : [null, null];
  duel.change({ windows });
}
