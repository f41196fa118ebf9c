import assert from "node:assert/strict";
import { test } from "node:test";
import { pathThrough } from "../../vae_explorer/ui/canvas/paths.js";
import { atImage, atPlace, imageOf, pointAt, samePoint } from "../../vae_explorer/ui/canvas/point.js";
import { bell, many, near } from "./oracles.js";

const size = (v) => Math.sqrt(v.reduce((sum, value) => sum + value * value, 0));
const angle = (a, b) => Math.acos(Math.min(1, Math.max(-1, a.reduce((sum, value, k) => sum + value * b[k], 0) / (size(a) * size(b)))));

for (const kind of ["straight", "slerp"])
  for (const axes of [1, 2, 3, 20])
    test(`a ${kind} path on ${axes} axes passes through all of its points, in as many steps as asked`, () => {
      const draw = bell(axes);
      const points = many(4, () => many(axes, draw));
      const path = pathThrough(points, kind, 8);
      assert.equal(path.length, 25);
      points.forEach((point, k) => near(path[8 * k], point, 1e-12));
    });

test("a straight path has even steps", () => {
  const path = pathThrough(
    [
      [0, 1, -2],
      [4, -1, 2],
    ],
    "straight",
    4,
  );
  path.forEach((at, k) => near(at, [k, 1 - k / 2, -2 + k], 1e-12));
});

test("a turn in the plane is a complex power: z = a (b / a)^t by angle, its radius on a straight line", () => {
  const [a, b] = [
    [2, 1],
    [-1, 3],
  ];
  const [from, to] = [Math.atan2(a[1], a[0]), Math.atan2(b[1], b[0])];
  pathThrough([a, b], "slerp", 10).forEach((at, k) => {
    const [t, phi] = [k / 10, from + (k / 10) * (to - from)];
    const radius = (1 - t) * size(a) + t * size(b);
    near(at, [radius * Math.cos(phi), radius * Math.sin(phi)], 1e-12);
  });
});

test("on many axes a turn stays in the plane of its ends, by even angles and radii", () => {
  const draw = bell(4);
  const [a, b] = many(2, () => many(12, draw));
  const path = pathThrough([a, b], "slerp", 9);
  path.forEach((at, k) => {
    near(size(at), size(a) + (k / 9) * (size(b) - size(a)), 1e-9);
    near(angle(a, at) + angle(at, b), angle(a, b), 1e-6); // only in that plane do angles add up
    near(angle(a, at), (k / 9) * angle(a, b), 1e-6);
  });
});

test("opposite points turn half round counter-clockwise, in the first two axes", () => {
  const path = pathThrough(
    [
      [2, 0, 0],
      [-2, 0, 0],
    ],
    "slerp",
    4,
  );
  [
    [2, 0, 0],
    [Math.SQRT2, Math.SQRT2, 0],
    [0, 2, 0],
    [-Math.SQRT2, Math.SQRT2, 0],
    [-2, 0, 0],
  ].forEach((at, k) => near(path[k], at, 1e-9));
});

test("from the origin, or along one ray, a turn is a straight line", () => {
  near(
    pathThrough(
      [
        [0, 0],
        [2, 4],
      ],
      "slerp",
      2,
    )[1],
    [1, 2],
    1e-12,
  );
  near(
    pathThrough(
      [
        [1, 1],
        [3, 3],
      ],
      "slerp",
      2,
    )[1],
    [2, 2],
    1e-12,
  );
  near(pathThrough([[1], [-3]], "slerp", 2)[1], [-1], 1e-12); // one axis: there is no way round
});

test("a place is as many axes as the space has, an image by itself", () => {
  assert.deepEqual(atPlace([1, 2], 4), { z: [1, 2, 0, 0] });
  assert.deepEqual(atPlace([1, 2], 1), { z: [1] });
  assert.deepEqual(atPlace([1], 2), { z: [1, 0] });
  assert.deepEqual(pointAt({ x: 5, y: 6, index: null }, 2), { z: [5, 6] });
  assert.deepEqual(pointAt({ x: 5, y: 6, index: 0 }, 2), { image: 0, noise: null });
  assert.equal(imageOf(atImage(0)), 0);
  assert.equal(imageOf(atPlace([1, 2], 2)), null);
});

test("points are the same where all of their numbers are", () => {
  const different = [atImage(0), atImage(1), atImage(1, [0.5, 0]), atImage(1, [0, 0.5]), atPlace([1, 0], 2), atPlace([0, 1], 2), atPlace([1, 0], 3)];
  different.forEach((a, i) => different.forEach((b, k) => assert.equal(samePoint(structuredClone(a), b), i === k)));
  assert.ok(samePoint({ image: 1 }, atImage(1))); // as Python may write it
});
