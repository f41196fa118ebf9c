"""The screens “Why P(X) is hard” and “Bayes' rule”: links, controls, and parts against computations of other code."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import logsumexp
from starlette.applications import Starlette
from starlette.testclient import TestClient
from torch.distributions import Bernoulli

from tests.test_explore import sent, unpack
from tests.test_theory_page import said, theory
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.latent.model import Floats
from vae_explorer.theory.quadrature import mass
from vae_explorer.theory.sampling import log_weights, prior_draws, running
from vae_explorer.ui.shell import live
from vae_explorer.ui.theory.screens import bayes, likelihood

MODEL = "digits-vae-2d"
NETWORK = checkpoints.load(checkpoints.find(MODEL)).model
PIXELS = data.load("digits", "test").pixels


def ask(screen: str, part: str = "main", more: dict[str, Any] | None = None, **state: Any) -> dict[str, Any]:
    view = {"screen": screen, "model": MODEL, "image": 3, "beta": 0.5, "seed": 4, **state}
    question = {"kind": f"theory.{part}", "n": 1, "more": more or {}, **view}
    with TestClient(Starlette(routes=live.routes())).websocket_connect("/live") as channel:
        channel.send_text(f"{question['kind']}\n{json.dumps(question)}")
        reply: dict[str, Any] = unpack(channel.receive_bytes())
    return reply


def log_p(z: Floats, image: int, seen: Any = ..., beta: float = 0.5) -> Any:
    """log P(X|z) by PyTorch's own Bernoulli, over the pixels that are seen."""
    with torch.inference_mode():
        eta = NETWORK.decoder(torch.from_numpy(np.atleast_2d(z)), NETWORK.condition(torch.full((len(z),), beta)))
        each = Bernoulli(logits=eta.double(), validate_args=False).log_prob(torch.from_numpy(PIXELS[image] / 255.0))
    return each.numpy()[:, seen].reshape(len(z), -1).sum(1)


def plain_log_px(image: int, seen: Any = ...) -> float:
    """log P(X) by an even sum over the plane."""
    return _plain(image, None if seen is ... else seen.tobytes())


@cache
def _plain(image: int, bits: bytes | None, side: int = 220, reach: float = 4.5) -> float:
    seen = ... if bits is None else np.frombuffer(bits, bool).reshape(8, 8)
    axis = np.linspace(-reach, reach, side)
    z = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2).astype(np.float32)
    joint = log_p(z, image, seen) + np.sum(stats.norm.logpdf(z), 1)
    return float(logsumexp(joint) + 2 * math.log(axis[1] - axis[0]))


# Links and controls ------------------------------------------------------------------------------


def moved(test: Any, screen: str, seen: dict[str, Any]) -> dict[str, Any]:
    """What the page answers once its controls have been moved."""
    test.session_state["answer-theory"] = {"seen": {"screen": screen, "model": MODEL, **seen}}
    test.run()
    assert not test.exception
    answer: dict[str, Any] = sent(test)["answer"]
    return answer


def test_why_p_of_x_is_hard_opens_from_a_link_and_follows_its_controls() -> None:
    link = {"screen": "likelihood", "model": MODEL, "n": "50", "origin": "encoder", "sigma": "0.3", "piece": "2"}
    test = theory(link)
    answer = sent(test)["answer"]
    assert not said(test)
    start = answer["start"]
    assert (start["draws"], start["origin"], start["sigma"], start["piece"], start["picture"]) == (
        50,
        "encoder",
        0.3,
        2,
        "estimate",
    )
    assert answer["about"][3] == "encoder"
    changes: list[dict[str, Any]] = [
        *({"picture": "axes"}, {"picture": "similar"}, {"origin": "posterior"}, {"draws": 100_000}, {"draws": 1}),
        *({"sigma": 0.01}, {"piece": 8}, {"image": 9}, {"beta": 0.1}, {"seed": 7}),
    ]
    for name, value in (item for change in changes for item in change.items()):
        seen = {"screen": "likelihood", "model": MODEL, name: value}
        answer = sent(theory(link, seen))["answer"]
        assert answer["start"][name] == value
        assert f"&{'n' if name == 'draws' else name}={value}" in answer["link"]


def test_bayes_opens_from_a_link_and_follows_its_controls() -> None:
    link = {"screen": "bayes", "model": MODEL, "share": "0.5", "pattern": "frame", "seen": "whole"}
    test = theory(link)
    answer = sent(test)["answer"]
    assert (answer["start"]["share"], answer["start"]["pattern"], answer["start"]["seen"]) == (0.5, "frame", "whole")
    assert answer["hidden"] == 32
    for seen in (
        {"share": 1.0, "pattern": "random", "seen": "posterior", "image": 9, "beta": 0.1, "seed": 2},
        {"share": 0.0, "pattern": "half"},
    ):
        answer = moved(test, "bayes", seen)
        assert {name: answer["start"][name] for name in seen} == seen
        assert answer["hidden"] == 64 * float(str(seen["share"]))


@pytest.mark.parametrize(
    ("screen", "wrong"),
    [
        (
            "likelihood",
            {"n": ("0", "from 1 to 100,000"), "sigma": ("0", "from 0.01 to 1"), "piece": ("9", "from 0 to 8")},
        ),
        ("likelihood", {"n": ("100001", "from 1 to 100,000"), "sigma": ("nan", "from 0.01 to 1")}),
        ("likelihood", {"origin": ("no", "prior, encoder, posterior"), "picture": ("no", "estimate, axes, similar")}),
        ("bayes", {"share": ("1.5", "from 0 to 1"), "pattern": ("no", "half, random, frame"), "seen": ("no", "whole")}),
    ],
)
def test_what_a_link_cannot_ask_for_is_refused_in_words(screen: str, wrong: dict[str, tuple[str, str]]) -> None:
    test = theory({"screen": screen, "model": MODEL, **{name: value for name, (value, _) in wrong.items()}})
    for name, (_, words) in wrong.items():
        assert words in said(test)
        field = "draws" if name == "n" else name  # a question has an n of its own
        assert sent(test)["answer"]["start"][field] == theory_default(screen, field)


def theory_default(screen: str, name: str) -> Any:
    view = {"likelihood": likelihood.View, "bayes": bayes.View}[screen]
    return getattr(view(screen=screen, model=MODEL, image=0, beta=1.0), name)


@pytest.mark.parametrize("screen", ["likelihood", "bayes"])
def test_an_autoencoder_has_no_p_of_x(screen: str) -> None:
    test = theory({"screen": screen, "model": "digits-ae-2d"})
    assert "needs a VAE of two latent axes" in said(test)
    assert ask(screen, model="digits-ae-2d", beta=None)["why"] == "This needs a VAE of two latent axes."


# Why P(X) is hard ----------------------------------------------------------------------------------


def test_the_field_is_the_log_likelihood_below_its_peak() -> None:
    reply = ask("likelihood")
    left, right, bottom, top = reply["extent"]
    side = math.isqrt(len(reply["field"]))
    at = (np.arange(side) + 0.5) / side
    z = np.stack(np.meshgrid(left + at * (right - left), top - at * (top - bottom)), -1).reshape(-1, 2)
    exact = log_p(z.astype(np.float32), 3)
    near = (np.abs(z) < 3).all(1) & (exact > exact.max() - 40)
    assert np.abs(reply["field"][near] + reply["top"] - exact[near]).mean() < 0.3  # between the kept plane's cells
    assert reply["top"] == pytest.approx(exact.max(), abs=0.5)
    assert (reply["image"] == PIXELS[3].ravel()).all()


def test_the_exact_value_is_the_plain_sum() -> None:
    reply = ask("likelihood", "summed")
    assert reply["logPx"] == pytest.approx(plain_log_px(3), abs=0.01)
    assert reply["error"] < 0.01


def test_each_origins_draws_count_what_they_should_and_agree_with_the_exact_value() -> None:
    exact = plain_log_px(3)
    for origin, spread in (("prior", None), ("encoder", None), ("posterior", 0.2)):
        replies = [ask("likelihood", "drawn", {"block": block}, origin=origin) for block in (0, 1, 99)]
        assert [reply["block"] for reply in replies] == [0, 1, 99]
        z = np.concatenate([reply["z"] for reply in replies]).reshape(-1, 2)
        logs = np.concatenate([reply["logs"] for reply in replies]).astype(np.float64)
        assert len(np.unique(z, axis=0)) == 3000
        w = np.exp(logs - exact)
        assert abs(w.mean() - 1) < 5 * w.std() / math.sqrt(len(w)) + 0.01
        if origin == "prior":
            assert np.allclose(logs, log_p(z, 3), atol=1e-3)
        if spread:
            assert logs.std() < spread


def test_the_draws_needed_are_those_of_that_image() -> None:
    assert ask("likelihood", "judged", {"block": 39})["of"] == 40
    reply = ask("likelihood", "needed", {"number": 19})
    assert reply["image"] == len(PIXELS) - 1
    exact = plain_log_px(reply["image"])
    parts = [ask("likelihood", "drawn", {"block": block}, image=reply["image"])["logs"] for block in range(10)]
    logs = np.concatenate(parts).astype(np.float64)
    n = reply["needed"]
    right = [
        np.mean(
            np.abs([logsumexp(logs[k : k + m]) - math.log(m) - exact for k in range(0, 10_000 - m, m)]) < math.log(2)
        )
        for m in (max(1, n // 3), 2 * n)
    ]
    assert right[0] < 0.55
    assert right[1] > 0.5
    assert 0.2 < n / math.exp(reply["rate"]) < 5


def test_models_are_those_with_a_measured_rate() -> None:
    found = {each["name"]: each for each in ask("likelihood", "models", beta=1.0)["models"]}
    assert {"mnist-vae-2d", MODEL, "circles-vae-2d"} <= found.keys()
    assert "digits-ae-2d" not in found
    with torch.inference_mode():
        q = NETWORK.posterior(torch.from_numpy(PIXELS / np.float32(255)), torch.ones(len(PIXELS)))
        rate = torch.distributions.kl_divergence(
            torch.distributions.Normal(q.mean, q.stddev), torch.distributions.Normal(0.0, 1.0)
        )
    assert found[MODEL]["rate"] == pytest.approx(float(rate.sum(1).mean()), rel=0.02)
    assert found[MODEL]["axes"] == 2


def test_alike_is_told_by_squared_distance() -> None:
    reply = ask("likelihood", "similar", sigma=0.25, piece=3)
    images = reply["images"].reshape(5, 8, 8) / 255.0
    squared = np.square(images[1:] - images[0]).sum((1, 2))
    assert np.allclose(reply["squared"], squared, atol=0.05)
    exact = [np.sum(stats.norm.logpdf(images[0], other, 0.25)) for other in images[1:]]
    assert np.allclose(reply["logs"], exact, rtol=0.01, atol=0.5)
    assert squared[1] < squared[2]


# Bayes' rule -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_three_fields_are_bayes_rule_over_the_visible_pixels(share: float) -> None:
    seen = np.ones((8, 8), bool)
    seen[8 - round(8 * share) :] = False
    state: dict[str, Any] = {"share": share, "pattern": "half"}
    main, volume, close = (ask("bayes", part, **state) for part in ("main", "summed", "zoom"))
    assert (main["gone"].reshape(8, 8) == ~seen).all()
    exact = plain_log_px(3, seen)
    assert volume["logPx"] == pytest.approx(exact, abs=0.01)
    left, right, bottom, top = close["extent"]
    at = (np.arange(48) + 0.5) / 48
    z = np.stack(np.meshgrid(left + at * (right - left), top - at * (top - bottom)), -1).reshape(-1, 2)
    prior, likely = np.sum(stats.norm.logpdf(z), 1), log_p(z.astype(np.float32), 3, seen)
    for name, log in (("prior", prior), ("likelihood", likely), ("posterior", prior + likely - exact)):
        assert close["tops"][name] == pytest.approx(log.max(), abs=0.02)
        seen_log = log > log.max() - 10
        assert np.allclose(close[name][seen_log], (log - log.max())[seen_log], atol=0.03)
        if name in main["tops"] and share < 1:  # the posterior's is short of P(X) there
            peak = log.max() + (exact if name == "posterior" else 0)
            assert main["tops"][name] == pytest.approx(peak, abs=0.6)
    cell = (right - left) * (top - bottom) / 48**2
    if share < 1:
        assert np.exp(close["posterior"].astype(float) + close["tops"]["posterior"]).sum() * cell == pytest.approx(
            1, abs=0.03
        )
    here = ask("bayes", "at", {"z": [0.25, -0.5]}, **state)
    point = np.array([[0.25, -0.5]], np.float32)
    assert here["likelihood"] == pytest.approx(log_p(point, 3, seen)[0], abs=2e-3)
    assert here["prior"] + here["likelihood"] - here["logPx"] == pytest.approx(here["posterior"], abs=1e-6)
    assert here["prior"] == pytest.approx(float(np.sum(stats.norm.logpdf(point))), abs=1e-6)


def test_what_q_costs_is_a_sum_over_draws_of_it() -> None:
    volume = ask("bayes", "summed")
    with torch.inference_mode():
        q = NETWORK.posterior(torch.from_numpy(PIXELS[3:4] / np.float32(255)), torch.full((1,), 0.5))
    mean, std = q.mean[0].double().numpy(), q.stddev[0].double().numpy()
    z = mean + std * np.random.default_rng(0).standard_normal((20_000, 2))
    terms = np.sum(stats.norm.logpdf(z, mean, std) - stats.norm.logpdf(z), 1) - log_p(z.astype(np.float32), 3)
    assert volume["cost"] == pytest.approx(
        terms.mean() + plain_log_px(3), abs=5 * terms.std() / math.sqrt(20_000) + 0.01
    )


def test_hiding_widens_the_posterior_and_all_of_it_leaves_the_prior() -> None:
    widths = [ask("bayes", "summed", share=share, pattern="random")["width"] for share in (0.0, 0.5, 0.9, 1.0)]
    assert widths == sorted(widths)
    assert widths[-1] == pytest.approx(1, abs=0.01)
    foreseen = ask("bayes", "foreseen")
    assert foreseen["widths"][0] == pytest.approx(ask("bayes", "summed")["width"])
    assert foreseen["widths"][1] == pytest.approx(ask("bayes", "summed", share=0.5, pattern="half", seed=0)["width"])
    assert foreseen["rates"][0] > foreseen["rates"][1]


@pytest.mark.parametrize(
    ("screen", "part", "more"),
    [
        ("likelihood", "drawn", {"block": 100}),
        ("likelihood", "drawn", {"block": -1}),
        ("likelihood", "drawn", {"block": "0"}),
        ("likelihood", "needed", {"number": 20}),
        ("likelihood", "judged", {"block": 40}),
        ("bayes", "at", {}),
        ("bayes", "at", {"z": [1]}),
        ("bayes", "at", {"z": [1, math.inf]}),
        ("bayes", "at", {"z": [1, "2"]}),
        ("bayes", "none", {}),
    ],
)
def test_what_no_page_of_ours_asks_is_refused(screen: str, part: str, more: dict[str, Any]) -> None:
    assert ask(screen, part, more)["kind"] == "refused"


def test_an_image_below_a_thousand_nats_keeps_its_numbers() -> None:
    """An inverted digit: far from all that the model knows."""
    model = checkpoints.load(checkpoints.find("mnist-vae-2d")).arrays
    image = 1 - data.load("mnist", "test").pixels[2].astype(np.float32) / 255
    found = mass(model, image, 1.0)
    estimates = running(log_weights(model, prior_draws(2, 0, 0, 200), image, 1.0))
    assert found.log_px < -1000
    assert np.isfinite(estimates).all()
    assert estimates.max() < found.log_px + 5
