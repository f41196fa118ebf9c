// Bars with names: how many bits each coder needs; the parts of one bear their terms.

import { svgNode } from "../marks.js";

/** One coder; `bits` null: not here. @typedef {{words: string, bits: ?number, parts?: {term: string, bits: number}[]}} CoderBar */

export class CoderBars {
  /** @param {HTMLElement} host which has a height of its own */
  constructor(host) {
    this.host = host;
    /** @type {CoderBar[]} */
    this.bars = [];
    this.svg = svgNode("svg", { class: "chart", role: "img", "aria-label": "Bits an image, by coder" });
    host.append(this.svg);
    this.resizes = new ResizeObserver(() => this.redraw());
    this.resizes.observe(host);
  }

  destroy() {
    this.resizes.disconnect();
  }

  /** @param {CoderBar[]} bars */
  draw(bars) {
    this.bars = bars.filter(({ bits }) => bits !== null);
    this.svg.setAttribute("aria-label", `Bits an image: ${this.bars.map(({ words, bits }) => `${words} ${Math.round(bits ?? 0)}`).join(", ")}`);
    this.redraw();
  }

  redraw() {
    const { width, height } = this.host.getBoundingClientRect();
    if (width < 80 || height < 40 || !this.bars.length) return;
    Object.entries({ viewBox: `0 0 ${width} ${height}`, width, height }).forEach(([name, value]) => this.svg.setAttribute(name, String(value)));
    const size = 0.85 * parseFloat(getComputedStyle(this.host).fontSize);
    this.svg.style.fontSize = `${size}px`;
    const left = 9.5 * size;
    const room = width - left - 4.5 * size;
    const most = Math.max(...this.bars.map(({ bits }) => bits ?? 0));
    const step = height / this.bars.length;
    const thick = Math.min(0.62 * step, 2 * size);
    this.svg.replaceChildren(
      ...this.bars.flatMap(({ words, bits, parts }, k) => {
        const y = (k + 0.5) * step;
        const name = svgNode("text", { x: left - 0.6 * size, y: y + 0.35 * size, "text-anchor": "end", class: "name" });
        name.textContent = words;
        const number = svgNode("text", { x: left + (room * (bits ?? 0)) / most + 0.5 * size, y: y + 0.35 * size, class: "name" });
        number.textContent = Math.round(bits ?? 0).toLocaleString("en");
        let from = left;
        const drawn = (parts ?? [{ term: "", bits: bits ?? 0 }]).map((part) => {
          const wide = Math.max(1, (room * part.bits) / most);
          const group = svgNode(
            "g",
            { class: "mark" },
            svgNode("rect", { x: from, y: y - thick / 2, width: wide, height: thick, class: part.term ? "bar" : "bar plain" }),
          );
          if (part.term) group.dataset.term = part.term;
          if (part.term) group.style.setProperty("--term", `var(--term-${part.term})`);
          from += wide;
          return group;
        });
        return [name, ...drawn, number];
      }),
    );
  }
}
