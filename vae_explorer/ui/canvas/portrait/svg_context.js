// A canvas' 2-D context that writes SVG: what draws the map on the screen draws the file.

const SVG_ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text from outside as XML takes it: marked-up characters escaped, those that XML does not know left out. */
function xmlText(text) {
  const known = [...String(text)].filter((c) => /[\t\n\r\u0020-\ud7ff\ue000-\ufffd]/u.test(c) || c.codePointAt(0) > 0xffff);
  return known.join("").replace(/[&<>"]/g, (c) => SVG_ESCAPES[c]);
}

export const shortNumber = (value) => String(Number(value.toFixed(2)));

/** Knows what scatter/layers.js asks for: paths, whole circles and ellipses, text, images, one clip at a time. */
export class SvgContext {
  constructor() {
    this.ruler = document.createElement("canvas").getContext("2d"); // measures text
    Object.assign(this, { parts: [], open: [], moves: [], clips: 0, globalAlpha: 1, lineWidth: 1, dash: [], lineJoin: "miter" });
    Object.assign(this, { fillStyle: "#000", strokeStyle: "#000", font: "10px sans-serif", textAlign: "start" });
    this.textBaseline = "alphabetic";
    this.imageSmoothingEnabled = true;
    this.beginPath();
  }

  /** Writes an element; numbers are shortened, text is escaped. */
  write(tag, attributes, text = null) {
    const all = Object.entries(attributes).map(([name, value]) => ` ${name}="${typeof value === "number" ? shortNumber(value) : xmlText(value)}"`);
    this.parts.push(`<${tag}${all.join("")}${text === null ? "/>" : `>${xmlText(text)}</${tag}>`}`);
  }

  group(attributes) {
    this.write("g", attributes);
    this.parts.push(this.parts.pop().replace("/>", ">"));
  }

  save() {
    this.open.push({ groups: 0, moves: [...this.moves] });
  }

  restore() {
    const { groups, moves } = this.open.pop();
    for (let k = 0; k < groups; k++) this.parts.push("</g>");
    this.moves = moves;
  }

  clip() {
    const id = `clip${++this.clips}`;
    this.parts.push(`<clipPath id="${id}"><path d="${this.d}"/></clipPath>`);
    this.group({ "clip-path": `url(#${id})` });
    if (this.open.length) this.open.at(-1).groups++;
  }

  translate(x, y) {
    this.moves.push(`translate(${shortNumber(x)} ${shortNumber(y)})`);
  }

  rotate(angle) {
    this.moves.push(`rotate(${shortNumber((angle * 180) / Math.PI)})`);
  }

  // Paths -----------------------------------------------------------------------------------

  beginPath() {
    Object.assign(this, { d: "", round: null });
  }

  step(letter, ...values) {
    this.d += letter + values.map(shortNumber).join(" ");
  }

  moveTo(x, y) {
    this.step("M", x, y);
  }

  lineTo(x, y) {
    this.step(this.d ? "L" : "M", x, y);
  }

  closePath() {
    this.d += "Z";
  }

  rect(x, y, width, height) {
    this.d += `M${shortNumber(x)} ${shortNumber(y)}h${shortNumber(width)}v${shortNumber(height)}h${shortNumber(-width)}Z`;
  }

  roundRect(x, y, width, height) {
    this.rect(x, y, width, height);
  }

  arc(x, y, radius) {
    this.ellipse(x, y, radius, radius);
  }

  /** A whole ellipse; alone in its path, it is written as one. */
  ellipse(x, y, rx, ry) {
    this.round = this.d ? null : { cx: x, cy: y, rx, ry };
    this.step("M", x + rx, y);
    for (const way of [-1, 1]) this.step("A", rx, ry, 0, 1, 1, x + way * rx, y);
  }

  setLineDash(dash) {
    this.dash = dash;
  }

  outline(paint) {
    const { round, d } = this;
    const whole = round && d.split("A").length === 3 && !d.includes("L");
    if (whole && round.rx === round.ry) this.write("circle", { cx: round.cx, cy: round.cy, r: round.rx, ...paint });
    else if (whole) this.write("ellipse", { ...round, ...paint });
    else if (d) this.write("path", { d, ...paint });
  }

  get stroked() {
    const { strokeStyle, lineWidth, globalAlpha, dash } = this;
    const dashes = dash.length ? { "stroke-dasharray": dash.join(" ") } : {};
    return { fill: "none", stroke: strokeStyle, "stroke-width": lineWidth, "stroke-opacity": globalAlpha, "stroke-linejoin": "round", ...dashes };
  }

  stroke() {
    this.outline(this.stroked);
  }

  fill() {
    this.outline({ fill: this.fillStyle, "fill-opacity": this.globalAlpha });
  }

  // Text and images -------------------------------------------------------------------------

  measureText(text) {
    this.ruler.font = this.font;
    return this.ruler.measureText(text);
  }

  text(text, x, y, paint) {
    if (text === "") return;
    const [, weight = "400", size, family] = /^(?:(\d+) )?([\d.]+)px (.*)$/.exec(this.font);
    const anchor = { center: "middle", right: "end", end: "end" }[this.textAlign] ?? "start";
    const middle = this.textBaseline === "middle" ? 0.35 * Number(size) : 0; // programs differ on dominant-baseline
    const turned = this.moves.length ? { transform: this.moves.join(" ") } : {};
    const type = { "font-family": family, "font-size": Number(size), "font-weight": weight, "text-anchor": anchor };
    this.write("text", { x, y: y + middle, ...turned, ...type, ...paint }, text);
  }

  fillText(text, x, y) {
    this.text(text, x, y, { fill: this.fillStyle, "fill-opacity": this.globalAlpha });
  }

  strokeText(text, x, y) {
    this.text(text, x, y, this.stroked);
  }

  drawImage(image, x, y, width, height) {
    const smooth = this.imageSmoothingEnabled ? {} : { style: "image-rendering:pixelated" };
    const place = { x, y, width, height, preserveAspectRatio: "none", opacity: this.globalAlpha, ...smooth };
    this.write("image", { ...place, "xlink:href": image.toDataURL("image/png") });
  }

  /** Returns the file. */
  finish(width, height, title) {
    const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
    const names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"';
    return `<?xml version="1.0" encoding="UTF-8"?>\n<svg ${names} ${size}>\n<title>${xmlText(title)}</title>\n${this.parts.join("\n")}\n</svg>\n`;
  }
}
