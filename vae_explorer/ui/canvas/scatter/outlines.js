// Outlines of ten thousand ellipses a frame: one quadrant is computed, and mirrored into the pixels.

const COVERAGES = 16; // steps in which an outline's edge is softened
const OUTLINED = 1.5e6; // px written a frame, 4 ms: beyond it outlines are dotted, so that the time has a bound

export class Outlines {
  constructor() {
    this.arc = new Int32Array(0); // a quadrant: dx, dy, coverage of each pixel
    this.seen = new Uint32Array(0);
    this.over = new Uint32Array((COVERAGES + 1) * 256);
    this.alpha = 0; // what `over` is for
  }

  /**
   * Where outlines meet, the last one's colour stays (a mean of ten colours is mud) and the alpha grows.
   * @param {Uint32Array} words the picture, RGBA, row by row
   * @param {number} width of the picture, px
   * @param {Float32Array} xy interleaved centres, in data units
   * @param {Float32Array} std interleaved half-axes, in data units
   * @param {Uint8Array} labels one class an ellipse
   * @param {Uint32Array} colours packed colour of each class
   * @param {Uint8Array} hidden 1 for each class that is not drawn
   * @param {{ax: number, bx: number, ay: number, by: number}} map pixel = a * data + b
   * @param {number} alpha of a single outline, 0 to 1
   */
  draw(words, width, xy, std, labels, colours, hidden, map, alpha) {
    const height = words.length / width;
    const { count, length } = this.gather(width, height, xy, std, labels, hidden, map);
    const stride = Math.min(64, Math.ceil(length / OUTLINED));
    if (this.arc.length < 6 * (width + height + 4)) this.arc = new Int32Array(6 * (width + height + 4));
    const pen = { words, width, height, over: this.overlaps(alpha), arc: this.arc, colour: 0 };
    for (let k = 0; k < count; k++) {
      const i = this.seen[k];
      const x = Math.round(map.ax * xy[2 * i] + map.bx);
      const y = Math.round(map.ay * xy[2 * i + 1] + map.by);
      pen.colour = colours[labels[i]];
      outline(pen, x, y, Math.abs(map.ax) * std[2 * i], Math.abs(map.ay) * std[2 * i + 1], stride, i % stride);
    }
  }

  /**
   * Lists the ellipses that can be seen, and counts what their outlines will write.
   * @param {number} width @param {number} height @param {Float32Array} xy @param {Float32Array} std @param {Uint8Array} labels
   * @param {Uint8Array} hidden @param {import("./raster.js").PixelMap} map
   */
  gather(width, height, xy, std, labels, hidden, map) {
    if (this.seen.length < labels.length) this.seen = new Uint32Array(labels.length);
    let count = 0;
    let length = 0;
    for (let i = 0; i < labels.length; i++) {
      if (hidden[labels[i]]) continue;
      const rx = Math.abs(map.ax) * std[2 * i];
      const ry = Math.abs(map.ay) * std[2 * i + 1];
      if (!(rx > 1 || ry > 1)) continue; // it lies below its point
      const x = map.ax * xy[2 * i] + map.bx;
      const y = map.ay * xy[2 * i + 1] + map.by;
      if (!(x + rx > 0 && y + ry > 0 && x - rx < width && y - ry < height)) continue;
      this.seen[count++] = i;
      length += 8 * Math.min(Math.hypot(rx, ry), width + height);
    }
    return { count, length };
  }

  /** For each coverage and alpha below, the alpha above, in its place in a word. @param {number} alpha */
  overlaps(alpha) {
    if (alpha === this.alpha) return this.over;
    this.alpha = alpha;
    for (let k = 0; k < this.over.length; k++) {
      const above = (alpha * (k >> 8)) / COVERAGES;
      this.over[k] = Math.round(255 * above + (k & 255) * (1 - above)) << 24;
    }
    return this.over;
  }
}

/**
 * What an outline is written with: the picture, what its alphas become, room for a quadrant, a packed colour.
 * @typedef {{words: Uint32Array, width: number, height: number, over: Uint32Array, arc: Int32Array, colour: number}} OutlinePen
 */

/**
 * A soft line, one px wide; a stride beyond 1 leaves gaps.
 * @param {OutlinePen} pen @param {number} x @param {number} y @param {number} rx @param {number} ry @param {number} stride @param {number} phase
 */
function outline(pen, x, y, rx, ry, stride, phase) {
  const { width, height, arc } = pen;
  const diagonal = Math.hypot(rx, ry);
  const [left, top] = [Math.max(0, -x, x - width), Math.max(0, -y, y - height)]; // nothing nearer is in the picture
  const right = Math.min((rx * rx) / diagonal, Math.max(x, width - x));
  const bottom = Math.min((ry * ry) / diagonal, Math.max(y, height - y));
  const columns = quadrant(arc, 0, left + phase, right, stride, rx, ry, 0);
  const all = quadrant(arc, columns, top + phase, bottom, stride, ry, rx, 1);
  if (x - rx > 1 && y - ry > 1 && x + rx < width - 2 && y + ry < height - 2) mirror(pen, x, y, all);
  else mirrorClipped(pen, x, y, all);
}

/**
 * Writes the flat arc of a quadrant column by column (`along` 0) or the steep one row by row (1): each crosses two
 * pixels, which share its coverage. Returns the end of what it wrote from `n` on.
 * @param {Int32Array} arc @param {number} n @param {number} from @param {number} to @param {number} stride @param {number} along
 * @param {number} across @param {number} axis
 */
function quadrant(arc, n, from, to, stride, along, across, axis) {
  for (let u = from; u <= to; u += stride, n += 6) {
    const v = across * Math.sqrt(1 - (u * u) / (along * along));
    arc[n + axis] = arc[n + 3 + axis] = u;
    arc[n + 1 - axis] = v;
    arc[n + 4 - axis] = v + 1;
    arc[n + 5] = COVERAGES * (v - arc[n + 1 - axis]) + 0.5;
    arc[n + 2] = COVERAGES - arc[n + 5];
  }
  return n;
}

/**
 * Puts the first n numbers of a quadrant into all four; what lies on an axis only once.
 * @param {OutlinePen} pen @param {number} x @param {number} y @param {number} n
 */
function mirror({ words, width, over, arc, colour }, x, y, n) {
  const centre = y * width + x;
  for (let k = 0; k < n; k += 3) {
    const dx = arc[k];
    const row = arc[k + 1] * width;
    const level = arc[k + 2] << 8;
    const a = centre + row + dx;
    const b = centre - row - dx;
    words[a] = over[level | (words[a] >>> 24)] | colour;
    words[b] = over[level | (words[b] >>> 24)] | colour;
    if (dx === 0 || row === 0) continue;
    const c = centre + row - dx;
    const d = centre - row + dx;
    words[c] = over[level | (words[c] >>> 24)] | colour;
    words[d] = over[level | (words[d] >>> 24)] | colour;
  }
}

/** The same for an ellipse that crosses the picture's edge. @param {OutlinePen} pen @param {number} x @param {number} y @param {number} n */
function mirrorClipped({ words, width, height, over, arc, colour }, x, y, n) {
  for (let k = 0; k < n; k += 3) {
    const level = arc[k + 2] << 8;
    for (let turn = 0; turn < 4; turn++) {
      const dx = turn & 1 ? -arc[k] : arc[k];
      const dy = turn & 2 ? -arc[k + 1] : arc[k + 1];
      if (x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height) continue;
      if ((turn & 1 && dx === 0) || (turn & 2 && dy === 0)) continue;
      const at = (y + dy) * width + x + dx;
      words[at] = over[level | (words[at] >>> 24)] | colour;
    }
  }
}
