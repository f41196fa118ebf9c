// Buttons that save the map of the same name as a picture: it is the browser that has drawn it.

import { mailbox, unpack } from "../wire.js";

/** @import { Addressed, Message, StreamlitComponent } from "../wire.js" */

/** How the file is called, and what stands above the map. @typedef {Message & {kind: "saver", stem: string, title: string}} SaverMessage */

/** Called by Streamlit at first and whenever the message changes; returns the clean-up. @param {StreamlitComponent} component */
export default function ({ data, parentElement }) {
  /** @type {SaverMessage & Addressed} */
  const { to, stem, title } = unpack(data);
  const abort = new AbortController();
  for (const button of parentElement.querySelectorAll("button")) {
    const kind = button.dataset.kind === "svg" ? "svg" : "png";
    button.addEventListener("click", () => mailbox(to).save?.(kind, { stem, title }), { signal: abort.signal });
  }
  return () => abort.abort();
}
