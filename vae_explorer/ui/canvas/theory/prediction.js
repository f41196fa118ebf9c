// What is asked before anything is shown: those who predict learn, those who watch do not (Crouch et al. 2004).

import { element, newButton } from "../dom.js";
import { memory } from "../memory.js";

/** As theory/screen.py has it. @typedef {{question: string, choices: string[]}} Predicted */

/** The truth: which choice, or where on the picture, in the screen's own units; and in words. @typedef {{choice?: number, place?: {x: number, y: number}, words: string}} Truth */

/**
 * Whom a prediction speaks to.
 * @typedef {object} Predicting
 * @property {() => ?Truth} truth of the screen; null while it is not known yet
 * @property {(open: boolean) => void} open told once it is answered or skipped, and at first
 * @property {(guess: ?{x: number, y: number}, truth: ?{x: number, y: number}) => void} mark shows both on the picture
 */

export class Prediction {
  /** @param {HTMLElement} host @param {string} name of the screen @param {?Predicted} asked @param {Predicting} to */
  constructor(host, name, asked, to) {
    this.host = host;
    this.name = `predicted ${name}`;
    this.asked = asked;
    this.to = to;
    /** @type {?{choice?: number, place?: {x: number, y: number}}} */
    this.guess = null;
    this.open = asked === null || memory.get("session", this.name) !== null;
    host.hidden = this.open;
    to.open(this.open);
    if (asked && !this.open) this.ask(asked);
  }

  /** Whether a click on the picture is a guess now. */
  get takesClicks() {
    return !this.open && this.guess === null && this.asked?.choices.length === 0;
  }

  /** @param {Predicted} asked */
  ask({ question, choices }) {
    const words = element("p");
    words.textContent = question;
    const buttons = choices.map((choice, k) => newButton(choice, () => this.take({ choice: k })));
    const skip = newButton("Skip", () => this.finish());
    skip.className = "skip";
    const row = element("div", "choices");
    row.append(...buttons, skip);
    const label = element("b");
    label.textContent = choices.length ? "Predict" : "Predict: click on the picture";
    this.host.replaceChildren(label, words, row);
  }

  /** Takes a click on the picture, in the screen's units. @param {{x: number, y: number}} place */
  takePlace(place) {
    this.take({ place });
  }

  /** @param {{choice?: number, place?: {x: number, y: number}}} guess */
  take(guess) {
    this.guess = guess;
    this.settle();
  }

  /** Shows the truth beside the guess, as soon as it is known. */
  settle() {
    if (this.open || this.guess === null || !this.asked) return;
    const truth = this.to.truth();
    if (!truth) return;
    const { choice, place } = this.guess;
    const words = element("p", "truth");
    const said = choice === undefined ? "" : `You said: ${this.asked.choices[choice]}. `;
    const right = choice === undefined ? "" : choice === truth.choice ? "Right. " : `It is: ${this.asked.choices[truth.choice ?? 0]}. `;
    words.textContent = `${said}${right}${truth.words}`;
    words.classList.toggle("right", choice !== undefined && choice === truth.choice);
    this.host.replaceChildren(words);
    this.to.mark(place ?? null, truth.place ?? null);
    this.show();
    this.host.hidden = false;
  }

  finish() {
    this.host.hidden = true;
    this.show();
  }

  show() {
    this.open = true;
    memory.set("session", this.name, "yes");
    this.to.open(true);
  }
}
