// What a screen works with: its place on the page, its state, whom it asks, its formula, its controls.
//
// A screen is a class, named in screens.js:
//   constructor(stage)     fills `stage.picture` and makes its controls; `stage.world` and `stage.state` are there
//   moved(changed)         the state has changed (names of fields): what the browser can compute by itself is shown at once
//   show(part, answer)     PyTorch's answer to a part; "main" comes unasked after each change
//   truth()                what the prediction is held against, once it is known; null before
//   mark(guess, truth)     shows both on the picture, where the prediction is a click
//   redraw()               the theme has changed, or the size of type
//   destroy()
// All but the constructor and `show` may be left out. Whatever has `data-term` in the picture or the formula is lit when a term
// of that name is pointed at; what has `data-answer` is hidden until the prediction is made.

import { element } from "../dom.js";
import { paint, roomFor } from "../panel.js";
import { decoderOf } from "../plots.js";
import { Chart } from "./chart.js";
import { Formula } from "./formula.js";
import { LatentPlane } from "./latent_plane.js";
import { Prediction } from "./prediction.js";
import { makeButton, makeChoice, makeImageField, makeSlider, makeToggle, makeWeight } from "./widgets.js";

/** @import { ChartSpec } from "./chart.js" */
/** @import { Decoder, Levels } from "../decoder.js" */
/** @import { PlaneSpec } from "./latent_plane.js" */
/** @import { Truth } from "./prediction.js" */
/** @import { PartAnswer, TheoryTalk } from "./talk.js" */
/** @import { World } from "../plots.js" */
/** @import { ChoiceSpec, SliderSpec } from "./widgets.js" */
/** @import { Find } from "../dom.js" */

/**
 * What a screen does; see above.
 * @typedef {object} TheoryScreen
 * @property {(changed: Set<string>) => void} [moved]
 * @property {(part: string, answer: PartAnswer) => void} show
 * @property {() => ?Truth} [truth]
 * @property {(guess: ?{x: number, y: number}, truth: ?{x: number, y: number}) => void} [mark]
 * @property {() => void} [redraw]
 * @property {() => void} [destroy]
 */

/** The words of a screen, as theory/page.py sends them. @typedef {{name: string, title: string, question: string, formula: (import("./formula.js").Term | string)[],
 *   why: string[], sources: {words: string, address: string}[], prediction: ?import("./prediction.js").Predicted}} ScreenWords */

/** @typedef {{screen: string, model: string, image: number, beta: ?number, seed: number} & Record<string, unknown>} TheoryState */

export class Stage {
  /**
   * @param {Find} find of the page @param {ScreenWords} words @param {TheoryState} state @param {World} world @param {?[number, number]} weights
   * @param {TheoryTalk} talk
   */
  constructor(find, words, state, world, weights, talk) {
    this.find = find;
    this.words = words;
    this.state = state;
    this.world = world;
    this.weights = weights;
    this.talk = talk;
    this.abort = new AbortController();
    this.signal = this.abort.signal;
    /** @type {TheoryScreen | undefined} */
    this.screen = undefined;
    /** @type {(() => void)[]} */
    this.followers = [];
    /** @type {{destroy: () => void}[]} */
    this.parts = [];
    /** @type {?Decoder} */
    this.decoder = null;
    this.grey = roomFor(world.shape);
    this.asking = false;
    this.stale = false;
    this.pointed = /** @type {?string} */ (null); // the term that the pointer is on
    this.picture = find(".picture");
    this.controls = find(".controls");
    this.buttons = element("div", "buttons switches");
    this.picture.replaceChildren();
    this.picture.className = `picture ${words.name}`;
    this.controls.replaceChildren();
    this.say("");
    this.formula = new Formula(find(".formula"), words.formula, (term) => this.light(term));
    const told = { truth: () => this.screen?.truth?.() ?? null, open: (/** @type {boolean} */ open) => this.uncover(open), mark: this.mark.bind(this) };
    this.prediction = new Prediction(find(".prediction"), words.name, words.prediction, told);
    for (const host of [this.picture, find(".formula")]) {
      // a move alone: what slides below a pointer that rests is not pointed at
      host.addEventListener("pointermove", (event) => this.point(termOf(event)), { signal: this.signal });
      host.addEventListener("pointerleave", () => this.point(null), { signal: this.signal });
    }
    find(".formula").addEventListener("focusin", (event) => this.light(termOf(event)), { signal: this.signal });
    find(".formula").addEventListener("focusout", () => this.light(null), { signal: this.signal });
  }

  /** Shows a screen. @param {new (stage: Stage) => TheoryScreen} kind */
  begin(kind) {
    this.screen = new kind(this);
    this.controls.append(this.buttons);
    this.follow(() => undefined);
    this.moved(new Set(Object.keys(this.state)));
  }

  destroy() {
    this.abort.abort();
    this.screen?.destroy?.();
    this.parts.forEach((part) => part.destroy());
    this.screen = undefined;
  }

  // State -------------------------------------------------------------------------------------

  /** A field that is a number. @param {string} name */
  number(name) {
    return Number(this.state[name]);
  }

  /** The KL weight that the model is asked at. */
  get beta() {
    return this.state.beta ?? 1;
  }

  /** Calls this now and after every change. @param {() => void} follower */
  follow(follower) {
    this.followers.push(follower);
    follower();
  }

  /** Changes fields of the state; all is asked anew. While a slider is dragged, nobody is told. @param {Record<string, unknown>} changes @param {boolean} [settled] */
  set(changes, settled = true) {
    const changed = new Set(Object.keys(changes).filter((name) => JSON.stringify(this.state[name]) !== JSON.stringify(changes[name])));
    Object.assign(this.state, changes);
    if (changed.size) this.moved(changed);
    if (changed.size) this.refresh();
    if (settled) this.talk.report(this.state, true);
  }

  /** @param {Set<string>} changed */
  moved(changed) {
    this.followers.forEach((follower) => follower());
    this.screen?.moved?.(changed);
  }

  // Questions ----------------------------------------------------------------------------------

  /** Asks the main part about the state of now: one question is out at a time, the newest state is next. */
  async refresh() {
    this.stale = true;
    if (this.asking) return;
    this.asking = true;
    while (this.stale && this.screen) {
      this.stale = false;
      const answer = await this.ask("main");
      if (answer && this.screen) this.hear("main", answer);
    }
    this.asking = false;
  }

  /** Asks a part: null where it is refused or there is nobody, undefined once a newer question of it is asked. @param {string} part @param {Record<string, unknown>} [more] */
  async ask(part, more = {}) {
    const answer = await this.talk.ask(part, this.state, more);
    if (answer?.refused) this.say(answer.refused);
    return answer?.refused ? null : answer;
  }

  /** @param {string} part @param {PartAnswer} answer */
  hear(part, answer) {
    if (!this.screen) return;
    this.say(answer.refused ?? "");
    if (answer.refused) return;
    this.screen.show(part, answer);
    this.prediction.settle();
  }

  /** Says, below the controls, what is wrong or in work. @param {string} text */
  say(text) {
    this.find(".trouble").textContent = text;
  }

  // What is seen ---------------------------------------------------------------------------------

  /** Lights what the pointer is on, once it is on something else. @param {?string} term */
  point(term) {
    if (term !== this.pointed) this.light(term);
    this.pointed = term;
  }

  /** Lights all that belongs to a term, and dims the rest; null lights all. @param {?string} term */
  light(term) {
    for (const marked of /** @type {NodeListOf<Element>} */ (this.find(".screen").querySelectorAll("[data-term]"))) {
      const names = (marked.getAttribute("data-term") ?? "").split(" ");
      marked.classList.toggle("dim", term !== null && !names.includes(term));
      marked.classList.toggle("lit", term !== null && names.includes(term));
      if (marked.matches("button.term")) marked.setAttribute("aria-pressed", String(term !== null && names.includes(term)));
    }
  }

  /** @param {boolean} open */
  uncover(open) {
    this.find(".screen").classList.toggle("covered", !open);
    if (open) this.screen?.redraw?.();
  }

  /** Takes a click on the picture as a guess, where one is asked for. @param {{x: number, y: number}} place */
  guessed(place) {
    if (!this.prediction?.takesClicks) return false;
    this.prediction.takePlace({ x: place.x, y: place.y });
    return true;
  }

  /** @param {?{x: number, y: number}} guess @param {?{x: number, y: number}} truth */
  mark(guess, truth) {
    this.screen?.mark?.(guess, truth);
  }

  /** A term's colour as CSS has it, for what is drawn on a canvas. @param {string} term */
  colour(term) {
    const probe = element("i");
    probe.style.color = `var(--term-${term}, var(--st-text-color))`;
    this.picture.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  }

  /** The image that a point decodes to, by the browser: grey levels, or three values a pixel; the same array at every call. @param {ArrayLike<number>} z @returns {Levels} */
  decode(z) {
    this.decoder ??= decoderOf(this.world);
    this.decoder.decode(z, this.state.beta, this.grey);
    return this.grey;
  }

  /** A small picture with words below it. @param {HTMLElement} host @param {string} [caption] @param {string} [term] */
  image(host, caption = "", term = "") {
    const figure = element("figure", "grey");
    const canvas = element("canvas");
    const words = element("figcaption");
    words.textContent = caption;
    if (term) figure.dataset.term = term;
    if (term) figure.style.setProperty("--term", `var(--term-${term})`);
    figure.append(canvas, words);
    host.append(figure);
    const { shape } = this.world;
    canvas.setAttribute("role", "img");
    return {
      figure,
      words,
      /** @param {ArrayLike<number>} levels 0 to 255 @param {string} [said] */
      paint: (levels, said = caption) => {
        const room = roomFor(shape);
        room.set(Array.from(levels));
        paint(canvas, room, shape);
        canvas.setAttribute("aria-label", said);
      },
    };
  }

  /** @param {HTMLElement} host @param {ChartSpec} spec */
  chart(host, spec) {
    return this.keep(new Chart(host, spec));
  }

  /** @param {HTMLElement} host @param {PlaneSpec} spec */
  plane(host, spec) {
    return this.keep(new LatentPlane(this, host, spec));
  }

  /** Has something destroyed with the screen. @template {{destroy: () => void}} P @param {P} part */
  keep(part) {
    this.parts.push(part);
    return part;
  }

  // Controls -------------------------------------------------------------------------------------

  /** @param {SliderSpec} spec */
  slider(spec) {
    return makeSlider(this, spec);
  }

  /** @param {ChoiceSpec} spec */
  choice(spec) {
    return makeChoice(this, spec);
  }

  /** @param {{name: string, label: string}} spec */
  toggle(spec) {
    return makeToggle(this, spec);
  }

  /** @param {string} label @param {() => void} click */
  button(label, click) {
    return makeButton(this, label, click);
  }

  imageField() {
    return makeImageField(this);
  }

  weight() {
    return makeWeight(this);
  }
}

/** The first term that what is pointed at belongs to. @param {Event} event */
function termOf(event) {
  const marked = event.target instanceof Element ? event.target.closest("[data-term]") : null;
  return marked instanceof HTMLElement || marked instanceof SVGElement ? (marked.dataset.term?.split(" ")[0] ?? null) : null;
}
