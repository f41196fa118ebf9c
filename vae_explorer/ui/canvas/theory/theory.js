// The page Theory: a course of screens, one of which is shown.

import { element, finder } from "../dom.js";
import { mailbox, showLink, unpack } from "../wire.js";
import { savePicture } from "./keep.js";
import { SCREENS } from "./screens.js";
import { Stage } from "./stage.js";
import { TheoryTalk } from "./talk.js";

/** @import { Find } from "../dom.js" */
/** @import { Addressed, Mailbox, Message, StreamlitComponent } from "../wire.js" */
/** @import { World } from "../plots.js" */
/** @import { ScreenWords, TheoryState } from "./stage.js" */
/** @import { PartAnswer } from "./talk.js" */

/** What the page is sent once: the words of all screens, colours of terms (light, dark). @typedef {Message & {kind: "theory", screens: ScreenWords[], colours: [string, string][]}} Course */

/** What a view begins with, and what its main part says; `empty` where it has been said already. @typedef {Message & PartAnswer & {kind: "answer", start: TheoryState, weights: ?[number, number], empty: boolean}} TheoryAnswer */

/** @typedef {Course | World | TheoryAnswer | (Message & PartAnswer & {kind: "part", n: number})} TheoryMessage */

export class Theory {
  /** @param {ParentNode} root @param {string} name @param {Course} course */
  constructor(root, name, course) {
    this.find = finder(root);
    this.course = course;
    this.abort = new AbortController();
    /** @type {Mailbox<TheoryMessage>} */
    this.box = mailbox(name);
    this.talk = new TheoryTalk(this.box);
    /** @type {?Stage} */
    this.stage = null;
    /** @type {?World} */
    this.world = null;
    /** @type {?TheoryAnswer} */
    this.answer = null;
    this.shown = ""; // the screen whose words are shown
    const { signal } = this.abort;
    this.find(".course .back").addEventListener("click", () => this.step(-1), { signal });
    this.find(".course .next").addEventListener("click", () => this.step(1), { signal });
    document.addEventListener("keydown", (event) => this.key(event), { signal });
    addEventListener("resize", () => this.stage?.screen?.redraw?.(), { signal });
    this.find(".course ol").replaceChildren(...course.screens.map((screen, k) => this.entry(screen, k)));
    this.box.read = (message) => this.read(message);
    this.box.save = (kind, words) => savePicture(this.find(".picture"), kind, words);
    this.box.messages.forEach((message) => this.read(message));
  }

  destroy() {
    this.abort.abort();
    this.stage?.destroy();
    this.box.read = null;
    this.box.save = null;
    this.talk.close();
  }

  /** @param {ScreenWords} screen @param {number} k */
  entry(screen, k) {
    const item = element("li");
    const button = element("button");
    Object.assign(button, { type: "button", title: screen.question });
    const number = element("small");
    number.textContent = String(k + 1);
    button.append(number, screen.title);
    button.dataset.name = screen.name;
    button.addEventListener("click", () => this.open(screen.name));
    item.append(button);
    return item;
  }

  /** @param {TheoryMessage} message */
  read(message) {
    if (message.kind === "world") this.world = /** @type {World} */ (message);
    else if (message.kind === "part") this.talk.hear(/** @type {PartAnswer & {n: number}} */ (message));
    else if (message.kind === "answer") this.answer = /** @type {TheoryAnswer} */ (message);
    const { world, answer } = this;
    if (!world || !answer || answer.start.model !== world.model) return;
    const { stage } = this;
    const same = stage !== null && stage.words.name === answer.start.screen && stage.world === world;
    if (same && message.kind === "answer" && !answer.empty) stage.hear("main", answer);
    if (!same && (this.shown === "" || this.shown === answer.start.screen)) this.build(world, answer);
  }

  /** Shows the screen that an answer is about. @param {World} world @param {TheoryAnswer} answer */
  build(world, answer) {
    const words = this.wordsOf(answer.start.screen);
    this.stage?.destroy();
    this.tell(words);
    const stage = (this.stage = new Stage(this.find, words, { ...answer.start }, world, answer.weights, this.talk));
    stage.begin(SCREENS[words.name]);
    if (answer.empty) stage.refresh();
    else stage.hear("main", answer);
    if (answer.link) showLink(answer.link);
  }

  /** @param {string} name */
  wordsOf(name) {
    const found = this.course.screens.find((screen) => screen.name === name);
    if (!found) throw new Error(`The course has no screen ${name}.`);
    return found;
  }

  /** Shows a screen's words, and sets the colours of its terms. @param {ScreenWords} words */
  tell(words) {
    this.shown = words.name;
    const { formula, question, why, sources } = words;
    this.find(".question").textContent = question;
    const names = new Set(formula.flatMap((part) => (typeof part === "string" ? [] : [part.name])));
    const host = this.find(".theory");
    [...names].forEach((name, k) => {
      const [light, dark] = this.course.colours[k % this.course.colours.length];
      host.style.setProperty(`--term-${name}`, `light-dark(${light}, ${dark})`);
    });
    const paragraphs = why.map((text) => Object.assign(element("p"), { textContent: text }));
    const list = element("ul");
    for (const { words: text, address } of sources) {
      const item = element("li");
      const link = Object.assign(element("a"), { textContent: text, href: address, target: "_blank", rel: "noreferrer" });
      item.append(link);
      list.append(item);
    }
    this.find(".why > div").replaceChildren(...paragraphs, list);
    this.course.screens.forEach((screen, k) => {
      const button = this.find(`.course [data-name="${screen.name}"]`);
      if (screen.name === words.name) {
        button.setAttribute("aria-current", "step");
        button.parentElement?.parentElement?.scrollTo({ left: button.offsetLeft - 200 });
        this.find(".course .back", HTMLButtonElement).disabled = k === 0;
        this.find(".course .next", HTMLButtonElement).disabled = k === this.course.screens.length - 1;
      } else button.removeAttribute("aria-current");
    });
  }

  /** Opens a screen: its words at once; its picture once Python says which model it begins with. @param {string} name */
  open(name) {
    if (name === this.shown || !this.stage) return;
    const { image, beta, seed, model } = this.stage.state;
    this.stage.destroy();
    this.stage = null;
    this.find(".picture").replaceChildren();
    this.find(".controls").replaceChildren();
    this.find(".formula").replaceChildren();
    this.find(".prediction").hidden = true;
    this.tell(this.wordsOf(name));
    this.find(".spoken").textContent = this.wordsOf(name).question;
    this.answer = null;
    this.talk.state = { screen: name, model, image, beta, seed };
    this.talk.answered = false;
    this.talk.tell();
  }

  /** @param {number} way */
  step(way) {
    const at = this.course.screens.findIndex((screen) => screen.name === this.shown);
    const next = this.course.screens[at + way];
    if (next) this.open(next.name);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (event.key === "PageDown") this.step(1);
    else if (event.key === "PageUp") this.step(-1);
    else return;
    event.preventDefault();
  }
}

/** @type {WeakMap<Node, Theory>} */
const theories = new WeakMap();

/** Called by Streamlit at first and whenever the data or the theme changes; returns the clean-up. @param {StreamlitComponent} component */
export default function ({ data, parentElement }) {
  /** @type {Course & Addressed} */
  const course = unpack(data);
  const theory = theories.get(parentElement) ?? new Theory(parentElement, course.to, course);
  theories.set(parentElement, theory);
  theory.stage?.screen?.redraw?.();
  return () => {
    theory.destroy();
    theories.delete(parentElement);
  };
}
