// The classes below a map, shown or hidden; and the switches of its layers.

import { finder, newButton } from "./dom.js";
import { MARKS, markPicture } from "./scatter/marks.js";

/** Classes, one name, colour and mark each. @typedef {{names: string[], colours: string[], marks: string[]}} Classes */

/** A class as a file's legend has it. @typedef {{name: string, colour: string, mark: string}} LegendEntry */

/** @type {Record<string, string[]>} */
const SWITCHES = {
  atlas: ["Atlas", "Decoded images of a grid"],
  density: ["Density", "How many codes lie where"],
  prior: ["Prior", "Circles of 1, 2 and 3 sigma of the standard normal prior"],
  classes: ["Class contours", "Half and nine tenths of each class's codes"],
  posteriors: ["Posteriors", "Each image's posterior, an ellipse of 1 sigma"],
  magnification: ["Magnification", "How much the decoded image changes: sqrt det(J'J)"],
};

/** @type {Record<string, string[]>} */
const LOOKS = {
  shapes: ["Shapes", "Tells the classes apart by their marks, not by colours alone"],
  names: ["Names", "Writes each class's name in its middle"],
};
const MOST_COLOURS = 10; // more classes than that have marks in any case: figures/theme.py

export class Legend {
  /** @param {HTMLElement} host @param {() => void} change called when the user hides classes or changes their looks */
  constructor(host, change) {
    this.host = host;
    this.change = change;
    /** @type {Set<number>} */
    this.hidden = new Set();
    /** @type {Set<string>} */
    this.looks = new Set();
    /** @type {string[]} */
    this.names = [];
    /** @type {string[]} */
    this.colours = [];
    /** @type {string[]} */
    this.marks = [];
    /** @type {HTMLButtonElement[]} */
    this.buttons = [];
    /** @type {Map<string, HTMLButtonElement>} */
    this.switches = new Map();
    this.all = newButton("Show all", () => this.hide([]));
    this.all.className = "all";
  }

  /**
   * @param {Classes} classes
   * @param {number[]} hidden
   * @param {string[]} [looks] which of LOOKS are on
   */
  build({ names, colours, marks }, hidden, looks = []) {
    Object.assign(this, { names, colours, marks, hidden: new Set(hidden), looks: new Set(looks) });
    this.buttons = names.map((name, k) => {
      const button = newButton("", (event) => (event.altKey ? this.isolate(k) : this.toggle(k)));
      button.append(markPicture("disc"), name);
      button.style.setProperty("--class", colours[k]);
      button.title = "Click to hide or show, double-click for this class alone";
      button.addEventListener("dblclick", () => this.isolate(k));
      return button;
    });
    this.host.replaceChildren(...this.buttons, this.all, this.lookSwitches());
    this.host.hidden = !names.length; // without images there is nothing to mark or to name
    this.show();
  }

  lookSwitches() {
    const bar = document.createElement("span");
    bar.className = "switches";
    const names = Object.keys(LOOKS).filter((look) => look !== "shapes" || this.names.length <= MOST_COLOURS);
    this.switches = new Map(names.map((look) => [look, newButton(LOOKS[look][0], () => this.turn(look))]));
    this.switches.forEach((button, look) => (button.title = LOOKS[look][1]));
    bar.append(...this.switches.values());
    return bar;
  }

  /** @param {string} look */
  turn(look) {
    if (!this.looks.delete(look)) this.looks.add(look);
    this.show();
    this.change();
  }

  /** @param {number} k */
  toggle(k) {
    const hidden = new Set(this.hidden);
    if (!hidden.delete(k)) hidden.add(k);
    this.hide(hidden);
  }

  /** @param {number} k */
  isolate(k) {
    this.hide(this.names.map((_, other) => other).filter((other) => other !== k));
  }

  /** @param {Iterable<number>} classes */
  hide(classes) {
    this.hidden = new Set(classes);
    this.show();
    this.change();
  }

  show() {
    const { shapes } = this;
    this.buttons.forEach((button, k) => {
      button.setAttribute("aria-pressed", String(!this.hidden.has(k)));
      finder(button)("path", SVGPathElement).setAttribute("d", MARKS[shapes ? this.marks[k] : "disc"]);
    });
    this.switches.forEach((button, look) => button.setAttribute("aria-pressed", String(this.looks.has(look))));
    this.all.hidden = this.hidden.size === 0;
  }

  get shapes() {
    return this.looks.has("shapes") || this.names.length > MOST_COLOURS;
  }

  /** The classes that are shown, as a file's legend has them. */
  get entries() {
    const all = this.names.map((name, k) => ({ name, colour: this.colours[k], mark: this.shapes ? this.marks[k] : "disc" }));
    return all.filter((_, k) => !this.hidden.has(k));
  }

  /** What the scatter plot wants: one byte a class, 1 for hidden ones; marks and names where they are asked for. */
  get look() {
    const hidden = new Uint8Array(256);
    this.hidden.forEach((k) => (hidden[k] = 1));
    return { hidden, marks: this.shapes ? this.marks : null, captions: this.looks.has("names") ? this.names : null };
  }
}

export class Switches {
  /** @param {HTMLElement} host @param {() => void} change called when a layer is switched */
  constructor(host, change) {
    this.host = host;
    this.change = change;
    /** @type {Set<string>} */
    this.on = new Set();
  }

  /** @param {string[]} names @param {string[]} on */
  build(names, on) {
    this.on = new Set(on);
    const buttons = names.map((name) => {
      const [text, title] = SWITCHES[name];
      const button = newButton(text, () => {
        if (!this.on.delete(name)) this.on.add(name);
        button.setAttribute("aria-pressed", String(this.on.has(name)));
        this.change();
      });
      button.title = title;
      button.setAttribute("aria-pressed", String(this.on.has(name)));
      return button;
    });
    this.host.replaceChildren(...buttons);
  }
}
