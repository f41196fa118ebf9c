// Beside every view: its link for the clipboard, and the presenter mode for the back row.

import { finder } from "./dom.js";
import { memory } from "./memory.js";

/** @import { StreamlitComponent } from "./wire.js" */

const COPIED = 2500; // ms that a button says so

/** Whether a key press writes something. @param {KeyboardEvent} event */
function isTyping(event) {
  const [target] = event.composedPath();
  const writing = "input:not([type=range], [type=checkbox], [type=radio]), textarea, select, [contenteditable]";
  return target instanceof Element && target.matches(writing);
}

/**
 * Puts text on the clipboard; where the page is not served safely, browsers allow only the old way.
 * @param {string} text @param {HTMLInputElement} field
 */
async function toClipboard(text, field) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    Object.assign(field, { hidden: false, value: text });
    field.select();
    return document.execCommand("copy");
  }
}

class Share {
  /** @param {ParentNode} root */
  constructor(root) {
    this.find = finder(root);
    this.address = this.find(".address", HTMLInputElement);
    this.abort = new AbortController();
    /** @type {number | undefined} */
    this.timer = undefined;
    const { signal } = this.abort;
    this.find(".copy").addEventListener("click", () => this.copy(), { signal });
    this.find(".present").addEventListener("click", () => this.present(true), { signal });
    this.address.addEventListener("blur", () => (this.address.hidden = true), { signal });
    document.addEventListener("keydown", (event) => this.key(event), { signal, capture: true }); // Escape means more on the map
    if (memory.get("session", "presenter")) this.present(true);
  }

  destroy() {
    this.abort.abort();
    clearTimeout(this.timer);
    document.documentElement.classList.remove("presenter");
  }

  /** Copies the address, which always names what is seen; where even the old way fails, it stands selected to be copied. */
  async copy() {
    const done = await toClipboard(location.href, this.address);
    if (done) this.address.hidden = true;
    this.say(done ? "Copied" : "Press Ctrl+C", done ? "The link is copied" : "The link is selected: copy it");
  }

  /** @param {string} text @param {string} spoken */
  say(text, spoken) {
    this.find(".copy span").textContent = text;
    this.find("[role=status]").textContent = spoken;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.find(".copy span").textContent = "Copy link";
      this.find("[role=status]").textContent = "";
    }, COPIED);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const on = document.documentElement.classList.contains("presenter");
    if (event.key === "Escape" && on) {
      event.stopPropagation();
      this.present(false);
    } else if (event.key.toLowerCase() === "p" && !isTyping(event)) this.present(!on);
  }

  /** @param {boolean} on */
  present(on) {
    document.documentElement.classList.toggle("presenter", on);
    memory.set("session", "presenter", on ? "on" : null);
    window.dispatchEvent(new Event("resize")); // the maps read their type's size then
  }
}

/** @type {WeakMap<Node, Share>} */
const shares = new WeakMap();

/** Called by Streamlit at first and whenever the theme changes; returns the clean-up. @param {StreamlitComponent} component */
export default function ({ parentElement }) {
  if (!shares.has(parentElement)) shares.set(parentElement, new Share(parentElement));
  return () => {
    shares.get(parentElement)?.destroy();
    shares.delete(parentElement);
  };
}
