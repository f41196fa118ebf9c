// The picture as a file: charts as they are, canvases as pictures, words where they stand, with a title above.

import { svgNode } from "./marks.js";

const ROOM = 40; // px above the picture, for the title
const LARGER = 2; // pixels of a PNG a CSS px
const INHERITED = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-opacity",
  "stroke-dasharray",
  "opacity",
  "font-size",
  "font-family",
  "font-weight",
  "text-anchor",
  "visibility",
];

/** Copies a chart with all that style sheets say of it. @param {SVGElement} original */
function styled(original) {
  const copy = /** @type {SVGElement} */ (original.cloneNode(true));
  const pairs = [original, ...original.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((node, k) => {
    if (!(node instanceof SVGElement)) return;
    const style = getComputedStyle(pairs[k]);
    for (const name of INHERITED) node.style.setProperty(name, style.getPropertyValue(name));
  });
  return copy;
}

/** Whether something is seen. @param {Element} node */
const isSeen = (node) => node.checkVisibility({ visibilityProperty: true, opacityProperty: true });

/** Returns a picture as one SVG. @param {HTMLElement} picture @param {string} title */
export function svgPicture(picture, title) {
  const frame = picture.getBoundingClientRect();
  const { color, fontFamily } = getComputedStyle(picture);
  const width = Math.ceil(frame.width);
  const height = Math.ceil(frame.height) + ROOM;
  const whole = svgNode("svg", { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${width} ${height}`, width, height });
  const ground = getComputedStyle(picture).getPropertyValue("--st-background-color").trim();
  whole.append(svgNode("rect", { width, height, fill: ground || "white" }));
  const heading = svgNode("text", { x: 12, y: 24, fill: color, "font-family": fontFamily, "font-size": 16, "font-weight": 600 });
  heading.textContent = title;
  whole.append(heading);
  for (const node of picture.querySelectorAll("svg, canvas, img, p, figcaption, output, span, dt, dd, td, th, button, label, small, h3")) {
    if (!isSeen(node)) continue;
    const { left, top, width: w, height: h } = node.getBoundingClientRect();
    const [x, y] = [left - frame.left, top - frame.top + ROOM];
    if (node instanceof SVGSVGElement) {
      const copy = styled(node);
      Object.entries({ x, y, width: w, height: h }).forEach(([name, value]) => copy.setAttribute(name, String(value)));
      whole.append(copy);
    } else if (node instanceof HTMLCanvasElement && node.width * node.height > 0) {
      whole.append(svgNode("image", { x, y, width: w, height: h, href: node.toDataURL(), preserveAspectRatio: "none", style: "image-rendering: pixelated" }));
    } else if (node instanceof HTMLImageElement) {
      whole.append(svgNode("image", { x, y, width: w, height: h, href: node.src, preserveAspectRatio: "none", style: "image-rendering: pixelated" }));
    } else if (node instanceof HTMLElement) whole.append(...wordsOf(node, frame));
  }
  return new XMLSerializer().serializeToString(whole);
}

/** The text that stands in an element itself, line by line where it stands. @param {HTMLElement} node @param {DOMRect} frame */
function wordsOf(node, frame) {
  const style = getComputedStyle(node);
  const made = [];
  for (const child of node.childNodes) {
    if (!(child instanceof Text) || !child.data.trim()) continue;
    const range = document.createRange();
    range.selectNodeContents(child);
    const { left, top, height } = range.getBoundingClientRect();
    const lines = range.getClientRects().length || 1;
    const size = parseFloat(style.fontSize);
    const place = { x: left - frame.left, y: top - frame.top + ROOM + height / lines / 2 + size / 3 };
    const word = svgNode("text", { ...place, fill: style.color, "font-size": size, "font-family": style.fontFamily, "font-weight": style.fontWeight });
    word.textContent = child.data.trim();
    made.push(word);
  }
  return made;
}

/**
 * Saves a picture as it is seen.
 * @param {HTMLElement} picture @param {"png" | "svg"} kind @param {{stem: string, title: string}} words
 */
export async function savePicture(picture, kind, { stem, title }) {
  const text = svgPicture(picture, title);
  const vector = new Blob([text], { type: "image/svg+xml" });
  const blob = kind === "svg" ? vector : await pngOf(vector);
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: `${stem}.${kind}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** @param {Blob} vector @returns {Promise<Blob>} */
async function pngOf(vector) {
  const image = new Image();
  image.src = URL.createObjectURL(vector);
  await image.decode();
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: LARGER * image.width, height: LARGER * image.height });
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser draws on no canvas.");
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("This picture is too large."))), "image/png"));
}
