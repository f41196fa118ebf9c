// The formula: terms set by KaTeX, the number of each below it; what is pointed at is lit wherever it stands.

import { element } from "../dom.js";
import { minus } from "../panel.js";

/** A term as theory/screen.py has it. @typedef {{name: string, tex: string, words: string, live: boolean}} Term */

/** KaTeX as it comes (katex/katex.min.js). @typedef {{render: (tex: string, host: HTMLElement, options: {displayMode: boolean, throwOnError: boolean}) => void}} Katex */

/** @type {?Promise<Katex>} */
let katex = null; // loaded once a page, when the first formula is shown

/** @param {string} name */
const addressOf = (name) => new URL(`katex/${name}`, location.href.replace(/[?#].*/, "")).href;

/** Loads a style sheet into a place of the page, once. @param {Node} place */
function addSheet(place) {
  const link = element("link");
  Object.assign(link, { rel: "stylesheet", href: addressOf("katex.min.css") });
  place.appendChild(link);
}

/** Returns KaTeX; its fonts belong to the page, its sheet to both. @returns {Promise<Katex>} */
function loadKatex() {
  katex ??= new Promise((resolve, reject) => {
    const script = element("script");
    script.src = addressOf("katex.min.js");
    script.onload = () => resolve(/** @type {{katex: Katex}} */ (/** @type {unknown} */ (window)).katex);
    script.onerror = () => ((katex = null), reject(new Error("KaTeX is not here.")));
    addSheet(document.head);
    document.head.append(script);
  });
  return katex;
}

/** Has KaTeX's style where a part of the page has styles of its own. @param {Node} host */
function dressTex(host) {
  const root = host.getRootNode();
  if (root instanceof ShadowRoot && !root.querySelector('link[href*="katex"]')) addSheet(root);
}

/** Writes TeX into an element; where KaTeX is missing, the TeX itself stands there. @param {HTMLElement} host @param {string} tex */
export async function writeTex(host, tex) {
  host.textContent = tex;
  try {
    const found = await loadKatex();
    found.render(tex, host, { displayMode: false, throwOnError: false });
  } catch {
    host.classList.add("plain");
  }
}

export class Formula {
  /**
   * @param {HTMLElement} host @param {(Term | string)[]} parts
   * @param {(term: ?string) => void} light told what is pointed at
   */
  constructor(host, parts, light) {
    /** @type {Map<string, HTMLElement>} */
    this.numbers = new Map();
    dressTex(host);
    host.replaceChildren(...parts.map((part) => this.build(part, light)));
  }

  /** @param {Term | string} part @param {(term: ?string) => void} light */
  build(part, light) {
    if (part === "\\\\") return element("span", "break");
    const tex = element("span", "tex");
    if (typeof part === "string") {
      const between = element("span", "between");
      between.append(tex);
      writeTex(tex, `\\displaystyle ${part}`);
      return between;
    }
    const button = element("button", "term");
    Object.assign(button, { type: "button", title: part.words });
    button.dataset.term = part.name;
    button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-label", part.words);
    button.style.setProperty("--term", `var(--term-${part.name})`);
    const number = element("output", "number");
    button.append(tex, number);
    if (part.live) this.numbers.set(part.name, number);
    else number.hidden = true;
    writeTex(tex, `\\displaystyle ${part.tex}`);
    button.addEventListener("click", () => light(button.getAttribute("aria-pressed") === "true" ? null : part.name));
    return button;
  }

  /** Writes the number below a term. @param {string} term @param {string} figure */
  say(term, figure) {
    const text = minus(figure);
    const number = this.numbers.get(term);
    if (!number) throw new Error(`The formula has no live term ${term}.`);
    if (number.textContent !== text) number.textContent = text;
    const button = number.parentElement;
    const words = `${button?.title}: ${text}`;
    if (button && button.getAttribute("aria-label") !== words) button.setAttribute("aria-label", words);
  }
}
