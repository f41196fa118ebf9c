// A component without a picture: hands its message to the map that it belongs to.

/** Called by Streamlit at first and whenever the message changes; returns the clean-up. */
export default function ({ data, setStateValue }) {
  const message = unpack(data);
  const box = mailbox(message.to);
  if (message.kind === "answer") box.tell = setStateValue;
  if (box.messages.get(message.kind)?.version !== message.version) {
    box.messages.set(message.kind, message);
    box.read?.(message);
  }
  return () => {
    box.messages.delete(message.kind);
    if (box.tell === setStateValue) box.tell = null;
  };
}
