// The posterior of an image in numbers, and draws from it.

import { newButton } from "./dom.js";
import { minus, tupleText } from "./panel.js";

export class PosteriorTab {
  /** @param {HTMLElement} host @param {{mean: () => void, sample: () => void}} on what the buttons do */
  constructor(host, on) {
    this.host = host;
    this.table = document.createElement("table");
    this.formula = document.createElement("p");
    this.mean = newButton("Mean", on.mean);
    this.sample = newButton("Sample", on.sample);
    this.again = newButton("Resample", on.sample);
    const buttons = document.createElement("div");
    buttons.className = "switches";
    buttons.append(this.mean, this.sample, this.again);
    this.empty = document.createElement("p");
    host.append(this.table, buttons, this.formula, this.empty);
    this.buttons = buttons;
  }

  /**
   * @param {?import("./normal.js").Gaussian} posterior on all axes; null on the plane
   * @param {?number[]} noise null for the mean
   */
  show(posterior, noise) {
    const random = posterior?.std.some((value) => value > 0) ?? false;
    for (const part of [this.table, this.buttons, this.formula]) part.hidden = !random;
    this.empty.hidden = random;
    if (!posterior || !random) {
      this.empty.textContent = posterior
        ? "This encoder is deterministic: its posterior is the code itself."
        : "A place on the plane has no posterior. Click a point to see its image's.";
      return;
    }
    this.mean.setAttribute("aria-pressed", String(noise === null));
    this.sample.setAttribute("aria-pressed", String(noise !== null));
    this.again.hidden = noise === null;
    this.formula.textContent = noise
      ? minus(`z = mean + std \u00b7 \u03b5, \u03b5 = ${tupleText(noise)} drawn from N(0, 1)`)
      : "z = mean of q(z|x). Sample draws \u03b5 and decodes mean + std \u00b7 \u03b5.";
    const axes = posterior.mean.slice(0, 6).map((_, k) => `axis ${k + 1}`);
    /** @param {string} name @param {number[]} values */
    const row = (name, values) => [name, ...values.slice(0, 6).map((value) => minus(value.toFixed(3)))];
    this.fill([["q(z|x)", ...axes], row("mean", posterior.mean), row("std", posterior.std)]);
  }

  /** Writes rows of texts into the table: the first row and the first of each row are heads. @param {string[][]} rows */
  fill(rows) {
    const [head, body] = ["thead", "tbody"].map((tag) => document.createElement(tag));
    rows.forEach((texts, k) => {
      const row = (k ? body : head).appendChild(document.createElement("tr"));
      texts.forEach((text, i) => {
        const cell = document.createElement(k && i ? "td" : "th");
        cell.textContent = text;
        if (!k || !i) cell.scope = k ? "row" : "col";
        row.append(cell);
      });
    });
    this.table.replaceChildren(head, body);
  }
}
