// One line for a first visit, until the first click. Who follows a link to a view came for that view.

import { memory } from "./memory.js";

/** Shows the hint where it was never seen. @param {HTMLElement} hint @param {AbortSignal} signal */
export function greet(hint, signal) {
  /** @type {PerformanceEntry | undefined} */
  const arrival = performance.getEntriesByType("navigation")[0];
  if (memory.get("local", "hint") || new URL(arrival?.name ?? location.href).search.length > 1) return;
  hint.hidden = false;
  const seen = new AbortController();
  const leave = () => {
    hint.hidden = true;
    memory.set("local", "hint", "seen");
    seen.abort();
  };
  const until = { signal: AbortSignal.any([signal, seen.signal]), capture: true };
  addEventListener("pointerdown", leave, until);
  addEventListener("keydown", (event) => event.key !== "Tab" && leave(), until);
}
