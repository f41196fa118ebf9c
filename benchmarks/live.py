"""How live the map is: work a pointer move and a step of the KL weight cost, and how exact the browser is.

    VAE_EXPLORER_DATA=../shared/data python -m benchmarks.live

Headless Chromium without a GPU, mnist-vae-2d, 1280 x 720. Work is the time of all JavaScript that runs
on the main thread for one frame: event handlers and animation frames, wrapped before the page loads.
The mouse moves at its own pace (some hundred events a second reach the page once a frame each). The
steps of the weight move codes, prior, ellipse, curve and image; with "all layers" also atlas, density,
class contours, all posteriors and magnification. The browser's decoder is compared with PyTorch's on
1,000 points drawn from the prior, and from one twice as wide, at five KL weights; codes between the
rungs with PyTorch's for 10,000 images. On the Compare page both maps and both images follow.
"""

from __future__ import annotations

import base64
import itertools
import re

import numpy as np
from playwright.sync_api import Browser, Page, expect

from benchmarks._server import VIEWPORT, open_browser, p95, serve
from vae_explorer.checkpoints import checkpoints
from vae_explorer.data import Images, load
from vae_explorer.latent.encoding import decode, encode
from vae_explorer.ui.canvas.modules import joined
from vae_explorer.ui.canvas.wire import addressed
from vae_explorer.ui.shell.messages import rungs_of, world
from vae_explorer.ui.state.limits import Limits

POINTS = 1000

EVENTS = 200
BETAS = (0.001, 0.02, 0.3, 1.0, 7.0)
LAYERS = ("Atlas", "Density", "Class contours", "Posteriors", "Magnification")
PROBE = """
const frame = window.requestAnimationFrame.bind(window);
window.probe = { spent: 0, work: [], times: [], on: false };
const timed = (f) => (...rest) => { const a = performance.now(); try { return f(...rest); }
  finally { probe.spent += performance.now() - a; } };
window.requestAnimationFrame = (f) => frame(timed(f));
const listen = EventTarget.prototype.addEventListener;
EventTarget.prototype.addEventListener = function (type, f, options) {
  const move = ["pointermove", "input"].includes(type) && typeof f === "function";
  return listen.call(this, type, move ? timed(f) : f, options); };
const { port1, port2 } = new MessageChannel(); // a message comes after a frame's callbacks, which follow its events
port1.onmessage = () => { if (probe.on && probe.spent) probe.work.push(probe.spent); probe.spent = 0; };
(function tick(now) { if (probe.on) probe.times.push(now); port2.postMessage(0); frame(tick); })();
"""


def start(page: Page) -> None:
    page.evaluate("() => Object.assign(probe, { work: [], times: [], on: true })")


def stop(page: Page, what: str) -> None:
    """Prints what the events since `start` cost."""
    page.wait_for_timeout(100)
    work, times = page.evaluate("() => { probe.on = false; return [probe.work, probe.times]; }")
    rate = 1000 / float(np.median(np.diff(times)))
    print(f"{what:42} {np.median(work):6.2f} {p95(work):6.2f} ms  {len(work):4} frames with work, {rate:3.0f} frames/s")


def opened(browser: Browser, address: str, image: str = ".decoded img") -> Page:
    page = browser.new_page(viewport=VIEWPORT)  # type: ignore[arg-type]
    page.add_init_script(PROBE)
    page.goto(address)
    expect(page.locator(image)).to_have_attribute("alt", re.compile("^Decoded"), timeout=60_000)
    page.wait_for_timeout(3000)
    return page


def hover(page: Page, label: str = "Latent map") -> None:
    box = page.get_by_label(label).bounding_box()
    assert box
    start(page)
    for k in range(EVENTS):
        angle = 2 * np.pi * k / EVENTS
        page.mouse.move(box["x"] + box["width"] * (0.5 + 0.3 * np.cos(angle)), box["y"] + 200 + 120 * np.sin(3 * angle))
    stop(page, f"hover, {label}")


def drag(page: Page, what: str) -> None:
    box = page.get_by_role("slider", name="KL weight").bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.7 * box["width"], y)
    page.mouse.down()
    start(page)
    for k in range(EVENTS):
        page.mouse.move(box["x"] + box["width"] * (0.5 + 0.45 * np.sin(2 * np.pi * k / EVENTS)), y)
    stop(page, what)
    page.mouse.up()
    page.wait_for_timeout(500)


def all_layers(page: Page) -> None:
    for name in LAYERS:
        page.get_by_role("button", name=name).click()
        page.wait_for_timeout(1500)


def decoder(browser: Browser) -> None:
    """Prints how far the browser's images are from PyTorch's."""
    checkpoint = checkpoints.load(checkpoints.find("mnist-vae-2d"))
    limits = Limits(model="", latent=2, beta=None, home=(0, 0, 4), images=1, classes=10)
    images = Images(np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.int64), ("",), "")
    message = world(checkpoint, images, limits)
    page = browser.new_page()
    page.add_script_tag(content=joined("wire.js", "products.js", "decoder.js"))
    page.evaluate(
        """text => { const world = unpack(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
        window.decoder = new DenseDecoder(world.decoder, world.weights); }""",
        base64.b64encode(addressed("", message)).decode(),
    )
    for width in (1, 2):
        z = width * np.random.default_rng(0).standard_normal((POINTS, 2)).astype(np.float32)
        errors = []
        for beta in BETAS:
            grey = page.evaluate(
                """([points, beta]) => points.map((z) => { const grey = new Uint8ClampedArray(784);
                decoder.decode(z, beta, grey); return [...grey]; })""",
                [z.tolist(), beta],
            )
            errors.append(np.abs(np.array(grey) - 255 * decode(checkpoint.arrays, z, beta).reshape(POINTS, -1)))
        print(
            f"browser's image, {POINTS:,} z of N(0, {width}^2) at {len(BETAS)} KL weights: "
            f"mean error {np.mean(errors):.3f} of 255, worst {np.max(errors):.2f}"
        )


def codes() -> None:
    """Prints how far codes and spreads between the rungs are from PyTorch's."""
    checkpoint = checkpoints.load(checkpoints.find("mnist-vae-2d"))
    pixels = load("mnist", "test").pixels
    rungs = rungs_of(checkpoint.config)
    sent = [
        [each.astype(np.float16).astype(np.float32) for each in encode(checkpoint.arrays, pixels, b)] for b in rungs
    ]
    errors, factors = [], []
    for k, share in itertools.product(range(len(rungs) - 1), (0.25, 0.5, 0.75)):
        exact = encode(checkpoint.arrays, pixels, float(rungs[k] ** (1 - share) * rungs[k + 1] ** share))
        (low, low_std), (high, high_std) = sent[k], sent[k + 1]
        errors.append(np.linalg.norm((1 - share) * low + share * high - exact.mean, axis=1))
        factors.append(np.abs(np.log(low_std) * (1 - share) + np.log(high_std) * share - np.log(exact.std)))
    print(
        f"codes between {len(rungs)} rungs: mean error {np.mean(errors):.4f}, worst {np.max(errors):.2f} latent units"
    )
    print(f"their standard deviations: mean error {np.mean(factors):.2%}, worst {np.max(factors):.1%}")


def main() -> None:
    """Prints medians and 95th percentiles."""
    codes()
    with open_browser() as browser:
        decoder(browser)
        print(f"{'':42} median    p95")
        for points in (10_000, 60_000):
            with serve(points=points) as server:
                page = opened(browser, server.address)
                print(f"{points:,} points")
                hover(page)
                compared = opened(browser, f"{server.address}/compare", ".shown .right img")
                hover(compared, "Latent map, right")
                drag(compared, "drag, both maps")
                compared.close()
                drag(page, "drag, as it opens")
                all_layers(page)
                drag(page, "drag, all layers")
                page.close()


if __name__ == "__main__":
    main()
