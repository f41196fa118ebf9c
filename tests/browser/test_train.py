"""Training in the app: the page never freezes, the film grows, and the job outlives the browser."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Locator, Page, expect


def opened(browser: Browser, server: str, errors: list[str], query: str = "") -> Page:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{server}/train{query}")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_visible(timeout=30_000)
    return page


def pause_and_resume(page: Page, state: Locator, held: Locator) -> None:
    """Pauses the run, sees that what `held` shows does not go on, and resumes it."""
    page.get_by_role("button", name="Pause").click()
    expect(state).to_contain_text("paused", timeout=5_000)
    page.wait_for_timeout(2500)  # the page looks every two seconds: what came before the pause arrives
    before = held.inner_text()
    page.wait_for_timeout(1500)
    assert held.inner_text() == before
    page.get_by_role("button", name="Resume").click()
    expect(state).to_contain_text("training", timeout=5_000)


def choose(page: Page, box: str, value: str) -> None:
    page.get_by_label(box, exact=False).first.click()
    page.get_by_role("option", name=value, exact=True).click()


def test_a_model_is_trained_paused_resumed_and_found_again(browser: Browser, server: str) -> None:
    errors: list[str] = []
    page = opened(browser, server, errors)
    choose(page, "Data", "digits")
    epochs = page.get_by_label("Epochs")
    epochs.fill("4000")
    epochs.press("Enter")
    page.get_by_label("Name", exact=True).fill("live")
    page.get_by_label("Name", exact=True).press("Enter")
    page.get_by_role("button", name="Train", exact=True).click()
    state = page.locator(".aside", has_text="epoch")
    expect(state).to_contain_text(re.compile("training · epoch [1-9]"), timeout=30_000)
    latent_map = page.get_by_label("Latent map of the run")
    expect(latent_map).to_be_visible(timeout=10_000)
    epoch = page.locator(".scrub .epoch")
    first = epoch.inner_text()
    expect(epoch).not_to_have_text(first, timeout=10_000)  # the film grows by itself

    pause_and_resume(page, state, epoch)
    page.close()

    page = opened(browser, server, errors, "?job=live")  # it went on without a browser
    state = page.locator(".aside", has_text="epoch")
    expect(state).to_contain_text("training", timeout=10_000)
    page.get_by_role("button", name="Stop", exact=True).first.click()
    expect(state).to_contain_text("stopped", timeout=5_000)
    page.wait_for_timeout(2500)  # likewise
    slider = page.get_by_role("slider", name="Epoch")
    slider.focus()
    slider.press("Home")
    expect(page.locator(".scrub .epoch")).to_contain_text("epoch 1 of 4000")

    page.get_by_role("button", name="Explore", exact=True).click()
    expect(page.get_by_label("Latent map")).to_be_visible(timeout=20_000)
    expect(page.get_by_alt_text(re.compile("^Decoded image at z"))).to_be_visible(timeout=20_000)
    before = page.get_by_alt_text(re.compile("^Decoded image at z")).get_attribute("alt")
    box = page.get_by_label("Latent map").bounding_box()
    assert box
    page.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + 0.3 * box["height"])
    image = page.get_by_alt_text(re.compile("^Decoded image at z"))
    expect(image).not_to_have_attribute("alt", str(before), timeout=10_000)
    page.close()
    assert not errors
