"""The Explore page as a user meets it: by role, name and pixel."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page, expect

ALT = re.compile(r"^Decoded image at z = \((-?\d+\.\d\d), (-?\d+\.\d\d)\)")


def painted(canvas: Locator, channels: int = 1) -> NDArray[np.uint8]:
    """Returns the grey levels, or colours, that a canvas holds in its own pixels."""
    height, width, values = canvas.evaluate(
        """canvas => { const { width, height } = canvas;
        return [height, width, [...canvas.getContext("2d").getImageData(0, 0, width, height).data]]; }"""
    )
    pixels = np.array(values, np.uint8).reshape(height, width, 4)
    return pixels[..., 0] if channels == 1 else pixels[..., :channels]


def seen(place: Locator) -> NDArray[np.uint8]:
    """Returns a place of the page as the screen shows it, `(H, W, 3)`."""
    return np.asarray(Image.open(io.BytesIO(place.screenshot())).convert("RGB"))


class Explorer:
    """One browser session on the Explore page."""

    def __init__(self, page: Page, wait: bool = True) -> None:
        self.page = page
        self.map = page.get_by_label("Latent map")
        self.weight = page.get_by_role("slider", name="KL weight")
        self.decoded = page.get_by_role("img", name=ALT)
        self.live = page.locator(".decoded canvas")
        self.readout = page.locator(".readout")
        self.strip = page.get_by_role("list", name="Pinned points")
        self.original = page.get_by_role("img", name=re.compile("^Original image"))
        if not wait:
            return
        expect(self.map).to_be_visible(timeout=30_000)
        expect(self.decoded).to_be_visible(timeout=30_000)
        self.until(lambda: "model" in self.query)

    @property
    def query(self) -> dict[str, str]:
        """What the address bar says now."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.page.url).query).items()}

    @property
    def alt(self) -> str:
        return self.decoded.get_attribute("alt") or ""

    @property
    def coordinates(self) -> tuple[float, float]:
        """The two numbers that the decoded image's alternative text begins with."""
        found = ALT.match(self.alt)
        assert found, self.alt
        return float(found[1]), float(found[2])

    def until(self, holds: Callable[[], bool], seconds: float = 10) -> None:
        for _ in range(int(20 * seconds)):
            if holds():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"waited {seconds} s in vain at {self.page.url}")

    @property
    def box(self) -> tuple[float, float]:
        """Where the map's corner lies on the page."""
        box = self.map.bounding_box()
        assert box
        return box["x"], box["y"]

    def hover(self, x: float, y: float) -> tuple[float, float]:
        """Moves the mouse to pixels from the map's corner and returns the point that the map names there."""
        before = self.readout.inner_text()
        left, top = self.box
        self.page.mouse.move(left + x, top + y)
        self.until(lambda: self.readout.inner_text() not in ("", before))
        self.frame()
        zx, zy = self.readout.inner_text().strip("()").replace("\u2212", "-").split(",")
        return float(zx), float(zy)

    def leave(self) -> None:
        self.page.mouse.move(2, 2)

    def frame(self) -> None:
        """Waits until the browser has drawn what is due."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def live_pixels(self, channels: int = 1) -> NDArray[np.uint8]:
        """Returns the grey levels, or colours, that the browser decoded."""
        return painted(self.live, channels)

    def listeners(self) -> Callable[[], float]:
        """Returns what counts the page's event listeners, those aside that are garbage."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("Performance.enable")

        def count() -> float:
            session.send("HeapProfiler.collectGarbage")
            metrics = session.send("Performance.getMetrics")["metrics"]
            return float(next(each["value"] for each in metrics if each["name"] == "JSEventListeners"))

        return count

    def open_tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()

    def grab_weight(self) -> tuple[float, float, float]:
        """Presses the mouse on the KL weight's thumb; returns the track's left, its width, and y."""
        box = self.weight.bounding_box()
        assert box
        y = box["y"] + box["height"] / 2
        share = self.weight.evaluate("input => (input.value - input.min) / (input.max - input.min)")
        self.page.mouse.move(box["x"] + 9 + share * (box["width"] - 18), y)
        self.page.mouse.down()
        return box["x"] + 9, box["width"] - 18, y

    def click(self, x: float, y: float) -> None:
        """Clicks at pixels from the map's corner."""
        left, top = self.box
        self.page.mouse.click(left + x, top + y)

    def pin(self, x: float, y: float) -> tuple[float, float]:
        """Clicks on the plane and returns the z that the link then names."""
        before = self.query.get("z")
        self.click(x, y)
        self.until(lambda: self.query.get("z") not in (None, before))
        zx, zy = self.query["z"].split(",")
        return float(zx), float(zy)

    def pixel(self, z: tuple[float, float]) -> tuple[float, float]:
        """Returns where a latent point lies on the map, found by two clicks on the plane."""
        (x0, y0), (x1, y1) = self.pin(120, 60), self.pin(520, 360)
        return 120 + 400 * (z[0] - x0) / (x1 - x0), 60 + 300 * (z[1] - y0) / (y1 - y0)

    def set_weight(self, key: str) -> None:
        """Presses a key on the KL weight and waits for the page to answer."""
        before = self.query["beta"]
        self.weight.press(key)
        self.until(lambda: self.query["beta"] != before)

    @staticmethod
    def pixels(image: Locator) -> NDArray[np.uint8]:
        """Returns the grey levels of an image on the page."""
        source = image.get_attribute("src") or ""
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",", 1)[1]))))

    def drawn(self) -> NDArray[np.uint8]:
        """Returns the map as painted."""
        return seen(self.map)
