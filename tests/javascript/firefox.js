// Firefox, headless, over WebDriver BiDi (https://w3c.github.io/webdriver-bidi): the app at an address, as a user meets it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PATIENCE = 60000; // ms until what is awaited counts as missing
const LEAVING = "Cannot send rerun backMessage when disconnected from server."; // what Streamlit logs of a page that is left
const [, , address, executable = "firefox-esr"] = process.argv;

/** Starts Firefox; returns what sends it a command, all that its pages log as errors, and what ends it. */
async function started() {
  const profile = mkdtempSync(join(tmpdir(), "firefox-"));
  const browser = spawn(executable, ["--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]);
  const url = await new Promise((found, failed) => {
    browser.on("error", failed);
    browser.stderr.on("data", (text) => /WebDriver BiDi listening on (\S+)/.test(text) && found(RegExp.$1));
  });
  const socket = new WebSocket(`${url}/session`);
  await new Promise((opened) => socket.addEventListener("open", opened));
  const waiting = new Map();
  const errors = [];
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(data);
    if (message.method === "log.entryAdded" && message.params.level === "error") errors.push(message.params.text);
    waiting.get(message.id)?.(message);
  });
  let last = 0;
  const send = async (method, params) => {
    const id = ++last;
    const answer = await new Promise((done) => (waiting.set(id, done), socket.send(JSON.stringify({ id, method, params }))));
    if (answer.type === "error") throw new Error(`${method}: ${answer.message}`);
    return answer.result;
  };
  const end = () => (browser.kill(), browser.once("exit", () => rmSync(profile, { recursive: true, force: true, maxRetries: 20 })));
  return { send, errors, end };
}

/** What runs in the page before each question: finds an element, in components too. */
const FIND = `const find = (selector, root = document) => {
  const found = root.querySelector(selector);
  if (found) return found;
  for (const host of root.querySelectorAll("*")) {
    const inner = host.shadowRoot && find(selector, host.shadowRoot);
    if (inner) return inner;
  }
  return null;
};
const pixels = (selector) => {
  const canvas = find(selector);
  if (!canvas?.width) return "";
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return String(data.reduce((sum, value, k) => (sum * 31 + value * (k % 97)) % 1e9, 7));
};`;

const { send, errors, end } = await started();
try {
  await send("session.new", { capabilities: {} });
  const { contexts } = await send("browsingContext.getTree", {});
  const { context } = contexts[0];
  await send("session.subscribe", { events: ["log.entryAdded"] });
  await send("browsingContext.setViewport", { context, viewport: { width: 1280, height: 800 } });

  /** The value of an expression in the page. */
  const ask = async (expression) => {
    const code = `JSON.stringify((() => { ${FIND} return ${expression}; })() ?? null)`;
    const { result, exceptionDetails } = await send("script.evaluate", { expression: code, target: { context }, awaitPromise: true });
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.text}`);
    return JSON.parse(result.value);
  };
  const until = async (words, expression) => {
    const begun = performance.now();
    for (;;) {
      const value = await ask(`Boolean(${expression})`);
      if (value) return console.log(`${words}: yes`);
      if (performance.now() - begun > PATIENCE) throw new Error(`${words}: not within ${PATIENCE / 1000} s; logged: ${errors}`);
      await new Promise((done) => setTimeout(done, 100));
    }
  };
  const mouse = (...actions) => send("input.performActions", { context, actions: [{ type: "pointer", id: "mouse", actions }] });
  const move = ([x, y]) => ({ type: "pointerMove", x: Math.round(x), y: Math.round(y) });
  const press = [
    { type: "pointerDown", button: 0 },
    { type: "pointerUp", button: 0 },
  ];
  const keys = (...values) => {
    const actions = values.flatMap((value) => ["keyDown", "keyUp"].map((type) => ({ type, value })));
    return send("input.performActions", { context, actions: [{ type: "key", id: "keys", actions }] });
  };
  /** A place on a plot, as shares of its width and height. */
  const placeOn = async (plot, across, down) => {
    const box = await ask(`(({ x, y, width, height }) => ({ x, y, width, height }))(find(${JSON.stringify(plot)}).getBoundingClientRect())`);
    return [box.x + across * box.width, box.y + down * box.height];
  };

  await send("browsingContext.navigate", { context, url: address, wait: "complete" });
  console.log(await ask("navigator.userAgent"));

  const PLOT = ".page .plot canvas";
  const SAID = 'find(".terms .elbo b")?.textContent';
  await until("the map is drawn, and an image's numbers are beside it", `find("${PLOT}") && /\\d/.test(${SAID} ?? "")`);
  assert.notEqual(await ask(`pixels("${PLOT}")`), "");

  await mouse(move(await placeOn(PLOT, 0.45, 0.4)));
  await until("hovering decodes a place", 'find(".side.live .decoded canvas")?.hidden === false');
  const first = await ask('pixels(".decoded canvas")');
  await mouse(move(await placeOn(PLOT, 0.7, 0.75)));
  await until("another place decodes to another image", `pixels(".decoded canvas") !== "${first}"`);
  assert.match(await ask('find(".readout").textContent'), /^\(.+, .+\)$/);

  const before = await ask('find(".decoded img").src');
  await mouse(...press);
  await until("a click shows PyTorch's image of it", `find(".decoded img").src !== ${JSON.stringify(before)} && !find(".side").classList.contains("live")`);
  await until("the link names it", "location.search.length > 1");

  await keys("n");
  await until("a key goes to an image, and its numbers come", `find(".terms").hidden === false && /\\d/.test(${SAID})`);

  const whole = await ask(`pixels("${PLOT}")`);
  const [x, y] = (await placeOn(PLOT, 0.5, 0.5)).map(Math.round);
  await send("input.performActions", { context, actions: [{ type: "wheel", id: "wheel", actions: [{ type: "scroll", x, y, deltaX: 0, deltaY: -300 }] }] });
  await until("the wheel zooms", `pixels("${PLOT}") !== "${whole}"`);

  await send("browsingContext.navigate", { context, url: `${address}/compare`, wait: "complete" });
  await until("two maps compare", 'find(".shown .left img")?.src.length > 100 && find(".shown .right img")?.src.length > 100');
  await mouse(move(await placeOn(".half.left .plot canvas", 0.5, 0.5)));
  await until("hovering one decodes on both", 'find(".shown .right canvas")?.hidden === false && find(".half.right .readout").textContent !== ""');

  for (const page of ["train", "data"]) {
    await send("browsingContext.navigate", { context, url: `${address}/${page}`, wait: "complete" });
    await until(`the page ${page} is shown`, 'find("[data-testid=stMain] button") && find("[data-test-script-state=notRunning]")');
    assert.equal(await ask('find("[data-testid=stException]")?.textContent'), null);
  }
  assert.deepEqual(
    errors.filter((text) => text !== LEAVING),
    [],
  );
  console.log("no error was logged: yes");
} finally {
  end();
}
