"""The map and what stands beside it by keyboard alone, and what a screen reader hears of it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.explorer import Explorer
from tests.browser.oracle import NOTHING, posterior
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.data import Images
from vae_explorer.latent.encoding import encode

FOCUSED = """() => { let at = document.activeElement;
    while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at.getAttribute("aria-label") || at.textContent.trim(); }"""


def rate(mean: np.ndarray, std: np.ndarray) -> float:
    """KL of a diagonal Gaussian to the standard normal, in nats."""
    return float((0.5 * (mean**2 + std**2 - 1) - np.log(std)).sum())


def press(explorer: Explorer, *keys: str) -> None:
    for key in keys:
        explorer.map.press(key)


def test_the_live_region_says_class_distance_and_rate(open_page: Open, model: Checkpoint, images: Images) -> None:
    explorer = open_page("image=5")
    press(explorer, "Shift+ArrowRight", "ArrowUp")
    explorer.until(lambda: "z" in explorer.query)
    z = np.array([float(value) for value in explorer.query["z"].split(",")])
    mean, std = encode(model.arrays, images.pixels, 1.0)
    away = np.hypot(*(mean - z).T)
    image = int(away.argmin())
    said = explorer.page.locator(".said")
    words = rf"^{images.names[images.labels[image]]}, (\d\.\d\d) from the nearest code, rate (\d+\.\d)$"
    expect(said).to_have_text(re.compile(words))
    found = re.search(words, said.inner_text())
    assert found
    assert float(found[1]) == pytest.approx(away[image], abs=0.011)  # codes come in half precision
    assert float(found[2]) == pytest.approx(rate(mean[image], std[image]), abs=0.06)


def test_keys_lead_to_images_and_back(open_page: Open, model: Checkpoint, images: Images) -> None:
    explorer = open_page("image=5")
    said = explorer.page.locator(".said")
    press(explorer, "ArrowRight")
    explorer.until(lambda: "image" not in explorer.query)
    press(explorer, "Escape")
    explorer.until(lambda: explorer.query.get("image") == "5")
    mean, std = (values.astype(float) for values in posterior(model, images, 5, 1.0))
    expect(said).to_have_text(f"{images.names[images.labels[5]]}, image 5, rate {rate(mean, std):.1f}")
    hidden = images.labels[6]
    explorer.page.get_by_role("button", name=images.names[hidden], exact=True).click()
    shown = [k for k in range(20) if images.labels[k] != hidden]
    press(explorer, "n")
    explorer.until(lambda: explorer.query.get("image") == str(shown[shown.index(5) + 1]))
    press(explorer, "PageUp", "b")
    explorer.until(lambda: explorer.query.get("image") == str(shown[shown.index(5) - 1]))
    number = explorer.page.get_by_label("Image", exact=True)
    expect(number).to_have_value(str(shown[shown.index(5) - 1]))
    number.fill("123")
    number.press("Enter")
    explorer.until(lambda: explorer.query.get("image") == "123")
    number.fill("10000")
    number.press("Enter")
    assert (
        number.evaluate("input => input.validationMessage")
        == f"Type the number of an image, 0 to {len(images.pixels) - 1}."
    )
    assert explorer.query["image"] == "123"


def test_tabs_follow_arrows_home_and_end(open_page: Open) -> None:
    explorer = open_page()
    explorer.page.get_by_role("tab", name="Rate and distortion").focus()
    for key, name in (("ArrowRight", "Posterior"), ("End", "Draw"), ("ArrowRight", "Rate and distortion")):
        explorer.page.keyboard.press(key)
        assert explorer.page.evaluate(FOCUSED) == name
        panel = explorer.page.get_by_role("tabpanel", name=name)
        expect(panel).to_be_visible()
    explorer.page.keyboard.press("ArrowLeft")
    explorer.page.keyboard.press("Home")
    assert explorer.page.evaluate(FOCUSED) == "Rate and distortion"
    explorer.page.keyboard.press("Shift+Tab")  # one stop for all tabs
    assert explorer.page.evaluate(FOCUSED) not in ("Posterior", "Draw")


def test_every_control_shows_its_focus(open_page: Open) -> None:
    explorer = open_page("pins=1;2&tab=path", scheme="dark")
    expect(explorer.strip.get_by_role("button")).to_have_count(4)
    explorer.map.focus()
    ring = """() => { let at = document.activeElement;
        while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
        const style = getComputedStyle(at);
        return [at.outerHTML.slice(0, 80), style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2]; }"""
    reached = []
    for _ in range(40):
        explorer.page.keyboard.press("Tab")
        reached.append(explorer.page.evaluate(ring))
        if "Play the path" in reached[-1][0]:
            break
    else:
        raise AssertionError("the path's button was not reached")
    assert [what for what, shown in reached if not shown] == []


def test_the_compared_pin_stays_when_pins_move_and_go(open_page: Open) -> None:
    explorer = open_page(f"{NOTHING}&pins=1;2;3&other=2&tab=compare")
    pins = explorer.strip.get_by_role("button", name=re.compile("^Pin"))
    expect(pins).to_have_count(3)
    pins.nth(2).press("Alt+ArrowLeft")
    explorer.until(lambda: explorer.query.get("pins") == "1;3;2")
    assert explorer.query["other"] == "1"
    explorer.page.get_by_role("button", name="Remove pin 1").click()
    explorer.until(lambda: explorer.query.get("pins") == "3;2")
    assert explorer.query["other"] == "0"
    explorer.page.get_by_role("button", name="Remove pin 1").click()
    explorer.until(lambda: explorer.query.get("pins") == "2")
    assert "other" not in explorer.query
