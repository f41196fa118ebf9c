import assert from "node:assert/strict";
import { test } from "node:test";
import { Ladder } from "../../vae_explorer/ui/canvas/ladder.js";
import { rungOf, valueAt } from "../../vae_explorer/ui/canvas/rungs.js";
import { many, near, uniform } from "./oracles.js";

const RUNGS = [0.1, 0.5, 1, 10, 64];
const BETAS = [...RUNGS, 0.11, 0.3, 0.999, 1.001, 3, 9.99, 33, 63.9];

test("a KL weight lies between its neighbours, as far along as its logarithm", () => {
  for (const beta of BETAS) {
    const { rung, share } = rungOf(RUNGS, beta);
    assert.equal(rung, RUNGS.filter((each) => each <= beta).length - 1);
    assert.ok(share >= 0 && share < 1);
    near(RUNGS[rung] * ((RUNGS[rung + 1] ?? 1) / RUNGS[rung]) ** share, beta, 1e-12 * beta);
    assert.equal(share === 0, RUNGS.includes(beta));
  }
});

test("beyond the ends, and where there is no weight to set, it is a rung's own", () => {
  assert.deepEqual(rungOf(RUNGS, 0.01), { rung: 0, share: 0 });
  assert.deepEqual(rungOf(RUNGS, 1000), { rung: 4, share: 0 });
  assert.deepEqual(rungOf([1], 7), { rung: 0, share: 0 });
  assert.deepEqual(rungOf(RUNGS, null), { rung: 0, share: 0 });
});

test("what is straight over log beta comes back exactly", () => {
  const line = (beta) => 3 - 2 * Math.log(beta);
  for (const beta of BETAS) near(valueAt(RUNGS.map(line), rungOf(RUNGS, beta)), line(beta), 1e-12);
});

/** Codes straight over log beta, and spreads that are powers of beta: what the ladder interpolates exactly. */
function world(latent, count) {
  const draw = uniform(latent);
  const [from, slope, size, power] = many(4, () => many(count * latent, draw));
  const mean = (beta) => from.map((value, k) => value + slope[k] * Math.log(beta));
  const std = (beta) => size.map((value, k) => (value + 0.1) * beta ** (power[k] - 0.5));
  const all = (of) => Float64Array.from(RUNGS.flatMap(of));
  return { ladder: new Ladder({ rungs: RUNGS, mean: all(mean), std: all(std), latent, labels: new Uint8Array(count) }), mean, std };
}

for (const latent of [1, 2, 5])
  test(`codes and spreads of ${latent} axes between the rungs`, () => {
    const count = 7;
    const { ladder, mean, std } = world(latent, count);
    const shown = (values) => many(2 * count, (_, i) => (i % 2 < latent ? values[Math.floor(i / 2) * latent + (i % 2)] : 0));
    for (const beta of BETAS) {
      ladder.climb(beta);
      near(ladder.xy, shown(mean(beta)), 1e-6);
      near(ladder.spreads(beta), shown(std(beta)), 1e-5 * Math.max(...std(beta)));
      near(ladder.codes(beta), mean(beta), 1e-12);
      for (let index = 0; index < count; index++) {
        const posterior = ladder.posterior(index, beta);
        near(posterior.mean, mean(beta).slice(index * latent, (index + 1) * latent), 1e-12);
        near(posterior.std, std(beta).slice(index * latent, (index + 1) * latent), 1e-9);
      }
    }
  });

test("a deterministic encoder's spreads stay 0", () => {
  const zeros = new Float32Array(4);
  const ladder = new Ladder({ rungs: [1, 10], mean: zeros, std: zeros, latent: 2, labels: new Uint8Array(1) });
  assert.deepEqual(ladder.posterior(0, 3).std, [0, 0]);
  assert.deepEqual([...ladder.spreads(3)], [0, 0]);
});
