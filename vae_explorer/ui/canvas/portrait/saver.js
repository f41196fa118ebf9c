// Buttons that save the map of the same name as a picture: it is the browser that has drawn it.

import { mailbox, unpack } from "../wire.js";

/** Called by Streamlit at first and whenever the message changes; returns the clean-up. */
export default function ({ data, parentElement }) {
  const { to, stem, title } = unpack(data);
  const abort = new AbortController();
  for (const button of parentElement.querySelectorAll("button")) {
    button.addEventListener("click", () => mailbox(to).save?.(button.dataset.kind, { stem, title }), { signal: abort.signal });
  }
  return () => abort.abort();
}
