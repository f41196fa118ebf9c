// The latent map: what the page around the scatter plot needs, and its state's way to Python.

const SENT_AFTER = 150; // ms of rest after which a key press, a zoom or a weight is reported
const SNAP = 0.04; // decades within which a dragged KL weight takes a marked value
const SWITCHES = { atlas: "Atlas", prior: "Prior" };

/** Splits what Python's `pack` wrote: the header's length, the header, each array on a multiple of four bytes. */
function unpack(bytes) {
  const whole = bytes.slice(); // a copy of its own starts on a multiple of four
  const length = new DataView(whole.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(whole.subarray(4, 4 + length)));
  const types = { float32: Float32Array, uint8: Uint8Array };
  const arrays = {};
  for (const { name, type, start, count } of header.arrays) {
    arrays[name] = new types[type](whole.buffer, start, count);
  }
  return { ...header, ...arrays };
}

/** Three significant digits, and one decimal where there would be none. */
function weightText(beta) {
  const text = String(Number(beta.toPrecision(3)));
  return text.includes(".") || beta >= 10 ? text : `${text}.0`;
}

class LatentMap {
  constructor(root) {
    this.root = root;
    this.find = (selector) => root.querySelector(selector);
    this.abort = new AbortController();
    this.hidden = new Set();
    this.layers = new Set();
    this.pin = { x: 0, y: 0, index: null };
    this.timers = {};
    this.plot = new Scatter(this.find("canvas"), {
      hover: (place) => this.hover(place),
      click: (place) => this.pinAt(place),
      view: (view) => this.later("view", [view.x, view.y, view.half].map((v) => Number(v.toPrecision(5)))),
      key: (event) => this.key(event),
    });
    this.listenToWeight();
  }

  destroy() {
    this.abort.abort();
    this.plot.destroy();
    Object.values(this.timers).forEach(clearTimeout);
  }

  /** Tells Python now; a report of the same kind that still waits is dropped. */
  tell(name, value) {
    clearTimeout(this.timers[name]);
    this.send(name, value);
  }

  /** Tells Python when nothing newer came for a while. */
  later(name, value) {
    clearTimeout(this.timers[name]);
    this.timers[name] = setTimeout(() => this.send(name, value), SENT_AFTER);
  }

  /** Takes what Python sent; the same bytes again change nothing that the user has set since. */
  update(data, send) {
    this.send = send;
    this.restyle();
    if (data.version === this.version) return;
    const first = data.model !== this.data?.model;
    this.version = data.version;
    this.data = data;
    this.plot.set({
      xy: data.mean,
      labels: data.labels,
      colours: Uint32Array.from(data.colours, packed),
      axes: data.axes,
    });
    if (first) this.start(data.start);
    this.showAtlas();
    this.showPin();
  }

  /** The state that the link, or a newly chosen model, begins with. */
  start({ pin, hidden, layers, window: seen, beta }) {
    const { home } = this.data;
    this.pin = pin;
    this.hidden = new Set(hidden);
    this.layers = new Set(layers);
    this.plot.setHome({ x: home[0], y: home[1], half: home[2] });
    if (seen) this.plot.setView({ x: seen[0], y: seen[1], half: seen[2] }, true);
    this.buildLegend();
    this.buildSwitches();
    this.buildWeight(beta);
    this.showHidden();
    this.showLayers();
  }

  restyle() {
    const style = getComputedStyle(this.find(".map"));
    const colour = (name) => style.getPropertyValue(name).trim();
    this.plot.set({
      style: {
        text: colour("--st-text-color"),
        background: colour("--st-background-color"),
        font: style.fontFamily,
        size: 0.85 * parseFloat(style.fontSize),
      },
    });
    if (this.data) this.showAtlas();
  }

  // Pin -------------------------------------------------------------------------------------

  pinAt(place) {
    this.pin = place;
    this.showPin();
    this.tell("click", place);
  }

  showPin() {
    const { index } = this.pin;
    const { mean, std } = this.data;
    if (index !== null && 2 * index < mean.length) {
      this.pin = { x: mean[2 * index], y: mean[2 * index + 1], index };
      const ellipse = { ...this.pin, rx: std[2 * index], ry: std[2 * index + 1] };
      this.plot.setLayers({ marker: this.pin, ellipses: ellipse.rx > 0 ? [ellipse] : [] });
    } else {
      this.plot.setLayers({ marker: this.pin, ellipses: [] });
    }
  }

  key(event) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in arrows) this.step(arrows[event.key], event.shiftKey ? 10 : 1);
    else if (event.key === "+" || event.key === "=") this.plot.zoom(1.25);
    else if (event.key === "-") this.plot.zoom(0.8);
    else if (event.key === "0") this.plot.setView(this.plot.home);
    else if (event.key === "Enter") this.tell("click", this.pin);
    else return;
    event.preventDefault();
  }

  /** Moves the pin by hundredths of the view; a pinned image becomes a place on the plane. */
  step([dx, dy], times) {
    const size = (times * this.plot.view.half) / 50;
    const x = this.plot.rounded(this.pin.x + dx * size);
    const y = this.plot.rounded(this.pin.y + dy * size);
    this.pin = { x, y, index: null };
    this.showPin();
    this.hover(this.pin);
    this.later("click", this.pin);
  }

  hover(place) {
    const number = (value) => this.plot.rounded(value).toFixed(2).replace("-", "\u2212");
    const point = place && place.index !== null ? `${this.data.names[this.data.labels[place.index]]} \u00b7 image ${place.index} \u00b7 ` : "";
    this.find(".readout").textContent = place ? `${point}(${number(place.x)}, ${number(place.y)})` : "";
  }

  // Classes ---------------------------------------------------------------------------------

  buildLegend() {
    const { names, colours } = this.data;
    const buttons = names.map((name, k) => {
      const button = this.button(name, (event) => (event.altKey ? this.isolate(k) : this.toggle(k)));
      button.style.setProperty("--class", colours[k]);
      button.title = "Click to hide or show, double-click for this class alone";
      button.addEventListener("dblclick", () => this.isolate(k));
      return button;
    });
    const all = this.button("Show all", () => this.hide([]));
    all.className = "all";
    this.find(".legend").replaceChildren(...buttons, all);
  }

  toggle(k) {
    const hidden = new Set(this.hidden);
    if (!hidden.delete(k)) hidden.add(k);
    this.hide(hidden);
  }

  isolate(k) {
    this.hide(this.data.names.map((_, other) => other).filter((other) => other !== k));
  }

  hide(classes) {
    this.hidden = new Set(classes);
    this.showHidden();
    this.later("hidden", [...this.hidden].sort((a, b) => a - b));
  }

  showHidden() {
    const buttons = [...this.find(".legend").children];
    buttons.forEach((button, k) => button.setAttribute("aria-pressed", String(!this.hidden.has(k))));
    const all = buttons.at(-1);
    all.removeAttribute("aria-pressed");
    all.hidden = this.hidden.size === 0;
    const hidden = new Uint8Array(256);
    this.hidden.forEach((k) => (hidden[k] = 1));
    this.plot.set({ hidden });
  }

  // Layers ----------------------------------------------------------------------------------

  buildSwitches() {
    const buttons = this.data.switches.map((name) =>
      this.button(SWITCHES[name], () => {
        if (!this.layers.delete(name)) this.layers.add(name);
        this.showLayers();
        this.tell("layers", [...this.layers].sort());
      }),
    );
    this.find(".switches").replaceChildren(...buttons);
  }

  showLayers() {
    this.data.switches.forEach((name, k) =>
      this.find(".switches").children[k].setAttribute("aria-pressed", String(this.layers.has(name))),
    );
    const contours = [1, 2, 3].map((radius) => ({ x: 0, y: 0, radius, label: `${radius}\u03c3` }));
    this.plot.setLayers({ circles: this.layers.has("prior") ? contours : [] });
    this.showAtlas();
  }

  /** Shows the atlas in the text's colour, so that it reads on a light and on a dark page. */
  async showAtlas() {
    const { atlas, atlas_extent: extent } = this.data;
    const ink = this.plot.style.text;
    if (!atlas || !this.layers.has("atlas")) return this.plot.setLayers({ underlay: null });
    if (this.tinted?.atlas !== atlas || this.tinted.ink !== ink) {
      const picture = await createImageBitmap(new Blob([atlas], { type: "image/png" }));
      if (atlas !== this.data.atlas || this.abort.signal.aborted) return; // a newer one came meanwhile
      this.tinted = { atlas, ink, image: tint(picture, ink) };
    }
    if (this.layers.has("atlas")) this.plot.setLayers({ underlay: { image: this.tinted.image, extent } });
  }

  // KL weight -------------------------------------------------------------------------------

  listenToWeight() {
    const input = this.find("input");
    const signal = this.abort.signal;
    let dragged = false;
    input.addEventListener("pointerdown", () => (dragged = true), { signal });
    input.addEventListener("keydown", () => (dragged = false), { signal });
    input.addEventListener(
      "input",
      () => {
        const nearest = Math.round(input.value);
        if (dragged && Math.abs(input.value - nearest) < SNAP) input.value = nearest;
        this.showWeight();
      },
      { signal },
    );
    input.addEventListener("change", () => this.later("beta", this.weight), { signal });
  }

  get weight() {
    return Number((10 ** Number(this.find("input").value)).toPrecision(4));
  }

  buildWeight(beta) {
    const range = this.data.beta_range;
    this.find(".weight").hidden = !range;
    if (!range) return;
    const [low, high] = range.map(Math.log10);
    const input = this.find("input");
    Object.assign(input, { min: low, max: high, value: Math.log10(beta) });
    const marks = [];
    for (let power = Math.ceil(low - 1e-9); power <= high + 1e-9; power++) {
      const mark = document.createElement("span");
      mark.textContent = power === 0 ? "1 = ELBO" : String(Number((10 ** power).toPrecision(1)));
      mark.className = power === 0 ? "main" : "";
      mark.style.left = `${(100 * (power - low)) / (high - low)}%`;
      marks.push(mark);
    }
    this.find(".marks").replaceChildren(...marks);
    this.showWeight();
  }

  showWeight() {
    const text = weightText(this.weight);
    this.find("input").setAttribute("aria-valuetext", text);
    this.find(".weight output").textContent = text;
  }

  button(text, click) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.addEventListener("click", click);
    return button;
  }
}

/** Returns a grey picture as ink of one colour: white is opaque, black is clear. */
function tint(picture, ink) {
  const canvas = document.createElement("canvas");
  canvas.width = picture.width;
  canvas.height = picture.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = ink;
  context.fillRect(0, 0, 1, 1);
  const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
  context.drawImage(picture, 0, 0);
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < image.data.length; i += 4) {
    const level = image.data[i];
    image.data.set([r, g, b, 0.45 * level], i);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

const maps = new WeakMap();

/** Called by Streamlit at first and whenever the data or the theme changes; returns the clean-up. */
export default function ({ data, parentElement, setStateValue }) {
  let map = maps.get(parentElement);
  if (!map) maps.set(parentElement, (map = new LatentMap(parentElement)));
  map.update(unpack(data), setStateValue);
  return () => {
    map.destroy();
    maps.delete(parentElement);
  };
}
