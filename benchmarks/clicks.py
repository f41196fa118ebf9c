"""Milliseconds from a click in the plane to PyTorch's image on the screen, against the obvious way.

    VAE_EXPLORER_DATA=../shared/data python -m benchmarks.clicks

`benchmarks/lattice_app.py` is the obvious way, under Streamlit's default settings. Both apps run at
2,000, 10,000 and 60,000 points, all six in one headless Chromium without a GPU; one click in each, then
the next, so that whatever else the machine does slows all of them alike. Only the clicked app's server
runs: the others are stopped (SIGSTOP) meanwhile, so that no app pays for what another does unasked.

The pages take the time themselves: the clock starts with `pointerup` (the event's own time stamp) and
stops with the first animation frame after which the new image, made by PyTorch for that click, is in
the page and loaded. What the browser itself draws meanwhile does not count. A fit of the answered z to
the clicked pixels makes sure that every answer belonged to its click: `error` is the largest distance
between the two (points are taken within 6 px, and the obvious way's lattice has its own grain). Plotly
loses a click now and then; those are counted.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import signal
from statistics import median
from typing import NamedTuple

import numpy as np
from playwright.sync_api import Browser, FloatRect, Page

from benchmarks._server import Server, new_page, open_browser, p95, serve

POINTS = (2_000, 10_000, 60_000)
WARM_UP = 3  # clicks in each app that do not count
REST = 300  # ms that the pointer rests before it is pressed, which Plotly needs to find the point under it
PRESS = 50  # ms from press to release
PATIENCE = 5_000  # ms
DENSE = 0.1  # standard deviation of places where codes are dense, as a share of half the plot
SPAN = 0.8  # of the square plot: no click at its edge, where Plotly's buttons are
Z = re.compile(r"Decoded image at z = \((-?\d+\.\d\d), (-?\d+\.\d\d)\)")

STOPWATCH = """
selector => {
  const roots = new Set();
  let run = null;
  const find = () => [...roots].map(root => root.querySelector(selector)).find(Boolean);
  const label = image => image.alt || image.parentElement.innerText;
  const look = () => {
    const image = run?.start && find();
    if (!image || image.src === run.src || label(image) === run.label || !image.complete) return;
    const { start, done } = run;
    run = null;
    requestAnimationFrame(() => done([performance.now() - start, label(image)]));
  };
  const watch = root => {
    for (const element of root.querySelectorAll("*")) if (element.shadowRoot) watch(element.shadowRoot);
    if (roots.has(root)) return;
    roots.add(root);
    const kinds = { childList: true, characterData: true, attributeFilter: ["src", "alt"] };
    new MutationObserver(look).observe(root, { subtree: true, ...kinds });
    root.addEventListener("load", look, true);
  };
  addEventListener("pointerup", event => run && (run.start ||= event.timeStamp), true);
  window.stopwatch = () => {
    watch(document);
    const { src } = find();
    window.answer = new Promise(done => (run = { src, label: label(find()), done }));
  };
}
"""


class Click(NamedTuple):
    """One click and its answer."""

    at: tuple[float, float]  # pixels
    z: tuple[float, float]  # of the image that came
    ms: float
    code: bool  # whether it hit an image's code, whose answer brings original, posterior, rate and distortion too


class Tab:
    """One app at one number of points in a tab of its own.

    Arguments:
        browser: The browser.
        server: The app's server; it is left stopped, and runs for each click.
        plot: The selector of the plot.
        image: The selector of the decoded image.
    """

    def __init__(self, browser: Browser, server: Server, plot: str, image: str) -> None:
        self.page: Page = new_page(browser)
        self.page.goto(server.address)
        self.plot = self.page.locator(plot).first
        self.page.locator(image).wait_for(timeout=60_000)
        self.plot.wait_for(timeout=60_000)
        self.page.wait_for_timeout(3_000)
        self.page.evaluate(STOPWATCH, image)
        self.pid = server.pid
        os.kill(self.pid, signal.SIGSTOP)
        self.clicks: list[Click] = []
        self.lost = 0  # clicks that brought no image

    def click(self, u: float, v: float) -> None:
        """Clicks at a place of the plot, and keeps what came."""
        if click := self.press(u, v):
            self.clicks.append(click)
        else:
            self.lost += 1

    def press(self, u: float, v: float) -> Click | None:
        """Clicks at a place of the plot, from -1 to 1 on both axes, and waits for the image; None if none came."""
        box: FloatRect | None = self.plot.bounding_box()
        assert box
        half = SPAN * min(box["width"], box["height"]) / 2
        x, y = box["x"] + box["width"] / 2 + u * half, box["y"] + box["height"] / 2 - v * half
        mouse = self.page.mouse
        os.kill(self.pid, signal.SIGCONT)
        mouse.move(x, y)
        self.page.wait_for_timeout(REST)
        self.page.evaluate("stopwatch()")
        mouse.down()
        self.page.wait_for_timeout(PRESS)
        mouse.up()
        ms, label = self.page.evaluate(f"Promise.race([answer, new Promise(r => setTimeout(r, {PATIENCE}, [0, '']))])")
        os.kill(self.pid, signal.SIGSTOP)
        found = Z.search(label)
        return found and Click((x, y), (float(found[1]), float(found[2])), ms, "reconstruction" in label)

    def times(self) -> list[float]:
        """Milliseconds of the clicks that count."""
        return [click.ms for click in self.clicks[WARM_UP:]]

    @property
    def error(self) -> float:
        """The largest distance, in pixels, of an answer from its click; an answer to another click is far off."""
        at, z = (np.array(column) for column in zip(*((click.at, click.z) for click in self.clicks), strict=True))
        distances = []
        for axis in (0, 1):
            scale, offset = np.polyfit(z[:, axis], at[:, axis], 1)
            distances.append(scale * z[:, axis] + offset - at[:, axis])
        return float(np.hypot(*distances).max())


def ours(browser: Browser, server: Server) -> Tab:
    """Opens the app."""
    return Tab(browser, server, "canvas[aria-label='Latent map']", "img[alt^='Decoded image at z']")


def obvious(browser: Browser, server: Server) -> Tab:
    """Opens the obvious way."""
    return Tab(browser, server, ".nsewdrag", "[data-testid=stImageContainer] img")


def measure(count: int) -> tuple[dict[int, tuple[Tab, Tab]], tuple[list[float], list[float]]]:
    """Returns the tabs of the obvious way and of ours by number of points after all clicks, and milliseconds on codes.

    The latter are of ours alone, with the fewest points and with the most, at places where codes are so dense that
    nearly every click hits one in both: an answer about a code brings more than one about the plane.
    """
    places = random.Random(0)
    with contextlib.ExitStack() as stack:
        browser = stack.enter_context(open_browser())
        tabs = {}
        for points in POINTS:
            plain = stack.enter_context(serve("benchmarks/lattice_app.py", points=points, defaults=True))
            app = stack.enter_context(serve(points=points))
            tabs[points] = obvious(browser, plain), ours(browser, app)
        for _ in range(WARM_UP + count):
            u, v = places.uniform(-1, 1), places.uniform(-1, 1)
            for pair in tabs.values():
                for tab in pair:
                    tab.click(u, v)
        few: list[float] = []
        many: list[float] = []
        for _ in range(count):
            u, v = places.gauss(0, DENSE), places.gauss(0, DENSE)
            for points, times in ((POINTS[0], few), (POINTS[-1], many)):
                click = tabs[points][1].press(u, v)
                if click and click.code:
                    times.append(click.ms)
    return tabs, (few, many)


def main() -> None:
    """Prints a table, and the two ratios that matter."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clicks", type=int, default=100, help="in each app, default 100")
    tabs, (few, many) = measure(parser.parse_args().clicks)
    print("ms, median / p95   obvious way             ours      ratio of medians / of p95   error, px    lost")
    for points, (plain, app) in tabs.items():
        a, b = plain.times(), app.times()
        print(
            f"{points:6,} points  {median(a):7.0f} / {p95(a):5.0f}  {median(b):7.0f} / {p95(b):5.0f}  "
            f"{median(a) / median(b):13.1f} / {p95(a) / p95(b):4.1f}  {plain.error:15.1f}, {app.error:.1f}  "
            f"{plain.lost:3}, {app.lost}"
        )
    print(
        f"ours, {POINTS[-1]:,} points against {POINTS[0]:,}, on codes alone: {median(many):.0f} / {p95(many):.0f} ms "
        f"against {median(few):.0f} / {p95(few):.0f}: x {median(many) / median(few):.2f} / {p95(many) / p95(few):.2f} "
        f"({len(many)} and {len(few)} clicks)"
    )


if __name__ == "__main__":
    main()
