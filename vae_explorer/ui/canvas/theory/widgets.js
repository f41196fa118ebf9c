// Controls: each sets one field of the screen's state, and follows it.

import { element, newButton } from "../dom.js";

/** @import { Stage } from "./stage.js" */

/**
 * A slider: of a number between two ends, over its logarithm or not; `format` writes it.
 * @typedef {{name: string, label: string, min: number, max: number, log?: boolean, whole?: boolean, step?: number, marks?: [number, string][],
 *   format?: (value: number) => string}} SliderSpec
 */

/** One of some: values and their words. @typedef {{name: string, label: string, options: [string | number, string][]}} ChoiceSpec */

const STEPS = 400; // of a slider without steps of its own

/** Three significant digits. @param {number} value */
const plain = (value) => String(Number(value.toPrecision(3)));

/** @param {string} label */
function row(label, className = "") {
  const host = element("div", `control ${className}`);
  const name = element("label");
  name.textContent = label;
  host.append(name);
  return { host, name };
}

let made = 0; // controls, for their ids

/** @param {Stage} stage @param {SliderSpec} spec */
export function makeSlider(stage, { name, label, min, max, log = false, whole = false, step = (max - min) / STEPS, marks = [], format = plain }) {
  const { host, name: words } = row(label, "sliding");
  const input = element("input");
  const output = element("output");
  const up = log ? Math.log10 : (/** @type {number} */ x) => x;
  const down = log ? (/** @type {number} */ x) => 10 ** x : (/** @type {number} */ x) => x;
  const [low, high] = [up(min), up(max)];
  Object.assign(input, { type: "range", min: low, max: high, step: log ? (high - low) / STEPS : whole ? 1 : step, id: `control-${made++}` });
  words.htmlFor = input.id;
  const track = element("div", "track");
  track.append(input);
  if (marks.length) {
    const below = element("div", "marks");
    for (const [value, text] of marks) {
      const mark = element("span");
      mark.textContent = text;
      mark.style.left = `${(100 * (up(value) - low)) / (high - low)}%`;
      below.append(mark);
    }
    track.append(below);
  }
  host.append(output, track);
  const read = () => {
    const value = Math.min(max, Math.max(min, down(Number(input.value))));
    return whole ? Math.round(value) : Number(value.toPrecision(4));
  };
  input.addEventListener("input", () => stage.set({ [name]: read() }, false), { signal: stage.signal });
  input.addEventListener("change", () => stage.set({ [name]: read() }), { signal: stage.signal });
  stage.follow(() => {
    const value = stage.number(name);
    if (read() !== value) input.value = String(up(value));
    output.textContent = format(value);
    input.setAttribute("aria-valuetext", format(value));
  });
  stage.controls.append(host);
  return host;
}

/** @param {Stage} stage @param {ChoiceSpec} spec */
export function makeChoice(stage, { name, label, options }) {
  const { host, name: words } = row(label);
  const group = element("div", "switches");
  group.setAttribute("role", "group");
  words.id = `control-${made++}`;
  group.setAttribute("aria-labelledby", words.id);
  const buttons = options.map(([value, text]) => {
    const button = newButton(text, () => stage.set({ [name]: value }));
    group.append(button);
    return { value, button };
  });
  host.append(group);
  stage.follow(() => buttons.forEach(({ value, button }) => button.setAttribute("aria-pressed", String(stage.state[name] === value))));
  stage.controls.append(host);
  return host;
}

/** A switch of one field, on or off. @param {Stage} stage @param {{name: string, label: string}} spec */
export function makeToggle(stage, { name, label }) {
  const button = newButton(label, () => stage.set({ [name]: !stage.state[name] }));
  button.className = "toggle";
  stage.follow(() => button.setAttribute("aria-pressed", String(stage.state[name] === true)));
  stage.buttons.append(button);
  return button;
}

/** A button that does something. @param {Stage} stage @param {string} label @param {() => void} click */
export function makeButton(stage, label, click) {
  const button = newButton(label, click);
  button.className = "action";
  stage.buttons.append(button);
  return button;
}

/** The image: its number, the one before and the next, one at random. @param {Stage} stage */
export function makeImageField(stage) {
  const { host, name } = row("Image", "imaging");
  const input = element("input");
  const count = () => stage.world.labels.length;
  Object.assign(input, { type: "number", min: 0, step: 1, id: `control-${made++}` });
  name.htmlFor = input.id;
  /** @param {number} index */
  const go = (index) => stage.set({ image: (index + count()) % count() });
  input.addEventListener(
    "change",
    () => {
      const value = Number(input.value);
      if (Number.isInteger(value) && value >= 0 && value < count()) stage.set({ image: value });
      else input.value = String(stage.state.image);
    },
    { signal: stage.signal },
  );
  const before = newButton("\u2039", () => go(stage.number("image") - 1));
  const next = newButton("\u203a", () => go(stage.number("image") + 1));
  const random = newButton("Any", () => go(Math.floor(Math.random() * count())));
  before.setAttribute("aria-label", "Image before");
  next.setAttribute("aria-label", "Next image");
  random.setAttribute("aria-label", "An image at random");
  const said = element("span", "label");
  host.append(before, input, next, random, said);
  stage.follow(() => {
    input.value = String(stage.state.image);
    input.max = String(count() - 1);
    said.textContent = stage.world.names[stage.world.labels[stage.number("image")]] ?? "";
  });
  stage.controls.append(host);
  return host;
}

/** The KL weight, where one can be set. @param {Stage} stage */
export function makeWeight(stage) {
  if (!stage.weights) return null;
  const [min, max] = stage.weights;
  /** @type {[number, string][]} */
  const marks = [];
  for (let power = Math.ceil(Math.log10(min) - 1e-9); power <= Math.log10(max) + 1e-9; power++)
    marks.push([10 ** power, power === 0 ? "1" : plain(10 ** power)]);
  return makeSlider(stage, { name: "beta", label: "KL weight \u03b2", min, max, log: true, marks });
}
