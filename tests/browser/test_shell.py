"""What stands around every page, at every width, by keyboard, and for a screen reader."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open

BOXES = (Path(__file__).parent / "boxes.js").read_text(encoding="utf-8")
WIDTHS = (360, 430, 640, 641, 767, 768, 900, 901, 1093, 1101, 1280, 1366, 1920, 3840)
TITLES = {"": "Explore", "compare": "Compare", "train": "Train", "data": "Data"}
PAGES = tuple(TITLES)
BOLD = "canvas => getComputedStyle(canvas).getPropertyValue('--presenter-bold')"
# A page without a clipboard; what the old way copies is caught on its way.
UNSAFE = """
Object.defineProperty(navigator, "clipboard", { value: undefined });
document.addEventListener("copy", () => {
  let at = document.activeElement;
  while (at.shadowRoot) at = at.shadowRoot.activeElement;
  const text = at.value.slice(at.selectionStart, at.selectionEnd);
  window.pasted = () => text;
});
"""


def arrived(page: Page, name: str) -> None:
    """Waits until a page shows what it has to show."""
    last = {
        "": page.get_by_role("img", name=re.compile("^Decoded image at")),
        "compare": page.get_by_label("Verdict").get_by_text("groups of measures"),
        "train": page.get_by_role("button", name="Train", exact=True),
        "data": page.get_by_role("heading", name="Your data sets"),
    }[name]
    expect(last).to_be_visible(timeout=60_000)
    page.wait_for_timeout(300)


LEVELS = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
# Rule and part of the selector, of what Streamlit draws and no style of ours can mend.
STREAMLITS: dict[tuple[str, str], str] = {}


def faults(page: Page) -> list[str]:
    """Returns what axe-core finds against levels A and AA of WCAG 2.2, shadow trees included."""
    found = Axe().run(page, options=LEVELS).response["violations"]
    return [
        f"{rule['id']}: {node['target']} {node['html'][:120]}"
        for rule in found
        for node in rule["nodes"]
        if not any(rule["id"] == name and part in str(node["target"]) for name, part in STREAMLITS)
    ]


def focused(page: Page) -> Any:
    """Returns name and outline of what has the focus, within shadow trees too."""
    return page.evaluate(
        """() => { let at = document.activeElement;
        while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(at);
        const name = at.getAttribute("aria-label") ?? at.innerText ?? "";
        return [name.trim(), (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none"]; }"""
    )


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_every_width_and_is_reached_by_everybody(open_page: Open, server: str, name: str) -> None:
    """From a phone to a wall: no text or control lies over another, and nothing is wider than the page.

    Then in both themes, on a desk and on a phone: names, roles and contrasts as WCAG's level AA asks for. At last by
    the Tab key: each step of the navigation is seen.
    """
    page = open_page(address=f"{server}/{name}".rstrip("/"), wait=False).page
    arrived(page, name)
    assert page.title() == f"{TITLES[name]} \N{EN DASH} VAE Explorer"
    wrong = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 2160 if width > 2000 else 900})
        page.wait_for_timeout(150)
        found = page.evaluate(BOXES)
        assert found["count"] > 20
        if found["wrong"]:
            wrong[width] = found["wrong"]
    assert not wrong, "\n".join(f"{width}: {'; '.join(each)}" for width, each in wrong.items())
    for scheme, width in (("light", 390), ("dark", 1280)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(600)
        assert faults(page) == [], scheme
    passed = []
    for _ in range(6):
        page.keyboard.press("Tab")
        passed.append(focused(page))
    steps = dict(map(tuple, passed))
    assert all(steps.get(title) for title in TITLES.values()), passed


def sizes(page: Page, picture: str) -> tuple[float, float]:
    """Returns the width of a picture and the size of the type, in px."""
    box = page.locator(picture).bounding_box()
    assert box
    size = page.locator(".weight label").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    return box["width"], float(size)


def test_presenting_makes_all_larger_and_hides_the_rest(open_page: Open, server: str) -> None:
    for name, picture in (("", ".original img"), ("compare", ".shown .left img")):
        page = open_page(address=f"{server}/{name}".rstrip("/"), wait=False).page
        arrived(page, name)
        before = sizes(page, picture)
        page.keyboard.press("p")
        expect(page.get_by_role("link", name="Train")).to_be_hidden()
        page.wait_for_timeout(300)
        after = sizes(page, picture)
        assert page.locator("canvas[tabindex]").first.evaluate(BOLD) == "1.5"
        assert after[1] == pytest.approx(1.5 * before[1], rel=0.01)
        assert after[0] > 1.1 * before[0]
        for width, height in ((1280, 720), (1920, 1080)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(300)
            assert page.evaluate(BOXES)["wrong"] == []
            slider = page.get_by_role("slider", name="KL weight").bounding_box()
            assert slider
            assert slider["y"] + slider["height"] < height  # on the first screen
        page.reload()
        arrived(page, name)
        expect(page.get_by_role("link", name="Train")).to_be_hidden()  # the tab remembers
        page.keyboard.press("Escape")
        expect(page.get_by_role("link", name="Train")).to_be_visible()


def test_a_letter_that_is_typed_is_no_key(open_page: Open) -> None:
    page = open_page().page
    page.get_by_role("combobox", name="Model").click()
    page.keyboard.type("p")
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Train")).to_be_visible()
    assert page.locator("html.presenter").count() == 0


@pytest.mark.parametrize("safe", [True, False])
def test_the_link_that_is_copied_opens_the_same_view(open_page: Open, safe: bool) -> None:
    """Where a page is not served safely there is no clipboard for scripts, and the old way has to do."""
    explorer = open_page("model=mnist-vae-2d&image=0&beta=0.5", script="" if safe else UNSAFE)
    page = explorer.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    z = explorer.pin(150, 120)
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("() => window.pasted?.() ?? navigator.clipboard.readText()")
    assert copied == page.url
    if not safe:
        return
    other = open_page(copied.partition("?")[2])
    assert other.query["z"] == f"{z[0]:g},{z[1]:g}"
    assert other.alt == explorer.alt


def test_the_first_visit_is_told_what_the_map_is_once(open_page: Open) -> None:
    explorer = open_page(first=True)
    hint = explorer.page.get_by_text("Every dot is an image")
    expect(hint).to_be_visible()
    explorer.hover(200, 200)
    expect(hint).to_be_visible()
    explorer.click(200, 200)
    expect(hint).to_be_hidden()
    explorer.page.goto(explorer.page.url.partition("?")[0])
    expect(explorer.decoded).to_be_visible(timeout=60_000)
    expect(hint).to_be_hidden()


def test_who_follows_a_link_sees_its_view_alone(open_page: Open) -> None:
    page = open_page("model=mnist-vae-2d&image=3", first=True).page
    expect(page.get_by_text("Every dot is an image")).to_be_hidden()


def test_a_finger_scrolls_past_the_maps_of_compare(open_page: Open, server: str) -> None:
    page = open_page(address=f"{server}/compare", wait=False, width=390, height=700, touch=True).page
    arrived(page, "compare")
    box = page.get_by_label("Latent map, left").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] - 20
    session = page.context.new_cdp_session(page)
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for way in range(15, 165, 15):
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y - way}]})
        page.wait_for_timeout(16)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("() => document.querySelector('.stMain').scrollTop > 100")


@pytest.mark.parametrize("name", ["compare", "train", "data"])
def test_the_head_stays_behind_its_menu(open_page: Open, server: str, name: str) -> None:
    page = open_page(address=f"{server}/{name}", height=500, wait=False).page
    arrived(page, name)
    page.add_style_tag(content=".stMainBlockContainer > .stVerticalBlock { min-height: 90rem; }")  # all can scroll
    page.wait_for_function(
        "() => { const main = document.querySelector('.stMain'); main.scrollTop = 400; return main.scrollTop > 300; }"
    )
    link = page.get_by_role("link", name=TITLES[name], exact=True).bounding_box()
    head = page.locator(".st-key-head").bounding_box()
    assert link
    assert head
    assert head["y"] == pytest.approx(0, abs=1)
    assert head["y"] + head["height"] >= link["y"] + link["height"] - 1
