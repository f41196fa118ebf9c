"""The screens of maps and of KL: what their parts say, what their controls set, and what they refuse."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from starlette.applications import Starlette
from starlette.testclient import TestClient
from torch.distributions import Normal, kl_divergence

from tests.test_explore import sent, unpack
from tests.test_theory_page import said, theory
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.latent.encoding import encode
from vae_explorer.theory import gaussians
from vae_explorer.ui.shell import live
from vae_explorer.ui.theory import exports
from vae_explorer.ui.theory.course import course

MODEL = "digits-vae-2d"
STATE: dict[str, dict[str, Any]] = {
    "ring": {"g": "ring", "a": 10, "at": [0.0, 0.0, 0.4], "draws": 500, "ink": []},
    "kl": {"mean": [1, 0], "s1": 0.5, "s2": 0.8, "p": "prior", "apart": 3, "draws": 1000},
}
LINE = [0.2, 0.2, 0.8, 0.8]


def ask(screen: str, part: str = "main", more: dict[str, Any] | None = None, model: str = MODEL, **state: Any) -> Any:
    """Returns what the channel says."""
    common = {"kind": f"theory.{part}", "n": 1, "screen": screen, "model": model, "image": 2, "beta": 1, "seed": 0}
    question = {**common, **STATE[screen], **state, "more": more or {}}
    with TestClient(Starlette(routes=live.routes())).websocket_connect("/live") as channel:
        channel.send_text(f"theory.{part}\n{json.dumps(question)}")
        return unpack(channel.receive_bytes())


# Ring --------------------------------------------------------------------------------------------


def test_the_ring_says_area_and_mass_in_closed_form() -> None:
    answer = ask("ring")
    h, a = 0.4, 10
    assert answer["landed"] == pytest.approx((4 * h * h / a + 8 * h * math.asinh(1)) / a, rel=1e-4)
    assert answer["mass"] == pytest.approx((2 * stats.norm.cdf(h) - 1) ** 2)
    assert answer["after"] == pytest.approx(answer["before"] / answer["det"])
    assert answer["preimages"] == 0, "the origin lands nowhere"
    moved = ask("ring", at=[0.6, 0.8, 0.1], a=2)
    assert moved["lands"] == pytest.approx([0.9, 1.2])
    assert moved["point_density"] == pytest.approx(stats.norm.pdf([0.6, 0.8]).prod() / (0.5 * (0.5 + 1)))
    assert moved["preimages"] == 1


@pytest.mark.parametrize("g", ["ring", "moons", "spiral"])
def test_the_counts_are_those_of_the_draws_that_are_sent(g: str) -> None:
    answer, z = ask("ring", g=g), ask("ring", "draws")["z"].reshape(-1, 2)
    assert len(z) == 500
    assert answer["counts"].sum() + answer["missed"] == 500
    assert answer["expected"].sum() == pytest.approx(500, rel=0.02)
    if g == "ring":
        by_hand, _ = np.histogram(1 + np.hypot(*z.T) / 10, answer["edges"])
        assert np.abs(by_hand - answer["counts"]).sum() <= 2, "float32 at an edge"
    assert not np.array_equal(ask("ring", "draws", seed=4)["z"], z.ravel())


def test_the_decoders_square_is_a_surface() -> None:
    answer = ask("ring", g="decoder", at=[0.3, 0.2, 0.4])
    model = checkpoints.load(checkpoints.find(MODEL)).arrays
    steps = np.linspace(-0.4, 0.4, 61)
    z = np.stack(np.meshgrid(0.3 + steps, 0.2 + steps), 2).reshape(-1, 2).astype(np.float32)
    f = model.decode(z, 1.0).reshape(61, 61, -1).astype(np.float64)
    u, v = f[:-1, 1:] - f[:-1, :-1], f[1:, :-1] - f[:-1, :-1]
    area = np.sqrt((u**2).sum(2) * (v**2).sum(2) - (u * v).sum(2) ** 2).sum()
    assert answer["landed"] == pytest.approx(area, rel=0.01)
    middle = answer["images"].reshape(7, 7, 8, 8)[3, 3]
    assert np.abs(middle - 255 * model.decode(np.array([[0.3, 0.2]], np.float32), 1.0)[0]).max() <= 0.51


def test_the_flow_learns_what_is_drawn_step_by_step() -> None:
    state: dict[str, Any] = {"g": "drawing", "ink": LINE}
    assert ask("ring", **state)["steps"] == 2000
    first, later = (ask("ring", "flow", {"step": step, "whole": True}, **state) for step in (0, 75))
    assert len(later["loss"]) == 3
    assert later["loss"][-1] < later["loss"][0]
    assert first["preimages"] == later["preimages"] == 1
    # before training: the Gaussian of the drawing's moments, whatever the layers
    scale = np.array(first["scale"])
    assert "counts" not in ask("ring", "flow", {"step": 75}, **state), "only what training needs"
    assert first["det"] == pytest.approx(scale.prod(), rel=1e-6)


@pytest.mark.parametrize(
    ("state", "more", "words"),
    [
        ({"ink": []}, {"step": 0}, "Nothing is drawn: draw a shape first."),
        ({"ink": [-1, -1]}, {"step": 0}, "Nothing is drawn: draw a shape first."),
        ({"ink": LINE}, {"step": 10}, "Steps are multiples of 25"),
        ({"ink": LINE}, {"step": 2000}, "ask for what lies between"),
        ({"ink": LINE}, {"step": "far"}, "step is no number from 0 to 2000."),
        ({"ink": [0.5, -0.5]}, {"step": 0}, "points of a drawing lie between 0 and 1"),
    ],
)
def test_a_drawing_or_a_step_that_is_none_is_refused_in_words(
    state: dict[str, Any], more: dict[str, Any], words: str
) -> None:
    answer = ask("ring", "flow", more, g="drawing", **state)
    assert answer["kind"] == "refused"
    assert words.lower() in answer["why"].lower()


@pytest.mark.parametrize(
    ("screen", "name", "text"),
    [
        *(("ring", "a", text) for text in ("0", "-3", "nan", "1e9")),
        *(("ring", "at", text) for text in ("0,0,0", "0,0,-1", "9,0,1", "0,0")),
        *((screen, "draws", text) for screen in ("ring", "kl") for text in ("0", "-1", "99999999", "1.5")),
        ("ring", "g", "cube"),
        ("ring", "ink", "3,3"),
        *(("kl", name, text) for name in ("s1", "s2") for text in ("0", "-1", "1e3")),
        *(("kl", "mean", text) for text in ("9,0", "1", "nan,0")),
        ("kl", "apart", "-1"),
        ("kl", "p", "cauchy"),
    ],
)
def test_a_link_out_of_range_is_refused_in_words_and_the_screen_opens(screen: str, name: str, text: str) -> None:
    table = course()[screen].table
    from vae_explorer.ui.explore.scene import Scene

    limits = Scene(MODEL).limits
    view, messages = table.parse({name: text}, limits)
    assert view == table.start(limits)
    assert len(messages) == 1
    assert name in messages[0]
    value: Any = [99.0 if each == "nan" else float(each) for each in text.split(",")] if "," in text else text
    refused = ask(screen, **{name: value})
    assert refused["kind"] == "refused", "and so is a question"


# KL ----------------------------------------------------------------------------------------------


def test_the_terms_are_pytorchs_and_the_estimate_is_near() -> None:
    answer = ask("kl", draws=20_000)
    q = Normal(torch.tensor([1.0, 0.0]), torch.tensor([0.5, 0.8]))
    prior = Normal(torch.zeros(2), torch.ones(2))
    assert answer["kl"] == pytest.approx(float(kl_divergence(q, prior).sum()))
    assert answer["forward"] == pytest.approx(float(kl_divergence(prior, q).sum()))
    assert answer["means"] + answer["widths"] + answer["logs"] == pytest.approx(answer["kl"])
    assert answer["means"] == 0.5
    assert abs(answer["estimate"] - answer["kl"]) < 4 * answer["error"]
    assert answer["n_draws"][-1] == 20_000


def test_one_draw_has_no_error() -> None:
    answer = ask("kl", draws=1)
    assert answer["error"] is None
    assert answer["n_draws"].tolist() == [1]


def test_both_directions_to_a_mixture_agree_with_draws() -> None:
    answer = ask("kl", p="mixture", draws=50_000)
    assert abs(answer["estimate"] - answer["kl"]) < 4 * answer["error"]
    generator, n = np.random.default_rng(0), 100_000
    which = generator.random(n) < answer["shares"][1]
    first, second = (np.array(each) for each in answer["components"])
    z = np.where(which[:, None], second[:2], first[:2])
    z = z + np.where(which[:, None], second[2:], first[2:]) * generator.standard_normal((n, 2))
    q = stats.multivariate_normal([1, 0], np.diag([0.25, 0.64]))
    p = sum(
        w * stats.multivariate_normal(c[:2], np.diag(np.square(c[2:]))).pdf(z)
        for w, c in zip(answer["shares"], (first, second), strict=True)
    )
    ratio = np.log(p) - q.logpdf(z)
    assert answer["forward"] == pytest.approx(ratio.mean(), abs=4 * ratio.std() / math.sqrt(n))
    assert answer["best_forward"] == pytest.approx([*z.mean(0), *z.std(0)], abs=0.02)
    assert len(answer["best_reverse"]) == 2
    assert answer["least_reverse"][0] < answer["kl"]
    assert answer["least_forward"] < answer["forward"]


def test_an_images_posterior_and_every_images_kl_are_the_models() -> None:
    encoding = encode(checkpoints.load(checkpoints.find(MODEL)).arrays, data.load("digits", "test").pixels, 0.5)
    answer, rates = ask("kl", beta=0.5), ask("kl", "rates", beta=0.5)
    assert answer["image"] == pytest.approx([*encoding.mean[2].tolist(), *encoding.std[2].tolist()], abs=1e-5)
    mean, std = (torch.from_numpy(each).double() for each in encoding)
    exact = kl_divergence(Normal(mean, std), Normal(0.0, 1.0)).numpy()
    assert rates["own"] == pytest.approx(exact[2].tolist(), rel=1e-4)
    assert rates["means"] == pytest.approx(exact.mean(0).tolist(), rel=1e-4)
    counts, edges = rates["counts"].reshape(2, -1), rates["edges"]
    assert counts.sum(1).tolist() == [len(exact)] * 2
    inner = [int(((axis >= edges[10]) & (axis < edges[20])).sum()) for axis in exact.T]
    assert counts[:, 10:20].sum(1) == pytest.approx(inner, abs=2)


def test_an_autoencoder_is_told_that_a_vae_is_needed() -> None:
    test = theory({"screen": "kl", "model": "digits-ae-2d"})
    assert "needs a VAE" in said(test)
    assert ask("kl", model="digits-ae-2d", beta=None)["why"] == "This needs a VAE."
    assert "two latent axes" in ask("ring", model="digits-ae-2d", beta=None)["why"]


# The page ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("screen", "change"),
    [
        ("ring", {"g": "moons"}),
        ("ring", {"g": "decoder"}),
        ("ring", {"g": "drawing", "ink": LINE}),
        ("ring", {"a": 3.0}),
        ("ring", {"at": [1.0, -1.0, 0.2]}),
        ("ring", {"draws": 10}),
        ("ring", {"seed": 5}),
        ("kl", {"mean": [0.5, -2.0]}),
        ("kl", {"s1": 0.02}),
        ("kl", {"s2": 4.0}),
        ("kl", {"p": "mixture", "apart": 6.0}),
        ("kl", {"draws": 1}),
        ("kl", {"image": 7, "beta": 0.5}),
    ],
)
def test_each_control_sets_the_page_its_link_and_its_answer(screen: str, change: dict[str, Any]) -> None:
    before, after = (
        theory({"screen": screen, "model": MODEL}, seen={"screen": screen, **STATE[screen], **more})
        for more in ({}, change)
    )
    first, then = (sent(test)["answer"] for test in (before, after))
    for name, value in change.items():
        assert then["start"][name] == value
    assert then["link"] != first["link"]
    if screen == "ring" and change.keys() <= {"draws", "seed"}:
        assert not np.array_equal(first["counts"], then["counts"])
    else:
        names = ("landed", "kl", "running", "image", "steps")
        assert any(not np.array_equal(first.get(name, 0), then.get(name, 0)) for name in names)


def test_a_mixtures_best_reverse_is_found_once_a_distance() -> None:
    assert gaussians.pair(3.0).means[1] - gaussians.pair(3.0).means[0] == pytest.approx(
        [3 * math.cos(math.pi / 6), 1.5]
    )


@pytest.mark.parametrize("screen", ["ring", "kl"])
def test_its_numbers_can_be_taken_away(screen: str) -> None:
    from vae_explorer.ui.explore.scene import Scene

    scene, one = Scene(MODEL), course()[screen]
    text = exports.numbers_csv(one, scene, one.table.start(scene.limits))
    assert len(text.splitlines()) > 50
