"""What stands around every page, at every width, by keyboard, and for a screen reader."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open

BOXES = (Path(__file__).parent / "boxes.js").read_text(encoding="utf-8")
WIDTHS = (360, 430, 640, 641, 767, 768, 900, 901, 1093, 1101, 1280, 1366, 1920, 3840)
PAGES = ("", "compare", "train", "data")


def arrived(page: Page, name: str) -> None:
    """Waits until a page shows what it has to show."""
    last = {
        "": page.get_by_role("img", name=re.compile("^Decoded image at")),
        "compare": page.locator(".verdict table"),
        "train": page.get_by_role("button", name="Train", exact=True),
        "data": page.get_by_role("heading", name="Your data sets"),
    }[name]
    expect(last).to_be_visible(timeout=60_000)
    page.wait_for_timeout(300)


@pytest.mark.parametrize("name", PAGES)
def test_nothing_overlaps_at_any_width(open_page: Open, server: str, name: str) -> None:
    """From a phone to a wall: no text or control lies over another, and nothing is wider than the page."""
    page = open_page(address=f"{server}/{name}".rstrip("/"), wait=False).page
    arrived(page, name)
    wrong = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 2160 if width > 2000 else 900})
        page.wait_for_timeout(150)
        found = page.evaluate(BOXES)
        assert found["count"] > 20
        if found["wrong"]:
            wrong[width] = found["wrong"]
    assert not wrong, "\n".join(f"{width}: {'; '.join(each)}" for width, each in wrong.items())
