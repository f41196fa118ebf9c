"""The screens “Why P(X) is hard” and “Bayes' rule” in a browser, their numbers against computations of other code."""

from __future__ import annotations

import re

import numpy as np
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.test_theory import number, opened, query
from tests.test_theory_likelihood import log_p, plain_log_px


def test_an_estimate_of_p_of_x_is_that_of_its_draws(open_page: Open, server: str) -> None:
    page = opened(open_page, server, "screen=likelihood&model=digits-vae-2d&image=3&beta=0.5&seed=4&n=300")
    page.locator(".choices button").nth(2).click()
    expect(page.locator(".prediction .truth")).to_contain_text("of 1,000 carry", timeout=30_000)
    exact, estimate = (page.locator(f".formula [data-term={name}] .number") for name in ("exact", "estimate"))
    expect(exact).to_contain_text(re.compile(r"\d"), timeout=30_000)
    assert abs(number(exact) - plain_log_px(3)) < 0.02
    z = np.random.default_rng((4, 0)).standard_normal((1000, 2), np.float32)
    for n in (300, 1000):
        expect(page.locator(".formula [data-term=draws] .number")).to_have_text(f"{n:,}")
        page.wait_for_function(f"location.search.includes('&n={n}&')", timeout=30_000)
        wanted = np.logaddexp.reduce(log_p(z[:n], 3)) - np.log(n)
        assert abs(number(estimate) - wanted) < 0.02
        page.get_by_label("Draws n").evaluate(
            "node => { node.value = 3; for (const kind of ['input', 'change']) node.dispatchEvent(new Event(kind)); }"
        )
    page.get_by_role("button", name="P(z|X)").click()
    expect(page.locator(".beside .heading")).to_contain_text("of 1,000 draws carry", timeout=30_000)
    assert abs(number(estimate) - number(exact)) < 0.05
    page.get_by_role("button", name="What is alike").click()
    expect(page.locator(".comparing")).to_contain_text("Shifted by half a pixel: ", timeout=30_000)


def test_hidden_pixels_widen_the_posterior(open_page: Open, server: str) -> None:
    page = opened(open_page, server, "screen=bayes&model=digits-vae-2d&image=3&beta=0.5")
    page.locator(".choices button").nth(1).click()
    expect(page.locator(".prediction .truth")).to_contain_text("Its width goes from", timeout=30_000)
    evidence = page.locator(".formula [data-term=evidence] .number")
    expect(evidence).to_contain_text(re.compile(r"\d"))
    assert abs(number(evidence) - plain_log_px(3)) < 0.02
    numbers = [
        number(page.locator(f".formula [data-term={name}] .number")) for name in ("posterior", "likelihood", "prior")
    ]
    assert abs(numbers[0] - (numbers[1] + numbers[2] - number(evidence))) < 0.021
    page.get_by_label("Hidden pixels").evaluate(
        "node => { node.value = 0.5; for (const kind of ['input', 'change']) node.dispatchEvent(new Event(kind)); }"
    )
    expect(page.locator(".bayes figcaption")).to_have_text("X, 32 of 64 hidden", timeout=30_000)
    seen = np.indices((8, 8))[0] < 4
    expect(evidence).to_have_text(re.compile(rf"{plain_log_px(3, seen):.1f}".replace("-", "\u2212")), timeout=30_000)
    page.wait_for_function("location.search.includes('share=0.5')", timeout=30_000)
    assert query(page)["pattern"] == "half"
