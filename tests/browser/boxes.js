// Boxes of all that is read or clicked on a page, shadow trees included, and what is wrong with them.
() => {
  const CLICKED = "a[href], button, input, select, textarea, [role=tab], [role=slider], [role=combobox]";
  const SLACK = 2; // px
  const up = (element) => element.assignedSlot ?? element.parentElement ?? element.getRootNode().host ?? null;
  const inside = (a, b) => { for (let at = a; at; at = up(at)) if (at === b) return true; return false; };
  const meet = (a, b) => ({ left: Math.max(a.left, b.left), top: Math.max(a.top, b.top), right: Math.min(a.right, b.right), bottom: Math.min(a.bottom, b.bottom) });
  const seen = (element) => {
    if (!element.checkVisibility()) return false;
    for (let at = element; at; at = up(at)) {
      const style = getComputedStyle(at);
      if (style.display === "none" || style.visibility === "hidden" || Number(style.opacity) === 0 || style.clipPath !== "none") return false;
    }
    return true;
  };
  const clipped = (element, box) => {
    for (let at = element; at && !at.matches(".stMainBlockContainer"); at = up(at)) { // which scrolls
      const { overflowX, overflowY, position } = getComputedStyle(at);
      const frame = at.getBoundingClientRect();
      if (overflowX !== "visible") box = meet(box, { ...frame.toJSON(), top: -1e9, bottom: 1e9 });
      if (overflowY !== "visible") box = meet(box, { ...frame.toJSON(), left: -1e9, right: 1e9 });
      if (position === "fixed") break;
    }
    return box;
  };
  const found = [];
  const take = (element, what, box) => {
    const rest = clipped(element, box);
    if (rest.right - rest.left > 1 && rest.bottom - rest.top > 1) found.push({ element, what, box: rest });
  };
  const walk = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) walk(element.shadowRoot);
      if (/^(script|style|title|option)$/i.test(element.tagName) || !seen(element)) continue;
      if (element.matches(".katex")) take(element, "a formula", element.getBoundingClientRect());
      if (element.closest(".katex")) continue; // whose parts are set by KaTeX, one over the other
      if (element.matches(CLICKED)) take(element, `${element.tagName.toLowerCase()} “${(element.getAttribute("aria-label") ?? element.innerText ?? "").slice(0, 30)}”`, element.getBoundingClientRect());
      for (const node of element.childNodes) {
        if (node.nodeType !== Node.TEXT_NODE || !node.data.trim()) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        for (const { left, right, top, bottom } of range.getClientRects()) { // with room above and below the letters
          const room = 0.2 * (bottom - top);
          take(element, `“${node.data.trim().slice(0, 40)}”`, { left, right, top: top + room, bottom: bottom - room });
        }
      }
    }
  };
  walk(document);
  const wrong = [];
  const wide = innerWidth + 1;
  for (const { what, box } of found) if (box.right > wide || box.left < -1) wrong.push(`${what} reaches from ${Math.round(box.left)} to ${Math.round(box.right)}`);
  for (const element of [document.scrollingElement, document.querySelector(".stMain")]) if (element.scrollWidth > element.clientWidth + 1) wrong.push(`${element.className || "the page"} is ${element.scrollWidth} wide`);
  found.forEach((a, k) => {
    for (const b of found.slice(k + 1)) {
      if (inside(a.element, b.element) || inside(b.element, a.element)) continue;
      const both = meet(a.box, b.box);
      if (both.right - both.left > SLACK && both.bottom - both.top > SLACK) wrong.push(`${a.what} lies over ${b.what}`);
    }
  });
  return { wrong: [...new Set(wrong)], count: found.length };
}
