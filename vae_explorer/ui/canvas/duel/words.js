// The words below the pictures of both sides.

import { errorText, minus, tupleText } from "../panel.js";
import { imageOf } from "../point.js";
import { CLASS } from "./controls.js";
import { SHEET } from "./pictures.js";

/** @import { Duel } from "./duel.js" */

/** What drawing from something costs and gains. @type {Record<string, string>} */
const COSTS = {
  prior: "N(0, I) is known before training and costs nothing.",
  fitted: "The fitted Gaussian costs a mean and a covariance of the codes, and covers the gaps between them too.",
  mixture: "The fitted mixture costs a second model, of the codes: it knows where they lie.",
};

/** What stands below the pictures, and below those of the open tab, in words. @param {Duel} duel */
export function noteOn(duel) {
  const { state, sides } = duel;
  const { names, labels } = sides[0].world;
  const index = imageOf(state.point);
  const spots = sides.map((side) => side.spotWords).join("");
  const place = `The same place, in standard deviations of each map's codes.${spots}`;
  if (duel.answered) duel.find(".of figcaption").textContent = index === null ? place : `${names[labels[index]]}, image ${index}: the original`;
  const drawn = [...new Set(state.spaces)].map((space) => COSTS[space]).join(" ");
  const where = state.spaces.every((space) => space === "prior") ? "of N(0, I), the circles" : "of each";
  duel.find(".sample .note span").textContent =
    `${SHEET * SHEET} random points ${where}, the same for both, become these images (seed ${state.seed}). ${drawn}`;
  const [a, b] = state.ends.map((image) => `${names[labels[image]]} (image ${image})`);
  duel.find(".path p").textContent =
    `A straight walk from ${a} to ${b}${duel.judge ? ", and what the classifier reads" : ""}. Click a code to walk from B to it.`;
  duel.find(".gaps p").textContent = fieldWords(duel);
  sides.forEach(({ name }, k) => {
    duel.pictures.sheets[k].canvas.setAttribute("aria-label", `${SHEET * SHEET} decoded images, ${name}`);
    duel.pictures.walks[k].canvas.setAttribute("aria-label", `Film strip of the walk, ${name}`);
  });
}

/**
 * What stands below a side's image: how far it is off, and where it is, unless that is read off the map.
 * @param {Duel} duel @param {number} k which side @param {number[]} z @param {boolean} exact whether the image is PyTorch's
 */
export function captionOf({ sides, answer }, k, z, exact) {
  const { world, decoder } = sides[k];
  const distortion = exact ? answer.sides[k].distortion : null;
  const place = world.latent > 2 ? `z = ${minus(tupleText(z))}` : "";
  const off = distortion === null ? "" : `${distortion.toFixed(1)}${errorText(answer.sides[k].error)} nats of distortion`;
  return [place, off, exact ? "" : decoder.rough].filter(Boolean).join("\n");
}

/** What the field means, how far it is, and where it is worst. @param {Duel} duel */
function fieldWords({ state, sides, fields, table }) {
  const field = state.field === null || state.field === CLASS ? null : fields[state.field];
  if (!field) return table.message.absent ?? "Choose how the plane is coloured: by how far its decoded images are from data.";
  const absent = sides
    .map((side) => side.field?.absent ?? "")
    .join(" ")
    .trim();
  if (absent) return absent;
  const [left, right] = sides.map((side) => side.drawn);
  const waits = !left || !right ? " Computing\u2026" : left.kind === "draft" || right.kind === "draft" ? " A first pass; the whole follows." : "";
  const old = sides.some(({ drawn, beta }) => drawn && drawn.beta !== beta) ? " This is of the KL weight before; the new one follows." : "";
  const some = sides.some((side) => side.drawn?.spots.length);
  const worst = some
    ? " The numbers are the worst of 1,000 draws, no two within half a standard deviation, each beside the other model's image of the matching place; W goes to the next."
    : "";
  const even = !waits && !some ? " It is the same everywhere that is drawn from: no spot is worse than another." : "";
  return `${field.words} More ink is worse, in one scale on both sides.${old ? "" : worst + even}${waits}${old}`;
}
