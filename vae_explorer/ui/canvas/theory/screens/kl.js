// The divergence of two Gaussians: Q's mean can be dragged, the prior's circle stays.

/** @import { Stage } from "../stage.js" */
/** @import { PartAnswer } from "../talk.js" */
/** @import { LatentPlane } from "../latent_plane.js" */

/** @typedef {PartAnswer & {kl: number, means: number, widths: number, logs: number, image: number[]}} KlAnswer */

export class KlScreen {
  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    /** @type {LatentPlane} */
    this.plane = stage.plane(stage.picture, {
      label: "Plane with Q and the prior",
      codes: false,
      move: (dx, dy) => this.moveTo(this.q[0] + dx, this.q[1] + dy, true),
      drag: (_, x, y, done) => this.moveTo(x, y, done),
    });
    this.plane.look([-4, 4, -4, 4]);
    stage.imageField();
    stage.weight();
  }

  get q() {
    return /** @type {number[]} */ (this.stage.state.q);
  }

  /** @param {number} x @param {number} y @param {boolean} done */
  moveTo(x, y, done) {
    this.stage.set({ q: [x, y, this.q[2], this.q[3]] }, done);
  }

  moved() {
    const [x, y, rx, ry] = this.q;
    this.plane.draw([
      { mark: "ellipse", x: 0, y: 0, rx: 1, ry: 1, dashed: true },
      { mark: "arrow", term: "means", from: [0, 0], to: [x, y] },
      { mark: "ellipse", term: "kl", x, y, rx, ry, fill: 0.25, grip: "mean" },
    ]);
  }

  /** @param {string} _part @param {PartAnswer} answer */
  show(_part, answer) {
    const said = /** @type {KlAnswer} */ (answer);
    for (const name of /** @type {const} */ (["kl", "means", "widths", "logs"])) this.stage.formula.say(name, said[name].toFixed(2));
  }

  truth() {
    return { choice: 0, words: "One sigma off costs 0.5 nats, half the width 0.32." };
  }
}
