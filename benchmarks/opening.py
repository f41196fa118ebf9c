"""Seconds from the first session of a fresh server to an interactive map, with no network.

    VAE_EXPLORER_DATA=../shared/data unshare --net sh -c "ip link set lo up; python -m benchmarks.opening"

`unshare` cuts the network (it needs root); without it the rest measures the same. The clock starts
when the browser asks for the page, and stops when the map and the decoded image are there and a
click in the plane has brought another image.
"""

from __future__ import annotations

import re
import shutil
import socket
import statistics
import subprocess
import sys
import time

from playwright.sync_api import Browser, expect, sync_playwright

ROUNDS = 5


def opening(browser: Browser) -> tuple[float, float]:
    """Returns seconds to map and image, and to the answer of the first click."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
    command += ["--server.address=127.0.0.1", f"--server.port={port}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(port)
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            start = time.perf_counter()
            page.goto(f"http://127.0.0.1:{port}")
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
        finally:
            server.terminate()
    return opened, clicked


def _wait(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("the server did not start")


def main() -> None:
    """Prints medians and the slowest round."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        rounds = [opening(browser) for _ in range(ROUNDS)]
        browser.close()
    for what, seconds in zip(("map and image", "first click answered"), zip(*rounds, strict=True), strict=True):
        print(
            f"{what}: median {statistics.median(seconds):.2f} s, slowest {max(seconds):.2f} s ({ROUNDS} fresh servers)"
        )


if __name__ == "__main__":
    main()
