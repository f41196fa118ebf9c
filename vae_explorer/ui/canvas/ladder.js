// Where codes lie at any KL weight, between the rungs that Python sent.

class Ladder {
  constructor({ rungs, mean, std, latent, labels }) {
    Object.assign(this, { rungs, mean, std, latent });
    this.count = labels.length;
    this.xy = new Float32Array(2 * this.count); // the map's two axes, interleaved
    this.spread = new Float32Array(2 * this.count);
  }

  /** Moves all codes to a KL weight; fills `xy` and `spread`, in latent units. */
  climb(beta) {
    const place = rungOf(this.rungs, beta);
    this.blend(this.mean, place, this.xy);
    this.blend(this.std, place, this.spread);
  }

  blend(values, { rung, share }, out) {
    const { latent, count } = this;
    const low = rung * count * latent;
    const high = share ? low + count * latent : low;
    if (latent === 2) {
      for (let i = 0; i < out.length; i++) out[i] = values[low + i] + share * (values[high + i] - values[low + i]);
      return;
    }
    for (let i = 0; i < count; i++) {
      for (let axis = 0; axis < Math.min(2, latent); axis++) {
        const k = i * latent + axis;
        out[2 * i + axis] = values[low + k] + share * (values[high + k] - values[low + k]);
      }
    }
  }

  /** Returns the posterior of one image on all axes: {mean, std}. */
  posterior(index, beta) {
    const { rung, share } = rungOf(this.rungs, beta);
    const low = (rung * this.count + index) * this.latent;
    const high = share ? low + this.count * this.latent : low;
    const at = (values) =>
      Array.from({ length: this.latent }, (_, k) => values[low + k] + share * (values[high + k] - values[low + k]));
    return { mean: at(this.mean), std: at(this.std) };
  }
}
