"""The screens on more draws and on maximum likelihood in a browser: predicted, moved, and a number read back."""

from __future__ import annotations

import math

import numpy as np
from playwright.sync_api import expect
from scipy.special import logsumexp

from tests.browser.conftest import Open
from tests.browser.test_theory import number, opened, query
from tests.test_theory_iwae_mle import log_weights
from tests.test_theory_training import legendre
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.marginal import log_marginal, make_grid
from vae_explorer.theory import training_states


def test_more_draws_are_predicted_moved_and_read(open_page: Open, server: str) -> None:
    page = opened(open_page, server, "screen=iwae&model=digits-vae-2d&image=18&k=64")
    figures = {name: page.locator(f".formula [data-term={name}] .number") for name in ("bound", "logpx", "ess")}
    page.locator(".choices button").first.click()
    expect(page.locator(".prediction .truth")).to_contain_text("draw", timeout=30_000)
    slider = page.get_by_role("slider", name="Draws k")
    slider.focus()
    page.keyboard.press("End")
    expect(page.locator(".control output").first).to_have_text("4,096")
    page.keyboard.press("Home")
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("/k=2(&|$)/.test(location.search)", timeout=10_000)
    checkpoint = checkpoints.load(checkpoints.named("digits-vae-2d"))
    pixels = data.load("digits", "test").pixels[18:19]
    exact = log_marginal(checkpoint.arrays, pixels, 1.0, make_grid(896, 6)).log_p[0]
    mean, std = checkpoint.arrays.encode(PICTURES.normalised(pixels), 1.0)
    z = mean + std * np.random.default_rng((0, 18, 0)).standard_normal((1024, 2))
    weights = log_weights(z[:2].astype(np.float32), 18, 1.0)
    assert number(figures["logpx"]) == float(f"{exact:.2f}")
    assert abs(number(figures["bound"]) - (logsumexp(weights) - math.log(2))) < 0.02
    assert abs(number(figures["ess"]) - math.exp(2 * logsumexp(weights) - logsumexp(2 * weights))) < 0.06
    assert query(page)["k"] == "2"
    page.get_by_role("button", name="Rank test images").click()
    expect(page.locator(".ranking .row button").nth(2)).to_be_visible(timeout=10_000)
    page.locator(".ranking .switches").get_by_role("button", name="Stop").click()
    page.locator(".ranking .row button").first.click()
    page.wait_for_function("!location.search.includes('image=18')", timeout=10_000)


def test_maximum_likelihood_is_predicted_scrubbed_drawn_on_and_read(open_page: Open, server: str) -> None:
    page = opened(open_page, server, "screen=mle&image=15")
    page.get_by_role("button", name="Upside down", exact=True).click()
    expect(page.locator(".prediction .truth")).to_contain_text("Right.", timeout=30_000)
    page.get_by_role("slider", name="State of training").focus()
    page.keyboard.press("End")
    expect(page.locator(".control output").first).to_have_text("7,500 steps", timeout=10_000)
    page.locator(".scribble").focus()
    for key in ("ArrowDown", "ArrowRight", "Space", "ArrowDown", "Space"):
        page.keyboard.press(key)
    page.wait_for_function(
        "location.search.includes('drawn=9,17') || location.search.includes('drawn=9%2C17')", timeout=10_000
    )
    drawn = np.zeros((8, 8), np.float32)
    drawn[1:3, 1] = 1
    digit = (data.load("digits", "test").pixels[15] >= 128).astype(np.float32)
    exact = legendre(training_states.read().at(31).network.double(), np.stack([digit, drawn, digit[::-1]]))
    digit_number = page.locator(".formula [data-term=digit] .number")
    expect(digit_number).to_have_text(f"{exact[0]:.1f}".replace("-", "\u2212"), timeout=10_000)
    expect(page.locator(".gallery b").last).to_have_text(f"{exact[1]:.1f}".replace("-", "\u2212"), timeout=10_000)
    page.locator(".gallery figcaption").filter(has_text="upside down").click()
    assert abs(number(page.locator(".formula [data-term=none] .number")) - exact[2]) < 0.06
