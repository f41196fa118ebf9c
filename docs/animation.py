"""Makes the animation that README opens with, from the real browser's frames, and its picture of Compare.

    VAE_EXPLORER_DATA=../shared/data python -m docs.animation

Serves the app and drives headless Chromium at 1280 x 720: the pointer glides over the map of mnist-vae-2d, drags the
KL weight from 1 down to 0.01, up to 10 and back, opens Compare, goes into a gap of the autoencoder and clicks its first
worst spot. After each step of the mouse it waits until the browser has drawn, and takes the screen as it is. A step is
a frame, so the animation says nothing of speed, which `python -m benchmarks.live` measures; what the server takes to
open Compare and to compute its field is left out. A headless browser draws no pointer: one is laid over the page.

The gap is one of those where a look tells both decoders apart; the worst spots are the page's own choice.
`--frames FOLDER` keeps the frames as PNG files, to be looked at. An error in the browser's console ends it.
"""

from __future__ import annotations

import argparse
import io
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from benchmarks._server import VIEWPORT, open_browser, serve

TARGET = Path(__file__).with_name("live.webp")
STILL = Path(__file__).with_name("compare.png")
LARGE = {"width": 1920, "height": 1080}  # px, of the still
WIDTH = 900  # px
FRAME = 80  # ms
MOST = 3_000_000  # bytes
QUALITIES = range(92, 20, -4)  # of WebP; the first that fits

EXPLORED = "mnist-vae-2d"
CROSSED = "mnist-ae-2d"  # the left one of the pair that Compare opens with
# Where the pointer goes, in latent coordinates.
OVER_CLASSES = [(-1.6, -1.7), (-2.0, -0.5), (-1.7, 1.3), (0.0, 1.6), (1.9, 0.9), (1.2, -0.1), (0.45, 0.0)]
INTO_A_GAP = [(-3.0, -4.0), (-12.0, -1.0), (-15.0, 4.0), (-17.0, 12.0), (-18.5, 14.5)]

POINTER = """
addEventListener("DOMContentLoaded", () => {
  const pointer = Object.assign(document.createElement("div"), { id: "pointer" });
  Object.assign(pointer.style, { position: "fixed", left: "-32px", top: "-32px", zIndex: 2147483647 });
  pointer.style.pointerEvents = "none";
  pointer.innerHTML = `<svg width="64" height="64" viewBox="-32 -32 64 64" stroke-width="2">
    <circle r="15" fill="#1f66c1" fill-opacity="0.3" stroke="#1f66c1" visibility="hidden"/>
    <path d="M0 0V22L5.4 17.2L8.9 25.4L12.6 23.8L9.2 15.8L16.2 15.2Z" fill="#16191f" stroke="#ffffff"/></svg>`;
  document.documentElement.append(pointer);
  const ring = pointer.querySelector("circle");
  const listen = (type, f) => addEventListener(type, f, { capture: true });
  listen("pointermove", ({ clientX, clientY }) => (pointer.style.transform = `translate(${clientX}px, ${clientY}px)`));
  listen("pointerdown", () => ring.setAttribute("visibility", "visible"));
  listen("pointerup", () => ring.setAttribute("visibility", "hidden"));
});
"""
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

Points = NDArray[np.float64]  # (N, 2)


class Plane(NamedTuple):
    """Where a map's latent points lie on the screen: `origin + scale * z`."""

    origin: Points
    scale: Points

    def on_screen(self, z: Sequence[tuple[float, float]]) -> Points:
        return self.origin + self.scale * np.array(z, np.float64)


class Camera:
    """A page, its mouse, and the frames that were taken of it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.at = np.array([640.0, 400.0])
        self.frames: list[Image.Image] = []

    def shoot(self, count: int = 1) -> None:
        """Takes so many frames, each of a screen that is drawn."""
        for _ in range(count):
            self.page.evaluate(DRAWN)
            self.frames.append(Image.open(io.BytesIO(self.page.screenshot())).convert("RGB"))

    def move(self, place: Points) -> None:
        self.at = place
        self.page.mouse.move(*map(float, place))

    def glide(self, places: Points, count: int) -> None:
        """Moves the mouse from where it is along all places, in so many frames; it starts and ends slowly."""
        for place in _along(np.vstack([self.at, places]), count):
            self.move(place)
            self.shoot()

    def press(self, rest: int = 2) -> None:
        """Clicks where the mouse is; the button is seen pressed for so many frames."""
        self.page.mouse.down()
        self.shoot(rest)
        self.page.mouse.up()


def main() -> None:
    """Records, writes the file and prints what it has become."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=Path, help="a folder for the frames as PNG files")
    kept: Path | None = parser.parse_args().frames
    begun = time.perf_counter()
    frames, still = record()
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
        for k, frame in enumerate(frames):
            frame.save(kept / f"{k:03}.png", compress_level=1)
    quality = write(frames, TARGET)
    STILL.write_bytes(still)
    seconds = len(frames) * FRAME / 1000
    print(f"{TARGET}: {len(frames)} frames, {seconds:.1f} s, {TARGET.stat().st_size / 1e6:.2f} MB at quality {quality}")
    print(f"made in {time.perf_counter() - begun:.0f} s")


def record() -> tuple[list[Image.Image], bytes]:
    """Returns all frames, and a large picture of Compare as PNG.

    Raises:
        RuntimeError: If the browser's console had an error.
    """
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(f"{message.text} {message.location.get('url', '')}")

    with serve() as server, open_browser() as browser:
        page = browser.new_page(viewport=VIEWPORT, device_scale_factor=1, color_scheme="light")  # type: ignore[arg-type]
        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.add_init_script(POINTER)
        page.add_init_script("localStorage.setItem('vae-explorer hint', 'seen')")
        page.goto(f"{server.address}/?model={EXPLORED}")
        camera = Camera(page)
        _explore(camera)
        _compare(camera)
        still = _large(page)
        page.close()
    if errors:
        raise RuntimeError("\n".join(["the browser's console says:", *errors]))
    return camera.frames, still


def _explore(camera: Camera) -> None:
    """The pointer over the map, and the KL weight down, up and back."""
    page = camera.page
    expect(page.locator(".decoded img")).to_have_attribute("alt", re.compile("^Decoded"), timeout=60_000)
    expect(page.get_by_text("will appear here")).to_be_hidden(timeout=60_000)  # the curve of rate and distortion
    shown = page.get_by_label("Latent map", exact=True)
    plane = _plane(camera, shown, page.locator(".readout"))
    _still(page)
    way = plane.on_screen(OVER_CLASSES)
    camera.move(way[0] + [0, 60])
    camera.shoot(4)
    camera.glide(way, 50)
    camera.shoot(2)
    weight = page.get_by_role("slider", name="KL weight")
    box = weight.bounding_box()
    assert box
    least, most = (float(weight.get_attribute(name) or 0) for name in ("min", "max"))

    def thumb(beta: float) -> Points:
        assert box
        share = (np.log10(beta) - least) / (most - least)
        return np.array([[box["x"] + 9 + share * (box["width"] - 18), box["y"] + box["height"] / 2]])

    camera.glide(thumb(1), 9)
    page.mouse.down()
    camera.shoot(2)
    for beta, count in ((0.01, 16), (10, 22), (1, 10)):
        camera.glide(thumb(beta), count)
        expect(page.locator(".weight output")).to_have_text(re.compile(rf"^{beta:g}(\.0)?$"))
        camera.shoot(2)
    page.mouse.up()
    _still(page)
    camera.shoot(2)


def _compare(camera: Camera) -> None:
    """A gap of the autoencoder, what both decoders make of it, and the first worst spot."""
    page = camera.page
    link = page.get_by_role("link", name="Compare")
    camera.glide(_middle(link), 9)
    camera.press()
    expect(page.locator(".shown .right img")).to_have_attribute("alt", re.compile("^Decoded"), timeout=60_000)
    _computed(page)
    left = parse_qs(urlsplit(page.url).query).get("left")
    if left != [CROSSED]:
        raise RuntimeError(f"Compare opens with {left} on the left: say in `INTO_A_GAP` where the gaps of that one lie")
    start = camera.at
    plane = _plane(camera, page.get_by_label("Latent map, left"), page.locator(".half.left .readout"))
    camera.move(start)
    _still(page)
    camera.shoot(6)
    camera.glide(plane.on_screen(INTO_A_GAP), 40)
    camera.shoot(10)
    camera.glide(_middle(page.get_by_role("button", name="Worst spot 1, left")), 10)
    camera.press()
    page.wait_for_url(re.compile("spot="))
    _computed(page)
    camera.shoot(20)


def _large(page: Page) -> bytes:
    """Returns a large picture of the page, without the pointer."""
    page.set_viewport_size(LARGE)  # type: ignore[arg-type]
    page.mouse.move(1, 1)
    page.evaluate("() => document.getElementById('pointer').remove()")
    _still(page)
    return page.screenshot()


def _plane(camera: Camera, shown: Locator, readout: Locator) -> Plane:
    """Returns where a map's points lie, read off it at two places."""
    box = shown.bounding_box()
    assert box
    places, points = [], []
    for share in (0.25, 0.75):
        before = readout.inner_text()
        places.append(np.array([box["x"] + share * box["width"], box["y"] + share * box["height"]]))
        camera.move(places[-1])
        expect(readout).not_to_have_text(before)
        camera.page.evaluate(DRAWN)
        points.append(
            np.array([float(each) for each in readout.inner_text().strip("()").replace("\u2212", "-").split(",")])
        )
    scale = (places[1] - places[0]) / (points[1] - points[0])
    return Plane(places[0] - scale * points[0], scale)


def _computed(page: Page) -> None:
    """Waits for the whole of both fields, and for the classes of the draws."""
    for selector in (".gaps p", ".counts .left", ".counts .right"):
        expect(page.locator(selector)).not_to_contain_text(re.compile("Computing|first pass|Counting"), timeout=120_000)
    expect(page.get_by_role("button", name="Worst spot 1, left")).to_be_visible(timeout=60_000)
    _still(page)


def _still(page: Page) -> None:
    """Waits until three looks at the screen, a quarter of a second apart, have seen the same."""
    seen: list[bytes] = []
    for _ in range(120):
        seen = [*seen[-2:], page.screenshot()]
        if len(seen) == 3 and len(set(seen)) == 1:
            return
        page.wait_for_timeout(250)
    raise TimeoutError("the page does not come to rest")


def _middle(place: Locator) -> Points:
    box = place.bounding_box()
    assert box
    return np.array([[box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]])


def _along(corners: Points, count: int) -> Points:
    """Returns places from the first corner, without it, to the last one: corners rounded, both ends slow."""
    steps = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    far = np.concatenate([[0], np.cumsum(steps)])
    even = np.linspace(0, far[-1], 400)
    line = np.stack([np.interp(even, far, corners[:, axis]) for axis in (0, 1)], axis=1)
    if len(corners) > 2:
        around = 20
        padded = np.vstack([2 * line[0] - line[around:0:-1], line, 2 * line[-1] - line[-2 : -around - 2 : -1]])
        window = np.ones(2 * around + 1) / (2 * around + 1)
        line = np.stack([np.convolve(padded[:, axis], window, "valid") for axis in (0, 1)], axis=1)
    share = np.arange(1, count + 1) / count
    eased = share * share * (3 - 2 * share)
    return np.stack([np.interp(eased, np.linspace(0, 1, len(line)), line[:, axis]) for axis in (0, 1)], axis=1)


def write(frames: Sequence[Image.Image], target: Path) -> int:
    """Writes an endless animated WebP of the best quality that fits, and returns that quality.

    Raises:
        RuntimeError: If none fits.
    """
    size = WIDTH, round(WIDTH * VIEWPORT["height"] / VIEWPORT["width"])
    first, *others = [frame.resize(size, Image.Resampling.LANCZOS) for frame in frames]
    for quality in QUALITIES:
        made = io.BytesIO()
        options = {"duration": FRAME, "loop": 0, "quality": quality, "method": 4, "minimize_size": True}
        first.save(made, "WEBP", save_all=True, append_images=others, **options)
        if made.tell() <= MOST:
            target.write_bytes(made.getvalue())
            return quality
    raise RuntimeError(f"no quality makes {len(frames)} frames fit {MOST:,} bytes")


if __name__ == "__main__":
    main()
