"""The frame of the page Theory in a browser: the course by key, predictions, terms, links, pictures, and no channel."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET  # of a file that the page under test wrote

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Open
from tests.browser.test_shell import faults
from vae_explorer.ui.theory.course import ORDER

BOXES = (Path(__file__).parent / "boxes.js").read_text(encoding="utf-8")
LOWEST = """picture => Math.max(...[...picture.querySelectorAll(":not(svg *)")].filter((node) => node.checkVisibility())
    .map((node) => node.getBoundingClientRect()).filter((box) => box.width && box.height).map((box) => box.bottom))"""
SVG = "{http://www.w3.org/2000/svg}"


def opened(open_page: Open, server: str, query: str, **options: object) -> Page:
    page: Page = open_page(query, address=f"{server}/theory", wait=False, **options).page
    expect(page.locator(".theory .question")).not_to_be_empty(timeout=60_000)
    expect(page.locator(".formula .katex").first).to_be_visible(timeout=60_000)
    return page


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def number(place: Locator) -> float:
    text = place.inner_text().replace("\u2212", "-").replace(",", "").split("\u00b1")[0]
    found = re.search(r"-?\d+(\.\d+)?", text)
    assert found, text
    return float(found[0])


def test_page_keys_lead_through_the_course_and_each_screen_is_a_link(open_page: Open, server: str) -> None:
    """All screens in their order; each shows its formula by KaTeX, a picture, and itself in the link; and back."""
    page = opened(open_page, server, "screen=ring&seed=3")
    steps = page.locator(".course li button")
    assert steps.count() == len(ORDER)
    for k, name in enumerate(ORDER):
        if k:
            page.keyboard.press("PageDown")
        expect(page.locator(f".course [data-name={name}]")).to_have_attribute("aria-current", "step")
        expect(page.locator(f".picture.{name}")).to_be_visible(timeout=30_000)
        expect(page.locator(".formula .katex").first).to_be_visible()
        expect(page.locator(".picture").locator("svg, canvas").first).to_be_attached(timeout=30_000)
        page.wait_for_function(f"location.search.includes('screen={name}&')", timeout=30_000)
        assert query(page)["seed"] == "3"
        assert page.locator(".trouble").inner_text() == ""
    assert page.get_by_role("button", name="Next screen").is_disabled()
    page.keyboard.press("PageUp")
    expect(page.locator(f".picture.{ORDER[-2]}")).to_be_visible(timeout=30_000)


@pytest.mark.parametrize("name", ORDER)
def test_a_screen_is_whole_at_1280_and_reached_by_everybody(open_page: Open, server: str, name: str) -> None:
    """Nothing is cut off or lies over another at 1,280 x 720 and on a phone; WCAG's level AA in both themes."""
    page = opened(open_page, server, f"screen={name}")
    skip = page.get_by_role("button", name="Skip")
    if skip.is_visible():
        skip.click()
    page.mouse.move(2, 2)  # what lies below the pointer now may be a term, which dims the others
    page.set_viewport_size({"width": 1280, "height": 720})
    page.wait_for_timeout(700)
    low = page.locator(".picture").evaluate(LOWEST)
    assert low <= 720.5
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 720})
        page.wait_for_timeout(400)
        if scheme == "dark":
            assert faults(page) == []
        else:
            assert page.evaluate(BOXES)["wrong"] == [], width


def test_a_prediction_comes_first_and_hides_the_numbers(open_page: Open, server: str) -> None:
    page = opened(open_page, server, "screen=kl")
    numbers = page.locator(".formula .number:not([hidden])")
    expect(numbers.first).not_to_be_empty(timeout=30_000)
    expect(numbers.first).to_be_hidden()
    page.locator(".choices button").first.click()
    expect(page.locator(".prediction .truth")).to_contain_text("You said: ")
    expect(numbers.first).to_be_visible()
    page.reload()
    expect(page.locator(".formula .number").first).to_be_visible(timeout=30_000)  # it is asked once a visit


def test_a_term_and_its_marks_are_lit_together(open_page: Open, server: str) -> None:
    page = opened(open_page, server, "screen=kl")
    page.get_by_role("button", name="Skip").click()
    term = page.locator(".formula [data-term]").first
    name = term.get_attribute("data-term")
    other = page.locator(f".formula [data-term]:not([data-term={name}])").first
    mark = page.locator(f".picture [data-term~={name}]").first
    expect(mark).to_be_attached(timeout=30_000)
    term.hover()
    expect(other).to_have_class(re.compile(r"\bdim\b"))
    expect(mark).to_have_class(re.compile(r"\blit\b"))
    colours = [place.evaluate("node => getComputedStyle(node).color") for place in (term, mark)]
    assert colours[0] == colours[1]
    page.locator(".question").hover()
    expect(other).not_to_have_class(re.compile(r"\bdim\b"))
    other.focus()
    expect(term).to_have_class(re.compile(r"\bdim\b"))


def test_without_the_channel_a_control_is_answered_by_the_rerun(open_page: Open, server: str) -> None:
    with_channel = opened(open_page, server, "screen=iwae&image=3")
    alone = opened(open_page, server, "screen=iwae&image=3", live=False)
    for page in (with_channel, alone):
        page.get_by_role("button", name="Skip").click()
        page.get_by_role("button", name="Next image").click()
        page.wait_for_function("location.search.includes('image=4')", timeout=30_000)
        page.wait_for_timeout(1500)
    figures = [page.locator(".formula .number").all_inner_texts() for page in (with_channel, alone)]
    assert figures[0] == figures[1]
    assert any(figures[0])


def test_picture_and_numbers_can_be_taken_away(open_page: Open, server: str) -> None:
    page = opened(open_page, server, "screen=kl&image=5")
    page.get_by_role("button", name="Skip").click()
    expect(page.locator(".formula .number").first).not_to_be_empty(timeout=30_000)
    page.get_by_role("button", name="Export").click()
    files = {}
    for label in ("PNG", "SVG", "Numbers (CSV)"):
        with page.expect_download() as download:
            page.get_by_role("button", name=label).click()
        files[download.value.suggested_filename.rsplit(".", 1)[1]] = Path(download.value.path()).read_bytes()
    assert files.keys() == {"png", "svg", "csv"}
    picture = np.asarray(Image.open(io.BytesIO(files["png"])).convert("RGB"))
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
    root = ET.fromstring(files["svg"].decode())
    assert root.tag == f"{SVG}svg"
    assert "image 5" in "".join(root.itertext())
    assert root.findall(f".//{SVG}ellipse")
    rows = {row[0]: row[2] for row in csv.reader(io.StringIO(files["csv"].decode("utf-8-sig")))}
    assert rows["state.image"] == "5"
