"""The screens of maps and of KL in a browser: a prediction, a control, a number that is computed independently."""

from __future__ import annotations

import math
import re

import pytest
from playwright.sync_api import expect
from scipy import integrate, stats

from tests.browser.conftest import Open
from tests.browser.test_theory import number, opened, query


def test_a_square_lands_all_around_the_ring_and_moves_by_key(open_page: Open, server: str) -> None:
    page = opened(open_page, server, "screen=ring&model=digits-vae-2d")
    right = page.get_by_role("application", name="Where z lands")
    expect(page.locator(".formula [data-term=det] .number")).not_to_be_empty(timeout=30_000)
    right.click()
    expect(page.locator(".prediction .truth")).to_contain_text("All around the circle")
    expect(right.locator("svg").last).to_contain_text("your guess")
    left = page.get_by_role("application", name="z: the brushed square")
    left.focus()
    for key in ("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowUp"):
        page.keyboard.press(key)
    page.wait_for_function("new URLSearchParams(location.search).get('at')?.startsWith('1,0.5')")
    expect(page.locator(".picture")).to_contain_text("one point lands there")
    x, y, h = 1.0, 0.5, 0.4
    rise, _ = integrate.dblquad(lambda q, p: 0.1 * (0.1 + 1 / math.hypot(p, q)), x - h, x + h, y - h, y + h)
    mass = (stats.norm.cdf(x + h) - stats.norm.cdf(x - h)) * (stats.norm.cdf(y + h) - stats.norm.cdf(y - h))
    exact = {"det": rise / (4 * h * h), "before": mass / (4 * h * h), "after": mass / rise}
    for name, value in exact.items():
        assert number(page.locator(f".formula [data-term={name}] .number")) == pytest.approx(value, rel=6e-3)


def test_a_flow_learns_what_is_drawn_and_stops(open_page: Open, server: str) -> None:
    page = opened(open_page, server, "screen=ring&model=digits-vae-2d&g=drawing")
    page.get_by_role("button", name="Skip").click()
    box = page.get_by_role("application", name="Where z lands").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 60, y)
    page.mouse.down()
    page.mouse.move(x, y + 30, steps=5)
    page.mouse.move(x + 60, y, steps=5)
    page.mouse.up()
    expect(page.locator(".picture h3").last).to_contain_text(re.compile(r"after [1-9]\d* steps"), timeout=20_000)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Train on")).to_be_visible()
    expect(page.locator(".picture")).to_contain_text("one point lands there")
    assert "ink=" in page.url
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".picture h3").last).to_contain_text("Draw a shape here")


def test_q_is_moved_and_the_terms_are_the_closed_forms(open_page: Open, server: str) -> None:
    page = opened(open_page, server, "screen=kl&model=digits-vae-2d")
    page.get_by_role("button", name="A width halved").click()
    expect(page.locator(".prediction .truth")).to_contain_text("It is: A mean one sigma off.")
    page.locator(".picture [data-grip=s1] circle").hover()
    box = page.locator(".picture [data-grip=mean] circle").last.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] - 35, box["y"] + 45, steps=4)
    page.mouse.up()
    page.wait_for_function("!new URLSearchParams(location.search).get('mean').startsWith('1,')")
    page.wait_for_timeout(600)
    asked = query(page)
    mean = [float(each) for each in asked["mean"].split(",")]
    std = [float(asked[name]) for name in ("s1", "s2")]

    def slice_of(m: float, s: float) -> float:
        q = stats.norm(m, s)
        return float(integrate.quad(lambda z: q.pdf(z) * (q.logpdf(z) - stats.norm.logpdf(z)), m - 9 * s, m + 9 * s)[0])

    exact = sum(map(slice_of, mean, std))
    assert number(page.locator(".formula [data-term=kl] .number")) == pytest.approx(exact, abs=6e-3)
    page.get_by_role("button", name="Mixture of two").click()
    expect(page.locator(".picture")).to_contain_text("one a mode")
    expect(page.locator(".formula [data-term=means] .number")).to_have_text("\u2013")
