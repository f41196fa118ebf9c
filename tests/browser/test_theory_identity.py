"""The screen “The identity” in a browser: predicted, moved, and its numbers against plain sums."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.test_theory import number, opened
from tests.test_theory_likelihood import plain_log_px


def test_both_sides_balance_and_follow_the_image(open_page: Open, server: str) -> None:
    page = opened(open_page, server, "screen=identity&model=digits-vae-2d&image=3&beta=0.5")
    page.locator(".choices button").nth(1).click()
    expect(page.locator(".prediction .truth")).to_contain_text("Upright axes cost", timeout=30_000)
    terms = {
        name: page.locator(f".formula [data-term={name}] .number") for name in ("log_px", "kl", "expected", "rate")
    }
    first = terms["log_px"].inner_text()
    for image in (3, 4):
        if image == 4:
            page.get_by_role("button", name="Next image").click()
            page.wait_for_function("location.search.includes('image=4')", timeout=30_000)
        expect(terms["kl"]).to_have_text(re.compile(r"\d"), timeout=30_000)
        expect(terms["log_px"]).not_to_have_text("\u2026" if image == 3 else first, timeout=30_000)
        log_px, kl, expected, rate = (number(term) for term in terms.values())
        assert abs(log_px - plain_log_px(image)) < 0.02
        assert abs(log_px - kl - (expected - rate)) < 0.021  # of four rounded figures
    page.get_by_role("button", name="Rank test images").click()
    expect(page.locator(".identity-one").first).to_be_visible(timeout=30_000)
    stop = page.get_by_role("button", name=re.compile("^Stop"))
    stop.click()
    expect(page.get_by_role("button", name="Rank test images")).to_be_visible()
    hung = page.locator(".identity-one canvas").first.get_attribute("aria-label") or ""
    page.locator(".identity-one").first.click()
    page.wait_for_function(f"location.search.includes('image={hung.split()[1].rstrip(':')}&')", timeout=30_000)
