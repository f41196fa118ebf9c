// The words below the pictures of both sides.

import { imageOf } from "../point.js";
import { SHEET } from "./pictures.js";

/** @import { Duel } from "./duel.js" */

/** What stands below the pictures, and below those of the open tab, in words. @param {Duel} duel */
export function noteOn(duel) {
  const { state, sides } = duel;
  const { names, labels } = sides[0].world;
  const index = imageOf(state.point);
  const spots = sides.map((side) => side.spotWords).join("");
  const place = `The same place, in standard deviations of each map's codes.${spots}`;
  if (duel.answered)
    duel.find(".about span").textContent =
      index === null ? place : `${names[labels[index]]}, image ${index}: the original. Distortion is measured ${duel.answer.target}.`;
  const plain = sides.some((side, k) => !side.world.prior && state.spaces[k] === "fitted");
  const better = state.spaces.includes("mixture");
  const why = plain
    ? " An autoencoder has no prior: one Gaussian fitted to its codes is the plainest guess of where they lie, and a mixture a better one."
    : better
      ? " The mixture of Gaussians is fitted to the codes of the training images."
      : "";
  duel.find(".sample p").textContent = `The same ${SHEET * SHEET} random points on both sides, seed ${state.seed}.${why}`;
  const [a, b] = state.ends.map((index) => `${names[labels[index]]} (image ${index})`);
  duel.find(".path p").textContent = `A straight walk from ${a} to ${b}. Click a code to walk from B to it.`;
  const field = state.field === null ? null : duel.fields[state.field];
  const absent = sides
    .map((side) => side.field?.absent ?? "")
    .join(" ")
    .trim();
  const waits = field && !absent && !sides.every((side) => side.field) ? " Computing\u2026" : "";
  duel.find(".gaps p").textContent =
    absent ||
    (field
      ? `${field.words} More ink is worse, in one scale on both sides; in ${field.unit}.${waits}`
      : (duel.table.message.absent ?? "Choose how the plane is coloured: by how far its decoded images are from data."));
  sides.forEach(({ name }, k) => {
    duel.pictures.sheets[k].canvas.setAttribute("aria-label", `${SHEET * SHEET} decoded draws, ${name}`);
    duel.pictures.walks[k].canvas.setAttribute("aria-label", `Film strip of the walk, ${name}`);
  });
}
