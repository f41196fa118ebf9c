"""The screens sigma and bits in a browser: each opens, asks, is turned, and says what another program computes."""

from __future__ import annotations

import io
import math

import numpy as np
import torch
from PIL import Image
from playwright.sync_api import expect
from torch.distributions import kl_divergence

from tests.browser.conftest import Open
from tests.browser.test_theory import number, opened, query
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.measured import curves


def test_one_knob_moves_both_sliders_and_the_elbo_is_the_formulas(open_page: Open, server: str) -> None:
    """At a measured KL weight the negative ELBO is NumPy's, of the curve's distortion, with its constant."""
    page = opened(open_page, server, "screen=sigma")
    expect(page.locator(".formula [data-term=elbo] .number")).to_be_hidden()
    page.get_by_role("button", name="About 0.2").click()
    expect(page.locator(".prediction .truth")).to_contain_text("Right.")
    kept = curves.find(checkpoints.load(checkpoints.find("mnist-gaussian-2d")))
    assert kept is not None
    assert kept.rate is not None
    sigma, beta = (page.get_by_role("slider", name=name) for name in ("of P(X|z), with", "KL weight"))
    before = beta.input_value()
    sigma.focus()
    page.keyboard.press("ArrowRight")
    expect(beta).not_to_have_value(before)
    assert beta.input_value() == sigma.input_value(), "one knob"
    page.keyboard.press("End")
    expect(page.locator(".formula [data-term=sigma] .number")).to_contain_text("0.632² = 10 · 0.2²")
    squared = 2 * 0.2**2 * (kept.distortion[-1] - 392 * math.log(2 * math.pi * 0.2**2))
    exact = squared / (2 * 0.4) + 392 * math.log(2 * math.pi * 0.4) + kept.rate[-1]
    assert abs(number(page.locator(".formula [data-term=elbo] .number")) - exact) < 0.1
    page.get_by_role("button", name="½", exact=True).click()
    expect(page.locator(".formula [data-term=sigma] .number")).to_contain_text("0.632² = 0.4 · 1²")
    page.wait_for_function("location.search.includes('objective=half')")
    assert query(page)["beta"] == "10"


def test_bits_are_counted_as_another_program_counts_them(open_page: Open, server: str) -> None:
    """The bars' PNG by Pillow, the image's bits by PyTorch; delta cancels while the slider moves."""
    page = opened(open_page, server, "screen=bits&model=digits-vae-2d&image=5&how=threshold")
    expect(page.locator(".coders")).to_be_hidden()
    page.locator(".choices button").nth(2).click()
    expect(page.locator(".prediction .truth")).to_contain_text("bytes")
    images = data.load("digits", "test").pixels
    sheet = images[np.linspace(0, 299, 100).round().astype(int)].reshape(10, 10, 8, 8).swapaxes(1, 2).reshape(80, 80)
    out = io.BytesIO()
    Image.fromarray(sheet >= 128).save(out, "PNG", optimize=True)
    expect(page.locator(".prediction .truth")).to_contain_text(f"PNG {len(out.getvalue()):,} bytes")
    network = checkpoints.load(checkpoints.find("digits-vae-2d")).model
    x = torch.from_numpy((images[5:6] >= 128).astype(np.float32))
    with torch.no_grad():
        q = network.posterior(x, torch.ones(1))
        z = q.rsample(torch.Size([4000]))[:, 0]
        nats = -network.likelihood(z, torch.ones(4000)).log_prob(x)
    exact = (float(nats.mean()) + float(kl_divergence(q, network.prior()))) / math.log(2)
    error = float(nats.std()) / math.log(2) / math.sqrt(16)
    net, cost = (page.locator(f".formula [data-term={term}] .number") for term in ("net", "cost"))
    assert abs(number(net) - exact) < 5 * error + 0.1
    first = number(cost)
    page.get_by_label("Binary places of z").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(cost).to_have_text(f"{first + 4:.1f}")
    assert abs(number(net) - exact) < 5 * error + 0.1
    page.wait_for_function("location.search.includes('places=8')")
