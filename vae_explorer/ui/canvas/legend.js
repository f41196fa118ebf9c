// The class legend, which filters, and the layers' switches.

const SWITCHES = {
  atlas: ["Atlas", "Decoded images of a grid"],
  density: ["Density", "How many codes lie where"],
  prior: ["Prior", "Circles of 1, 2 and 3 sigma of the standard normal prior"],
  classes: ["Class contours", "Half and nine tenths of each class's codes"],
  posteriors: ["Posteriors", "Each image's posterior, an ellipse of 1 sigma"],
  magnification: ["Magnification", "How much the decoded image changes: sqrt det(J'J)"],
};

function newButton(text, click) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.addEventListener("click", click);
  return button;
}

class Legend {
  /** @param {Function} change called with the hidden classes when the user changes them */
  constructor(host, change) {
    Object.assign(this, { host, change, hidden: new Set(), names: [] });
  }

  build(names, colours, hidden) {
    this.names = names;
    this.hidden = new Set(hidden);
    const buttons = names.map((name, k) => {
      const button = newButton(name, (event) => (event.altKey ? this.isolate(k) : this.toggle(k)));
      button.style.setProperty("--class", colours[k]);
      button.title = "Click to hide or show, double-click for this class alone";
      button.addEventListener("dblclick", () => this.isolate(k));
      return button;
    });
    const all = newButton("Show all", () => this.hide([]));
    all.className = "all";
    this.host.replaceChildren(...buttons, all);
    this.show();
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
    const buttons = [...this.host.children];
    const all = buttons.pop();
    buttons.forEach((button, k) => button.setAttribute("aria-pressed", String(!this.hidden.has(k))));
    all.hidden = this.hidden.size === 0;
  }

  /** One byte a class, 1 for hidden ones, as the scatter plot wants it. */
  get mask() {
    const mask = new Uint8Array(256);
    this.hidden.forEach((k) => (mask[k] = 1));
    return mask;
  }
}

class Switches {
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
