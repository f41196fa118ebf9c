// What a browser remembers of its user. Where it may store nothing, every visit is the first.

export const memory = {
  /** @param {"local" | "session"} kind for all visits, or for this tab alone @param {string} name */
  get(kind, name) {
    try {
      return window[`${kind}Storage`].getItem(`vae-explorer ${name}`);
    } catch {
      return null;
    }
  },

  /** @param {"local" | "session"} kind @param {string} name @param {?string} value */
  set(kind, name, value) {
    try {
      const store = window[`${kind}Storage`];
      if (value === null) store.removeItem(`vae-explorer ${name}`);
      else store.setItem(`vae-explorer ${name}`, value);
    } catch {
      // Then it is forgotten.
    }
  },
};
