// What every page does with a scatter plot of codes.

function decoderOf({ decoder, weights, grid, tiles, shape }) {
  return decoder ? new DenseDecoder(decoder, weights) : new TileDecoder(grid, tiles, roomFor(shape).length);
}

/** Gives a plot the world's classes, axes and home square. */
function dress(plot, { home: [x, y, half], labels, colours, axes }) {
  plot.setHome({ x, y, half });
  plot.set({ labels, colours: Uint32Array.from(colours, packed), axes });
}

/** Returns a plot's style as the page's theme has it. */
function styleOf(element) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(name).trim();
  const size = 0.85 * parseFloat(style.fontSize);
  return { text: colour("--st-text-color"), background: colour("--st-background-color"), font: style.fontFamily, size };
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** Does what a key on a plot asks for: step(dx, dy) in latent units, pin(), zoom, or another KL weight. */
function mapKey(event, { plot, weight, step, pin = null }) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const size = ((event.shiftKey ? 10 : 1) * plot.view.half) / 50;
  if (event.key in ARROWS) step(...ARROWS[event.key].map((way) => way * size));
  else if (event.key === "+" || event.key === "=") plot.zoom(1.25);
  else if (event.key === "-") plot.zoom(0.8);
  else if (event.key === "0") plot.setView(plot.home);
  else if (event.key === "[") weight.nudge(-1);
  else if (event.key === "]") weight.nudge(1);
  else if (event.key === "Enter" && pin) pin();
  else return;
  event.preventDefault();
}

/** Fills a tab list, and shows the panel of the tab that is open. */
function showTabs(find, tabs, open, choose) {
  const buttons = Object.entries(tabs).map(([name, text]) => {
    const button = newButton(text, () => (choose(name), find(".tabs [aria-selected=true]").focus()));
    button.setAttribute("role", "tab");
    button.setAttribute("aria-selected", String(name === open));
    find(`.tab.${name}`).hidden = name !== open;
    find(`.tab.${name}`).setAttribute("aria-label", text);
    return button;
  });
  find(".tabs").replaceChildren(...buttons);
}
