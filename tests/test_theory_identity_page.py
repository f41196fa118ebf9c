"""The screen “The identity”: its parts over the channel against sums of other code, its link and what it refuses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import logsumexp

from tests.test_explore import sent
from tests.test_theory_likelihood import NETWORK, PIXELS, log_p, plain_log_px
from tests.test_theory_likelihood import ask as ask_screen
from tests.test_theory_page import said, theory

IMAGE, BETA = 3, 0.5


def ask(part: str = "main", more: dict[str, Any] | None = None, **state: Any) -> dict[str, Any]:
    return ask_screen("identity", part, more, **state)


def encoder(image: int = IMAGE) -> tuple[np.ndarray, np.ndarray]:
    with torch.inference_mode():
        q = NETWORK.posterior(torch.from_numpy(PIXELS[image : image + 1] / np.float32(255)), torch.tensor([BETA]))
    return q.mean[0].double().numpy(), q.stddev[0].double().numpy()


def elbo_of(mean: np.ndarray, root: np.ndarray) -> tuple[float, float]:
    """E_Q log P(X|z) and D[Q||P(z)] of a Gaussian, by an even sum over its own coordinates."""
    axis = np.linspace(-6, 6, 121)
    u = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    z = mean + u @ root.T
    weight = np.exp(stats.norm.logpdf(u).sum(1)) * (axis[1] - axis[0]) ** 2
    log_q = stats.norm.logpdf(u).sum(1) - math.log(abs(np.linalg.det(root)))
    expected = float(weight @ log_p(z.astype(np.float32), IMAGE))
    return expected, float(weight @ (log_q - stats.norm.logpdf(z).sum(1)))


def test_both_sides_are_those_of_plain_sums_and_balance() -> None:
    right, left = ask(), ask("left")
    mean, std = encoder()
    expected, rate = elbo_of(mean, np.diag(std))
    assert right["expected"] == pytest.approx(expected, abs=2e-3)
    assert right["rate"] == pytest.approx(rate, abs=1e-4)
    assert right["rate"] == pytest.approx(float((0.5 * (mean**2 + std**2 - 1) - np.log(std)).sum()), abs=1e-5)
    assert left["log_px"] == pytest.approx(plain_log_px(IMAGE), abs=2e-3)
    assert left["kl"] == pytest.approx(plain_log_px(IMAGE) - expected + rate, abs=5e-3)
    assert left["log_px"] - left["kl"] == pytest.approx(right["expected"] - right["rate"], abs=0.01)
    assert right["q"][:2] == pytest.approx(mean.tolist(), abs=1e-5)
    assert sorted(right["q"][2:4]) == pytest.approx(sorted(std.tolist()), abs=1e-5)


def test_the_field_is_the_posterior_over_the_square_that_is_said() -> None:
    left = ask("left")
    x0, x1, _, y1 = left["extent"]
    side = math.isqrt(len(left["posterior"]))
    at = (np.arange(side) + 0.5) * (x1 - x0) / side
    z = np.stack(np.meshgrid(x0 + at, y1 - at), -1).reshape(-1, 2).astype(np.float32)
    joint = log_p(z, IMAGE) + stats.norm.logpdf(z).sum(1)
    assert left["posterior"] == pytest.approx(np.exp(joint - joint.max()), abs=1e-3)
    seen = logsumexp(joint) + 2 * math.log((x1 - x0) / side)
    assert seen == pytest.approx(plain_log_px(IMAGE), abs=0.02)  # nearly all of the mass lies in it


def test_the_best_gaussians_are_the_ellipses_that_are_drawn() -> None:
    """Their bounds, by plain sums: what is said, and better than those a little aside."""
    best, right = ask("best"), ask()
    log_px = plain_log_px(IMAGE)
    bounds = {}
    for name in ("diagonal", "full"):
        x, y, long, short, angle = best[name]
        axes = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        root = axes * [long, short]
        expected, rate = elbo_of(np.array([x, y]), root)
        bounds[name] = expected - rate
        for shift in ([0.3 * long, 0], [0, 0.3 * short]):
            moved = elbo_of(np.array([x, y]) + axes @ shift, root)
            assert moved[0] - moved[1] < bounds[name]
        for factor in (0.8, 1.25):
            wider = elbo_of(np.array([x, y]), factor * root)
            assert wider[0] - wider[1] < bounds[name]
    assert best["approximation"] == pytest.approx(log_px - bounds["diagonal"], abs=5e-3)
    assert best["full_approximation"] == pytest.approx(log_px - bounds["full"], abs=5e-3)
    assert best["amortization"] == pytest.approx(bounds["diagonal"] - right["elbo"], abs=5e-3)
    assert abs(math.sin(2 * best["diagonal"][4])) < 1e-6  # upright


def test_a_ranked_image_is_the_one_that_it_says() -> None:
    found = ask("ranked", {"at": 7})
    assert (found["index"], found["of"]) == (7 * len(PIXELS) // 60, 60)
    assert (found["image"] * 255 == PIXELS[found["index"]].ravel()).all()
    alone = ask("best", image=found["index"])
    for name in ("approximation", "amortization"):
        assert found[name] == pytest.approx(alone[name], abs=0.02)
    assert ask("ranked", {"at": 60})["kind"] == "refused"


def test_it_opens_from_a_link_follows_its_controls_and_needs_a_plane() -> None:
    test = theory({"screen": "identity", "model": "digits-vae-2d", "image": "3", "beta": "0.5"})
    answer = sent(test)["answer"]
    assert (answer["start"]["image"], answer["start"]["beta"]) == (3, 0.5)
    assert answer["elbo"] == pytest.approx(ask()["elbo"], abs=1e-6)
    for seen in ({"image": 8}, {"image": 8, "beta": 2.0}):
        test.session_state["answer-theory"] = {"seen": {"screen": "identity", **seen}}
        moved = sent(test.run())["answer"]
        assert moved["elbo"] == pytest.approx(ask(**({"beta": 0.5} | seen))["elbo"], abs=1e-6)
        assert {name: moved["start"][name] for name in seen} == seen
    refused = theory({"screen": "identity", "model": "digits-ae-2d"})
    assert "This screen needs a VAE of two latent axes" in said(refused)
