// One side of the comparison: a map, its decoder, and the image that stands for it.

class DuelSide {
  /** @param {{point: Function, click: Function, key: Function}} on what happens on this side's map */
  constructor(find, name, box, on) {
    this.name = name;
    this.plot = new Scatter(find(`.half.${name} .plot canvas`), {
      hover: (place) => on.point(place),
      click: (place) => on.click(place),
      view: () => {},
      key: (event) => on.key(event),
    });
    this.readout = find(`.half.${name} .readout`);
    this.image = find(`.shown .${name} img`);
    this.canvas = find(`.shown .${name} canvas`);
    this.caption = find(`.shown .${name} figcaption`);
    this.box = box;
    this.field = null;
  }

  destroy() {
    this.plot.destroy();
    this.box.read = null;
  }

  setWorld(world) {
    this.world = world;
    this.ladder = new Ladder(world);
    this.decoder = decoderOf(world);
    this.grey = roomFor(world.shape);
    dress(this.plot, world);
  }

  /** The KL weight that this side is at: the slider's if it can be set. */
  weightFor(beta) {
    return this.world.beta_range ? beta : this.world.rungs[0];
  }

  /** Moves the codes, and takes their mean and covariance. */
  climb(beta) {
    this.beta = this.weightFor(beta);
    this.ladder.climb(this.beta);
    const { xy } = this.ladder;
    const n = xy.length / 2;
    const [mean, square] = [[0, 0], [0, 0, 0]];
    for (let i = 0; i < xy.length; i += 2) {
      const [x, y] = [xy[i], xy[i + 1]];
      mean[0] += x / n;
      mean[1] += y / n;
      square[0] += (x * x) / n;
      square[1] += (x * y) / n;
      square[2] += (y * y) / n;
    }
    this.mean = mean;
    this.covariance = [square[0] - mean[0] ** 2, square[1] - mean[0] * mean[1], square[2] - mean[1] ** 2];
    this.std = [Math.sqrt(this.covariance[0]), Math.sqrt(this.covariance[2])];
    this.plot.set({ xy });
  }

  /** A point in units of the codes' standard deviation from their mean, and back. */
  units([x, y]) {
    return [(x - this.mean[0]) / this.std[0], (y - this.mean[1]) / this.std[1]];
  }

  fromUnits([u, v]) {
    return [this.mean[0] + u * this.std[0], this.mean[1] + v * this.std[1]];
  }

  /**
   * Turns standard normal numbers into draws: the prior's are these numbers; the fitted Gaussian's are
   * mean + C^(1/2) epsilon, with the root of a 2 x 2 matrix, (C + sqrt(det C) I) / sqrt(tr C + 2 sqrt(det C)).
   */
  draws(noise, space) {
    const [a, b, c] = this.covariance;
    const root = Math.sqrt(Math.max(0, a * c - b * b));
    const scale = 1 / Math.sqrt(a + c + 2 * root);
    const points = [];
    for (let i = 0; i < noise.length; i += 2) {
      const [u, v] = [noise[i], noise[i + 1]];
      if (space === "prior") points.push([u, v]);
      else points.push([this.mean[0] + scale * ((a + root) * u + b * v), this.mean[1] + scale * (b * u + (c + root) * v)]);
    }
    return points;
  }

  /** The image whose code is nearest to a place. */
  nearest({ x, y }) {
    const { xy } = this.ladder;
    let [best, index] = [Infinity, 0];
    for (let i = 0; i < xy.length; i += 2) {
      const distance = (xy[i] - x) ** 2 + (xy[i + 1] - y) ** 2;
      if (distance < best && !this.plot.hidden[this.world.labels[i / 2]]) [best, index] = [distance, i / 2];
    }
    return index;
  }

  code(index) {
    const { xy } = this.ladder;
    return [xy[2 * index], xy[2 * index + 1]];
  }

  decode(z, grey) {
    this.decoder.decode(z, this.beta, grey);
  }

  /** Puts marker and ellipse on the map; decodes unless PyTorch's image is there. */
  show(z, index, exact) {
    const spread = this.ladder.spread;
    const ellipse = index === null || !spread[2 * index] ? [] : [{ x: z[0], y: z[1], rx: spread[2 * index], ry: spread[2 * index + 1] }];
    this.plot.setLayers({ marker: { x: z[0], y: z[1] }, ellipses: ellipse });
    this.canvas.hidden = exact;
    if (exact) return;
    this.decode(z, this.grey);
    paint(this.canvas, this.grey, this.world.shape);
  }

  /** Writes where the point is. After the map was drawn: setting a canvas's font lays out a page whose text has changed. */
  label(z, words) {
    this.readout.textContent = minus(tupleText(z));
    if (words !== this.words) this.caption.innerText = this.words = words;
  }

  /** Takes a field of the plane, as ink. */
  setField(message) {
    this.field = message && { ...message, heat: new Heat(message.side) };
  }

  /** The field's least value and one that few exceed, on the bad side. */
  fieldRange(better) {
    const sorted = Float32Array.from(this.field.values).filter(Number.isFinite).sort();
    const at = (share) => sorted[Math.floor(share * (sorted.length - 1))];
    return better === "lower" ? [at(0), at(0.98)] : [at(0.02), at(1)];
  }

  /** Draws the field as ink: none at the good end of the range, all at the bad one. */
  drawField(ink, better, [low, high]) {
    const { values, heat, extent } = this.field;
    const bad = values.map((value) => Math.max(0, better === "lower" ? value - low : high - value));
    const image = heat.paint(bad, ink, 0.7, high - low || 1);
    this.plot.setLayers({ underlays: [{ image, extent, smooth: true, alpha: 0.85 }] });
  }

  /** The place of the field that is worst. */
  worst(better) {
    const { values, side, extent } = this.field;
    let at = 0;
    for (let k = 1; k < values.length; k++) if (better === "lower" ? values[k] > values[at] : values[k] < values[at]) at = k;
    const [x0, x1, y0, y1] = extent;
    const size = (x1 - x0) / side;
    return { x: x0 + ((at % side) + 0.5) * size, y: y1 - (Math.floor(at / side) + 0.5) * ((y1 - y0) / side), index: null };
  }
}
