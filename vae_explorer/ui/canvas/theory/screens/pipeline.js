// A VAE in one row: what each node holds on the way forward, and below it what comes back.

import { element } from "../../dom.js";
import { minus } from "../../panel.js";
import { inFigures } from "./histogram.js";

/** @import { Stage } from "../stage.js" */
/** @import { PartAnswer } from "../talk.js" */

/** Mean and log variance, or gradients by them, axis by axis. @typedef {{mean: number[], log_var: number[]}} OfQ */

/**
 * One pass forward and back, as screens/reparameterization.py says it.
 * @typedef {PartAnswer & {q: OfQ, std: number[], encoder: OfQ, moved: boolean, epsilon: number[], z: number[], log_p: number, rate: number, objective: number,
 *   at_z: number[], from_log_p: OfQ, from_rate: OfQ, encoder_norm: number, decoder_norm: number, pixels_norm: number,
 *   exact: OfQ & {objective: number, log_p: number, error: number}, x: Uint8Array, f: Float32Array, at_pixels: Float32Array}} PassAnswer
 */

const NODE_AXES = 2; // that are shown

/** @param {number} value */
const nodeNumber = (value) => minus(Math.abs(value) >= 1000 ? inFigures(value) : value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2));

/** @param {string} text @param {string} [term] */
function termSpan(text, term = "") {
  const made = element("span");
  made.textContent = text;
  if (term) made.dataset.term = term;
  if (term) made.style.setProperty("--term", `var(--term-${term})`);
  return made;
}

/**
 * A table of numbers: rows of a head and cells, each of a term or of none.
 * @param {string[]} heads @param {{head: string, term?: string, cells: {text: string, term?: string}[]}[]} rows
 */
function numberTable(heads, rows) {
  const table = element("table");
  const top = element("tr");
  top.append(...["", ...heads].map((head) => Object.assign(element("th"), { textContent: head })));
  table.append(top);
  for (const { head, term = "", cells } of rows) {
    const row = element("tr");
    const first = element("th");
    first.append(termSpan(head, term));
    row.append(first);
    for (const cell of cells) {
      const place = element("td");
      place.append(termSpan(cell.text, cell.term ?? term));
      row.append(place);
    }
    table.append(row);
  }
  return table;
}

export class Pipeline {
  /** @param {Stage} stage @param {HTMLElement} host */
  constructor(stage, host) {
    this.row = element("div", "pipeline");
    // narrow windows scroll it, by key as well
    Object.entries({ tabindex: "0", role: "group", "aria-label": "One image forward, and gradients back" }).forEach(([name, value]) =>
      this.row.setAttribute(name, value),
    );
    host.append(this.row);
    /** @type {Record<string, {forward: HTMLElement, back: HTMLElement}>} */
    this.nodes = {};
    const order = ["x", "encoder", "q", "z", "decoder", "f", "loss"];
    order.forEach((name, k) => {
      if (k) this.link(name);
      const node = { forward: element("div", `node forward ${name}`), back: element("div", `node back ${name}`) };
      this.nodes[name] = node;
      this.row.append(node.forward, node.back);
    });
    this.x = stage.image(this.nodes.x.forward, "image X");
    this.f = stage.image(this.nodes.f.forward, "f(z)");
    this.gradient = stage.image(this.nodes.x.back, "");
    for (const [name, said] of /** @type {const} */ ([
      ["encoder", "encoder"],
      ["decoder", "decoder"],
    ])) {
      const block = element("div", "block");
      block.append(termSpan(said));
      this.nodes[name].forward.append(block);
    }
  }

  /** An arrow forward, and one back. @param {string} to */
  link(to) {
    const forward = element("div", "link forward");
    const back = element("div", `link back to-${to}`);
    for (const each of [forward, back]) each.setAttribute("aria-hidden", "true");
    this.row.append(forward, back);
  }

  /** @param {PassAnswer} pass @param {string} way how z came to be */
  show(pass, way) {
    const { nodes } = this;
    this.row.dataset.way = way;
    this.x.paint(pass.x, "The image X");
    this.f.paint(
      pass.f.map((level) => 255 * level),
      "The decoded image f(z)",
    );
    const most = pass.at_pixels.reduce((high, each) => Math.max(high, Math.abs(each)), 1e-30);
    this.gradient.paint(
      pass.at_pixels.map((each) => (255 * Math.abs(each)) / most),
      "Size of the gradient at each pixel",
    );
    this.gradient.words.textContent = `|\u2202\u2112/\u2202X| ${nodeNumber(pass.pixels_norm)}`;
    const axes = pass.z.slice(0, NODE_AXES).map((_, d) => d);
    const more = pass.z.length > NODE_AXES ? `, 2 of ${pass.z.length} axes` : "";
    /** @param {number[]} values @param {string} [term] */
    const cells = (values, term) => axes.map((d) => ({ text: nodeNumber(values[d]), term }));
    const heads = axes.map((d) => `axis ${d + 1}`);
    const name = termSpan(`Q(z|X)${pass.moved ? ", moved" : ""}${more}`);
    nodes.q.forward.replaceChildren(
      name,
      numberTable(heads, [
        { head: "\u03bc", term: "mean", cells: cells(pass.q.mean) },
        { head: "log \u03c3\u00b2", term: "std", cells: cells(pass.q.log_var) },
      ]),
    );
    const drawn = way === "reparameterized";
    nodes.z.forward.replaceChildren(
      termSpan(drawn ? "z = \u03bc + \u03c3\u03b5" : "z ~ N(\u03bc, \u03c3\u00b2)"),
      numberTable(heads, [
        { head: "\u03b5", term: "epsilon", cells: cells(pass.epsilon) },
        { head: "z", term: "z", cells: cells(pass.z) },
      ]),
    );
    nodes.loss.forward.replaceChildren(
      termSpan("nats"),
      numberTable(
        [""],
        [
          { head: "log P(X|z)", term: "likelihood", cells: [{ text: minus(pass.log_p.toFixed(2)) }] },
          { head: "D", term: "rate", cells: [{ text: pass.rate.toFixed(2) }] },
          { head: "\u2112", term: "objective", cells: [{ text: minus(pass.objective.toFixed(2)) }] },
        ],
      ),
    );
    const open = way !== "sampled";
    const { from_log_p: p, from_rate: d } = pass;
    nodes.q.back.replaceChildren(
      numberTable(axes.flatMap((k) => [`\u2202\u03bc${"\u2081\u2082"[k]}`]).concat(axes.map((k) => `\u2202log \u03c3\u00b2${"\u2081\u2082"[k]}`)), [
        {
          head: way === "score" ? "score" : "log P",
          term: "likelihood",
          cells: [...(open ? [...cells(p.mean), ...cells(p.log_var)] : [...axes, ...axes].map(() => ({ text: "0" })))],
        },
        { head: "\u2212\u03b2D", term: "rate", cells: [...cells(d.mean), ...cells(d.log_var)] },
      ]),
    );
    nodes.z.back.replaceChildren(numberTable(heads, [{ head: "\u2202z", term: "likelihood", cells: cells(pass.at_z) }]));
    nodes.encoder.back.replaceChildren(termSpan(`|\u2202\u2112/\u2202\u03b8|`), termSpan(nodeNumber(pass.encoder_norm)));
    nodes.decoder.back.replaceChildren(termSpan(`|\u2202\u2112/\u2202\u03b8|`), termSpan(nodeNumber(pass.decoder_norm)));
    nodes.loss.back.replaceChildren(termSpan("gradients back"));
  }
}
