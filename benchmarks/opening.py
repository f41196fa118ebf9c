"""Seconds from the first session of a fresh server to an interactive map, with no network.

    VAE_EXPLORER_DATA=../shared/data unshare --net sh -c "ip link set lo up; python -m benchmarks.opening"

`unshare` cuts the network (it needs root); without it the rest measures the same. The clock starts
when the browser asks for the page, and stops when the map and the decoded image are there and a
click in the plane has brought another image. The first server of all finds nothing kept in the
user's cache folder (an empty one here), the others what it kept there.
"""

from __future__ import annotations

import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, expect

from benchmarks._server import new_page, open_browser, serve

ROUNDS = 5


def opening(browser: Browser, afterwards: Callable[[], None] = lambda: None) -> tuple[float, float]:
    """Returns seconds to map and image, and to the answer of the first click; the server ends after `afterwards`."""
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
        afterwards()
        page.close()
    return opened, clicked


def wait_for(folder: Path) -> None:
    """Waits until a first view is kept in a folder: the curve beside the map comes first."""
    for _ in range(300):
        if [*folder.rglob("first-views/*.test")]:
            return
        time.sleep(0.1)
    raise TimeoutError("nothing was kept")


def main() -> None:
    """Prints the first server of all, then medians and the slowest of the others."""
    with open_browser() as browser, tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        first = opening(browser, lambda: wait_for(Path(cache)))
        rounds = [opening(browser) for _ in range(ROUNDS)]
    columns = zip(*rounds, strict=True)
    for what, ever, seconds in zip(("map and image", "first click answered"), first, columns, strict=True):
        print(
            f"{what}: first of all {ever:.2f} s; then median {statistics.median(seconds):.2f} s, "
            f"slowest {max(seconds):.2f} s ({ROUNDS} fresh servers)"
        )


if __name__ == "__main__":
    main()
