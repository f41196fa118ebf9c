import { newButton } from "./dom.js";
import { MARKS, markPicture } from "./scatter/marks.js";

const SWITCHES = {
  atlas: ["Atlas", "Decoded images of a grid"],
  density: ["Density", "How many codes lie where"],
  prior: ["Prior", "Circles of 1, 2 and 3 sigma of the standard normal prior"],
  classes: ["Class contours", "Half and nine tenths of each class's codes"],
  posteriors: ["Posteriors", "Each image's posterior, an ellipse of 1 sigma"],
  magnification: ["Magnification", "How much the decoded image changes: sqrt det(J'J)"],
};

const LOOKS = {
  shapes: ["Shapes", "Tells the classes apart by their marks, not by colours alone"],
  names: ["Names", "Writes each class's name in its middle"],
};
const MOST_COLOURS = 10; // more classes than that have marks in any case: figures/theme.py

export class Legend {
  /** @param {Function} change called when the user hides classes or changes their looks */
  constructor(host, change) {
    Object.assign(this, { host, change, hidden: new Set(), looks: new Set(), names: [] });
  }

  /**
   * @param {{names: string[], colours: string[], marks: string[]}} classes
   * @param {number[]} hidden
   * @param {string[]} looks which of LOOKS are on
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
    this.all = newButton("Show all", () => this.hide([]));
    this.all.className = "all";
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

  turn(look) {
    if (!this.looks.delete(look)) this.looks.add(look);
    this.show();
    this.change();
  }

  toggle(k) {
    const hidden = new Set(this.hidden);
    if (!hidden.delete(k)) hidden.add(k);
    this.hide(hidden);
  }

  isolate(k) {
    this.hide(this.names.map((_, other) => other).filter((other) => other !== k));
  }

  hide(classes) {
    this.hidden = new Set(classes);
    this.show();
    this.change();
  }

  show() {
    const { shapes } = this;
    this.buttons.forEach((button, k) => {
      button.setAttribute("aria-pressed", String(!this.hidden.has(k)));
      button.querySelector("path").setAttribute("d", MARKS[shapes ? this.marks[k] : "disc"]);
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
  constructor(host, change) {
    Object.assign(this, { host, change, on: new Set() });
  }

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
