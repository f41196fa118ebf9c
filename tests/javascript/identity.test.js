// The bars of the identity: lengths are the terms, both sides end at the ELBO, and the right choice follows from the gaps.

import assert from "node:assert/strict";
import { test } from "node:test";
import { identityBars, identityTruth } from "../../vae_explorer/ui/canvas/theory/screens/identity.js";

const RIGHT = { expected: -90, rate: 8, elbo: -98 };
const LEFT = { log_px: -94, kl: 4 };
const BEST = { approximation: 1, amortization: 3 };

test("both sides end at the bound, and the gap is split where the best Gaussian is", () => {
  const { marks, y } = identityBars(RIGHT, LEFT, BEST);
  /** @param {string} term */
  const bars = (term) => marks.filter((mark) => mark.mark === "bars" && mark.term === term).map(({ bars: [[, , to]], base }) => [base, to]);
  assert.deepEqual(bars("rate"), [[-90, -98]]);
  assert.deepEqual(bars("kl"), [
    [-94, -98],
    [-98, -95],
    [-95, -94],
  ]);
  assert.deepEqual(bars("log_px"), [[y[0], -94]]);
  assert.ok(y[0] < -98 && y[1] > -90);
  const words = marks.filter(({ mark }) => mark === "word").map(({ text }) => text);
  assert.deepEqual(
    words,
    ["log P(X) -94.00", "E log P(X|z) -90.00", "Q's gap 4.00", "ELBO -98.00"].map((text) => text.replace("-", "\u2212")),
  );
  assert.equal(identityBars(RIGHT, null, null).marks.filter(({ term }) => term === "log_px").length, 0);
});

test("the truth is the larger part, or that nothing is missed", () => {
  assert.equal(identityTruth({ approximation: 0.2, amortization: 0.1 }), 0);
  assert.equal(identityTruth({ approximation: 0.1, amortization: 0.2 }), 1);
  assert.equal(identityTruth({ approximation: 0.02, amortization: 0.02 }), 2);
});
