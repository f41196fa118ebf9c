// A component without a picture: hands its message to the map that it belongs to, and its link to the address bar.

import { mailbox, showLink, unpack } from "./wire.js";

/** @import { Addressed, Mailbox, Message, StreamlitComponent } from "./wire.js" */

/** Any message; some bring the page's link. @typedef {Message & {link?: string}} Letter */

/** Called by Streamlit at first and whenever the message changes; returns the clean-up. @param {StreamlitComponent} component */
export default function ({ data, setStateValue, setTriggerValue }) {
  /** @type {Letter & Addressed} */
  const message = unpack(data);
  /** @type {Mailbox<Letter>} */
  const box = mailbox(message.to);
  if (message.kind === "answer") box.tell = setStateValue;
  if (message.kind === "drawing") box.draw = setTriggerValue;
  if (box.messages.get(message.kind)?.version !== message.version) {
    box.messages.set(message.kind, message);
    box.read?.(message);
  }
  if (message.link) showLink(message.link);
  return () => {
    box.messages.delete(message.kind);
    if (box.tell === setStateValue) box.tell = null;
    if (box.draw === setTriggerValue) box.draw = null;
  };
}
