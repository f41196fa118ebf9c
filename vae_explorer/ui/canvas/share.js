// Beside every view: its link for the clipboard, and the presenter mode for the back row.

import { memory } from "./memory.js";

const COPIED = 2500; // ms that a button says so

/** Whether a key press writes something. */
function isTyping(event) {
  const [target] = event.composedPath();
  return target.matches?.("input:not([type=range], [type=checkbox], [type=radio]), textarea, select, [contenteditable]") ?? false;
}

/** Puts text on the clipboard; where the page is not served safely, browsers allow only the old way. */
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
  constructor(root) {
    this.find = (selector) => root.querySelector(selector);
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.find(".copy").addEventListener("click", () => this.copy(), { signal });
    this.find(".present").addEventListener("click", () => this.present(true), { signal });
    this.find(".address").addEventListener("blur", () => (this.find(".address").hidden = true), { signal });
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
    const field = this.find(".address");
    const done = await toClipboard(location.href, field);
    if (done) field.hidden = true;
    this.say(done ? "Copied" : "Press Ctrl+C", done ? "The link is copied" : "The link is selected: copy it");
  }

  say(text, spoken) {
    this.find(".copy span").textContent = text;
    this.find("[role=status]").textContent = spoken;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.find(".copy span").textContent = "Copy link";
      this.find("[role=status]").textContent = "";
    }, COPIED);
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const on = document.documentElement.classList.contains("presenter");
    if (event.key === "Escape" && on) {
      event.stopPropagation();
      this.present(false);
    } else if (event.key.toLowerCase() === "p" && !isTyping(event)) this.present(!on);
  }

  present(on) {
    document.documentElement.classList.toggle("presenter", on);
    memory.set("session", "presenter", on ? "on" : null);
    window.dispatchEvent(new Event("resize")); // the maps read their type's size then
  }
}

const shares = new WeakMap();

/** Called by Streamlit at first and whenever the theme changes; returns the clean-up. */
export default function ({ parentElement }) {
  if (!shares.has(parentElement)) shares.set(parentElement, new Share(parentElement));
  return () => {
    shares.get(parentElement)?.destroy();
    shares.delete(parentElement);
  };
}
