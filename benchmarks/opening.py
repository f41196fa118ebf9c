"""Seconds from the first session of a fresh server to an interactive map, with no network.

    VAE_EXPLORER_DATA=../shared/data unshare --net sh -c "ip link set lo up; python -m benchmarks.opening"

`unshare` cuts the network (it needs root); without it the rest measures the same. The clock starts
when the browser asks for the page, and stops when the map and the decoded image are there and a
click in the plane has brought another image.
"""

from __future__ import annotations

import re
import statistics
import time

from playwright.sync_api import Browser, expect

from benchmarks._server import new_page, open_browser, serve

ROUNDS = 5


def opening(browser: Browser) -> tuple[float, float]:
    """Returns seconds to map and image, and to the answer of the first click."""
    with serve() as server:
        page = new_page(browser)
        start = time.perf_counter()
        page.goto(server.address)
        latent_map, image = page.get_by_label("Latent map"), page.get_by_alt_text(re.compile("^Decoded image at z"))
        expect(latent_map).to_be_visible(timeout=60_000)
        expect(image).to_be_visible(timeout=60_000)
        opened = time.perf_counter() - start
        before = image.get_attribute("alt")
        box = latent_map.bounding_box()
        assert box
        page.mouse.click(box["x"] + 0.7 * box["width"], box["y"] + 0.15 * box["height"])
        expect(image).not_to_have_attribute("alt", str(before), timeout=60_000)
        clicked = time.perf_counter() - start
        page.close()
    return opened, clicked


def main() -> None:
    """Prints medians and the slowest round."""
    with open_browser() as browser:
        rounds = [opening(browser) for _ in range(ROUNDS)]
    for what, seconds in zip(("map and image", "first click answered"), zip(*rounds, strict=True), strict=True):
        print(
            f"{what}: median {statistics.median(seconds):.2f} s, slowest {max(seconds):.2f} s ({ROUNDS} fresh servers)"
        )


if __name__ == "__main__":
    main()
