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


class Explorer:
    """One browser session on the Explore page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.map = page.get_by_label("Latent map")
        self.weight = page.get_by_role("slider", name="KL weight")
        self.decoded = page.get_by_role("img", name=ALT)
        self.original = page.get_by_role("img", name=re.compile("^Original image"))
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

    def click(self, x: float, y: float) -> None:
        """Clicks at pixels from the map's corner."""
        box = self.map.bounding_box()
        assert box
        self.page.mouse.click(box["x"] + x, box["y"] + y)

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
        return np.asarray(Image.open(io.BytesIO(self.map.screenshot())).convert("RGB"))
