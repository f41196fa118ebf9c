// Elements of the page, found or made in one line.

/**
 * Finds an element below another one; without a kind, an HTML element.
 * @typedef {<E extends Element = HTMLElement>(selector: string, kind?: new () => E) => E} Find
 */

/**
 * Returns what finds elements of a page that are always there: it throws where one is not.
 * @param {ParentNode} root @returns {Find}
 */
export function finder(root) {
  return (selector, kind) => {
    const found = root.querySelector(selector);
    if (!(found instanceof (kind ?? HTMLElement))) throw new Error(`The page has no ${selector}.`);
    return /** @type {InstanceType<NonNullable<typeof kind>>} */ (found);
  };
}

/** @param {string} text @param {(event: MouseEvent) => void} click */
export function newButton(text, click) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.addEventListener("click", click);
  return button;
}

/** @template {keyof HTMLElementTagNameMap} T @param {T} tag @returns {HTMLElementTagNameMap[T]} */
export function element(tag, className = "") {
  return Object.assign(document.createElement(tag), { className });
}

/** Puts other elements in the place of some; where one of those had the focus, the one in its place has it. @param {Element} host @param {Element[]} made */
export function replace(host, made) {
  const root = host.getRootNode();
  const active = root instanceof ShadowRoot || root instanceof Document ? root.activeElement : null;
  const index = active ? [...host.children].indexOf(active) : -1;
  host.replaceChildren(...made);
  const next = made[index];
  if (next instanceof HTMLElement) next.focus();
}
