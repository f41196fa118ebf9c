"""Bytes between browser and server, beyond Streamlit's own files, with 10,000 codes on the map.

    VAE_EXPLORER_DATA=../shared/data python -m benchmarks.wire

Counted are the payloads of all WebSocket messages, both ways, and the bodies of all HTTP responses but
those of Streamlit's frontend: for the first view, for each of 100 clicks, while the pointer moves over
the map, and while the thumb of the KL weight is dragged, before and after it is released.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import mean
from urllib.parse import urlsplit

from playwright.sync_api import Page, Response, WebSocket, expect

from benchmarks._server import new_page, open_browser, serve

MODEL = "mnist-vae-2d"
POINTS = 10_000
CLICKS = 100
MOVES = 200
STEPS = 50  # of the drag
SILENCE = 500  # ms without a byte after which an exchange is over
FRONTEND = ("/", "/static/", "/favicon.png", "/manifest.json")  # Streamlit's own; a name that ends in / is a folder


class Wire:
    """Counts the bytes of a page.

    Arguments:
        page: A page that has not been opened yet.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.messages = 0  # bytes
        self.responses: list[Response] = []
        page.on("websocket", self._listen)
        page.on("response", self._note)

    @contextmanager
    def counting(self, sizes: list[int]) -> Iterator[None]:
        """Appends the bytes of what is done in the block, and of what follows until nothing more comes."""
        start, first = self.messages, len(self.responses)
        yield
        before = (-1, -1)
        while before != (now := (self.messages, len(self.responses))):
            before = now
            self.page.wait_for_timeout(SILENCE)
        fetched = sum(response.request.sizes()["responseBodySize"] for response in self.responses[first:])
        sizes.append(self.messages - start + fetched)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", self._count)
        socket.on("framereceived", self._count)

    def _count(self, payload: str | bytes) -> None:
        self.messages += len(payload)

    def _note(self, response: Response) -> None:
        url = urlsplit(response.url)
        own = any(url.path == name or (len(name) > 1 and url.path.startswith(name)) for name in FRONTEND)
        if url.scheme.startswith("http") and not own:
            self.responses.append(response)


class Places:
    """Random pixels of the map.

    Arguments:
        page: A page that shows the map.
    """

    def __init__(self, page: Page) -> None:
        box = page.get_by_label("Latent map").bounding_box()
        assert box
        self.left, self.top, self.width, self.height = box["x"], box["y"], box["width"], box["height"]
        self.random = random.Random(0)

    def next(self) -> tuple[float, float]:
        """Returns a place that is not at the edge."""
        x, y = self.random.uniform(0.2, 0.8), self.random.uniform(0.1, 0.9)
        return self.left + x * self.width, self.top + y * self.height


def first_view(wire: Wire, address: str) -> None:
    """Opens the page, to the decoded image."""
    wire.page.goto(f"{address}/?model={MODEL}")
    wire.page.locator("img[alt^='Decoded image at z']").wait_for(timeout=60_000)


def hover(page: Page, places: Places) -> None:
    """Moves the pointer over the map, and makes sure that the page noticed."""
    for _ in range(MOVES):
        page.mouse.move(*places.next())
    expect(page.locator(".readout")).not_to_be_empty()


def drag(page: Page) -> None:
    """Drags the thumb of the KL weight without releasing it, and makes sure that the weight moved."""
    slider = page.get_by_role("slider", name="KL weight")
    before = str(slider.get_attribute("aria-valuetext"))
    box = slider.bounding_box()
    assert box
    at = slider.evaluate("input => (input.value - input.min) / (input.max - input.min)")
    x, y = box["x"] + 9 + at * (box["width"] - 18), box["y"] + box["height"] / 2  # the thumb is 18 px wide
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.2 * box["width"], y, steps=STEPS)
    expect(slider).not_to_have_attribute("aria-valuetext", before)


def main() -> None:
    """Prints one line for each kind of exchange."""
    first: list[int] = []
    clicks: list[int] = []
    rest: list[int] = []
    with open_browser() as browser, serve(points=POINTS) as server:
        page = new_page(browser)
        wire = Wire(page)
        with wire.counting(first):
            first_view(wire, server.address)
        paths = sorted({urlsplit(response.url).path for response in wire.responses})
        places = Places(page)
        for _ in range(CLICKS):
            with wire.counting(clicks):
                page.mouse.click(*places.next())
        with wire.counting(rest):
            hover(page, places)
        with wire.counting(rest):
            drag(page)
        with wire.counting(rest):
            page.mouse.up()
    print(f"first view of {MODEL}, {POINTS:,} codes: {first[0] / 1e6:.3f} MB (over HTTP came {', '.join(paths)})")
    print(f"click: mean {mean(clicks) / 1e3:.1f} kB, most {max(clicks) / 1e3:.1f} kB, of {CLICKS}")
    print(f"{MOVES} moves of the pointer over the map: {rest[0]} bytes")
    print(f"drag of the KL weight in {STEPS} steps: {rest[1]} bytes before it is released, {rest[2]} after")


if __name__ == "__main__":
    main()
