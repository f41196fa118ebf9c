"""The screens of the reparameterization trick and of a gradient step in a browser, read back against the network."""

from __future__ import annotations

import numpy as np
import torch
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.test_theory import number, opened, query
from tests.test_theory_steps import Oracle, image, network

DIGITS = "model=digits-vae-2d&image=5&beta=0.1"


def term(page: Page, name: str) -> float:
    return number(page.locator(f".formula [data-term={name}] .number"))


def test_the_trick_is_predicted_stepped_and_blocked(open_page: Open, server: str) -> None:
    page = opened(open_page, server, f"screen=reparameterization&{DIGITS}&seed=3")
    page.get_by_role("button", name="1,000 times").click()
    expect(page.locator(".prediction .truth")).to_contain_text("times as large")
    page.get_by_role("button", name="Another \u03b5").click()
    page.wait_for_function("location.search.includes('draw=1')")
    oracle = Oracle(5, 0.1, np.random.default_rng((3, 5, 1)).standard_normal(2))
    expect(page.locator(".formula [data-term=likelihood] .number")).to_have_text(
        f"{oracle.log_p.item():.2f}".replace("-", "\u2212")
    )
    assert abs(term(page, "rate") - oracle.rate.item()) < 0.006
    assert abs(term(page, "objective") - (oracle.log_p - 0.1 * oracle.rate).item()) < 0.011
    slopes = page.locator(".node.back.q tr").nth(1).locator("td").all_inner_texts()
    assert abs(float(slopes[0].replace("\u2212", "-")) - oracle.by_log_p[0][0, 0].item()) < 0.06
    page.get_by_role("button", name="Step", exact=True).click()
    expect(page.locator(".stepped")).to_contain_text("before step 1")
    moved = [float(value) for value in query(page)["q"].split(",")]
    std = oracle.log_var[0].exp().sqrt().detach()
    expected = oracle.mean[0] + 0.3 * std**2 * (oracle.by_log_p[0] + oracle.by_rate[0])[0]
    assert moved[:2] == [float(f"{value:.6g}") for value in moved[:2]]
    assert np.allclose(moved[:2], expected.tolist(), atol=1e-3)
    page.get_by_role("button", name="drawn", exact=True).click()
    expect(page.locator(".node.back.q tr").nth(1).locator("td").first).to_have_text("0")
    page.get_by_role("button", name="Reset Q").click()
    expect(page.locator(".stepped")).not_to_contain_text("before step")


def test_a_gradient_step_is_worked_out_predicted_and_narrowed(open_page: Open, server: str) -> None:
    page = opened(open_page, server, f"screen=gradient&{DIGITS}")
    page.get_by_role("button", name="Nearly 90\u00b0").click()
    expect(page.locator(".prediction .truth")).to_contain_text("The median is", timeout=60_000)
    first = term(page, "angle")
    slider = page.get_by_label("Samples n")
    slider.focus()
    page.keyboard.press("End")
    expect(page.locator(".caption")).to_contain_text("n = 4,096")
    page.wait_for_function("location.search.includes('power=12')")
    assert term(page, "angle") < first / 2
    page.get_by_role("button", name="this image, n z").click()
    expect(page.locator(".caption")).to_contain_text("n = 128")
    # the whole gradient by one backward pass over the same images and z
    indices = np.sort(np.random.default_rng((0, 0)).permutation(300)[:512])
    epsilon = torch.from_numpy(np.random.default_rng((0, 1)).standard_normal((len(indices), 4, 2))).flatten(0, 1)
    model = network()
    x = torch.cat([image(index) for index in indices]).repeat_interleave(4, 0)
    b = torch.full((len(x),), 0.1, dtype=torch.float64)
    q = model.posterior(x, b)
    log_p = model.likelihood(q.mean + q.stddev * epsilon, b).log_prob(x)
    value = (log_p - 0.1 * torch.distributions.kl_divergence(q, model.prior())).mean()
    weights = [*model.encoder.parameters(), *model.decoder.parameters()]
    norm = torch.cat([each.flatten() for each in torch.autograd.grad(value, weights)]).norm().item()
    assert abs(term(page, "whole") / norm - 1) < 0.01
