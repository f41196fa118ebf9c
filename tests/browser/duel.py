"""The Compare page as a user meets it: two maps, two images, and the words between them."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.explorer import Explorer

SIDES = ("left", "right")
DIGITS = "left=digits-ae-2d&right=digits-vae-2d"


class Duel:
    """One browser session on the Compare page."""

    def __init__(self, open_page: Open, server: str, query: str = "", **options: object) -> None:
        self.explorer: Explorer = open_page(query, address=f"{server}/compare", wait=False, **options)
        self.page: Page = self.explorer.page
        self.maps = [self.page.get_by_label(f"Latent map, {side}") for side in SIDES]
        self.images = [self.page.locator(f".shown .{side} img") for side in SIDES]
        self.live = [self.page.locator(f".shown .{side} canvas") for side in SIDES]
        for image in self.images:
            expect(image).to_have_attribute("alt", re.compile("^Decoded image of"), timeout=60_000)
        self.explorer.until(lambda: "left" in self.query)

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.page.url).query).items()}

    def at(self, side: int, x: float, y: float) -> tuple[float, float]:
        box = self.maps[side].bounding_box()
        assert box
        return box["x"] + x, box["y"] + y

    def exact(self, side: int) -> NDArray[np.uint8]:
        return Explorer.pixels(self.images[side])

    def z(self, side: int) -> tuple[float, ...]:
        """The point that a side shows, by its readout."""
        return numbers(self.page.locator(f".half.{SIDES[side]} .readout").inner_text())

    def full(self, side: int) -> tuple[float, ...]:
        """The point that a side shows, on all its axes: by the words under its image where there are more than two."""
        words = self.page.locator(f".shown .{SIDES[side]} figcaption").inner_text().splitlines()
        return numbers(words[0].removeprefix("z = ")) if words and words[0].startswith("z = ") else self.z(side)

    def pixel(self, side: int, z: NDArray[np.floating]) -> tuple[float, float]:
        """Where a latent point lies on a side's map, by what the map says of two places."""
        self.page.get_by_role("button", name="Same place").click()
        seen = []
        for x, y in ((40, 60), (160, 180)):
            self.page.mouse.move(*self.at(side, x, y))
            self.explorer.frame()
            seen.append((*self.z(side), 0.0)[:2])
        self.page.get_by_role("button", name="Same image").click()
        (x0, y0), (x1, y1) = seen
        scale = (x1 - x0) / 120  # a model of one axis has no other to read it off
        ahead = (float(z[1]) - y0) / (y1 - y0) * 120 + 60 if y1 != y0 else self.middle(side)
        return self.at(side, 40 + (float(z[0]) - x0) / scale, ahead)

    def middle(self, side: int) -> float:
        """How far down the single axis of a model lies: in the middle of what is above the axis's figures."""
        box = self.maps[side].bounding_box()
        assert box
        return box["height"] / 2 - 10

    @property
    def places(self) -> list[tuple[float, ...]]:
        return [self.full(k) for k in (0, 1)]


def numbers(text: str) -> tuple[float, ...]:
    """Reads a tuple as the page writes it."""
    return tuple(map(float, text.strip("()").replace("\u2212", "-").split(",")))


def tile(sheet: NDArray[np.uint8], index: int, size: int, across: int = 8) -> NDArray[np.uint8]:
    """One picture of a sheet of square ones."""
    row, column = divmod(index, across)
    return sheet[size * row : size * row + size, size * column : size * column + size]
