// Which classes the draws of each side are given to: a bar a class, those that are missing marked.

import { element } from "../dom.js";

/** @import { Message } from "../wire.js" */
/** @import { Duel } from "./duel.js" */

/**
 * What the network classifier says of many draws from one side: how many it gives to each class, which classes it knows, the share that it
 * recognises, the classes that are missing; or why it says nothing.
 * @typedef {{absent: string} | {absent?: undefined, counts: number[], known: number[], recognised: number, missing: number[], draws: number}}
 *   CountsOfSide
 */

/** The draws of one view. @typedef {Message & {kind: "counts", seed: number, spaces: string[], beta: ?number, sides: CountsOfSide[]}} CountsMessage */

const NAMED = 6; // missing classes that are called by their names

export class Counts {
  /** @param {Duel} duel */
  constructor(duel) {
    this.duel = duel;
    /** @type {?CountsMessage} */
    this.message = null;
  }

  /** Whether the counts are those of what is drawn now. */
  get current() {
    const { message, duel } = this;
    const { seed, spaces } = duel.state;
    return message?.seed === seed && String(message.spaces) === String(spaces) && message.beta === duel.weight.beta;
  }

  show() {
    for (const [k, { name }] of this.duel.sides.entries()) {
      const host = this.duel.find(`.counts .${name}`);
      host.classList.toggle("old", !this.current);
      const side = this.message?.sides[k];
      if (!side) host.textContent = "Counting the classes of 4,000 draws\u2026";
      else if (side.absent !== undefined) host.textContent = side.absent;
      else host.replaceChildren(this.bars(side), this.words(side));
    }
  }

  /** @param {Extract<CountsOfSide, {counts: number[]}>} side */
  words({ known, recognised, missing, draws }) {
    const { names } = this.duel.sides[0].world;
    const words = element("p");
    const strong = element("b");
    strong.textContent = `${known.length - missing.length} of ${known.length} classes`;
    const absent = missing.length ? `, missing: ${listed(missing.map((k) => names[k]))}` : "";
    words.append(strong, `${absent} \u00b7 ${(100 * recognised).toFixed(0)} % recognised of ${draws.toLocaleString("en")} draws`);
    words.title = `${draws.toLocaleString("en")} draws, of which the sheet shows 64. A class is missing where the network classifier gives it under 1 % of them. The table averages over several draws, each with a classifier of its own.`;
    return words;
  }

  /** @param {Extract<CountsOfSide, {counts: number[]}>} side */
  bars({ counts, known, missing, draws }) {
    const { names, colours } = this.duel.sides[0].world;
    const bars = element("div", "bars");
    bars.setAttribute("aria-hidden", "true"); // its words say the same
    const most = Math.max(...counts);
    known.forEach((k) => {
      const count = counts[k];
      const bar = element("span", missing.includes(k) ? "missing" : "");
      bar.style.setProperty("--share", String(count / most));
      bar.style.setProperty("--class", colours[k]);
      bar.title = `${names[k]}: ${((100 * count) / draws).toFixed(2)} %`;
      bar.textContent = known.length <= 12 ? names[k].slice(0, 2) : "";
      bars.append(bar);
    });
    return bars;
  }
}

/** The first of many names, and how many more there are. @param {string[]} names */
function listed(names) {
  const rest = names.length - NAMED;
  return rest > 1 ? `${names.slice(0, NAMED).join(", ")} and ${rest} more` : names.join(", ");
}
