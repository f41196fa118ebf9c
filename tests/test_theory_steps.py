"""The screens of the reparameterization trick and of a gradient step: what they say, against the network in float64."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from tests.test_explore import PROVENANCE, runs, sent
from tests.test_theory_page import ask, said, theory
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.config import ModelConfig
from vae_explorer.models.autoencoder import Autoencoder, build
from vae_explorer.ui.shell.caches import forget_images
from vae_explorer.ui.state.limits import Limits
from vae_explorer.ui.theory.course import course
from vae_explorer.ui.theory.screens import gradient

__all__ = ["runs"]  # a fixture

LIMITS = Limits(model="digits-vae-2d", latent=2, beta=(0.001, 10.0), home=(0.0, 0.0, 4.0), images=300, classes=10)
TRICK = {"screen": "reparameterization", "model": "digits-vae-2d"}
STEP = {"screen": "gradient", "model": "digits-vae-2d"}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A pool of a few images."""
    monkeypatch.setattr(gradient, "IMAGES", 8)
    forget_images()
    yield
    forget_images()


def network(name: str = "digits-vae-2d") -> Autoencoder:
    return copy.deepcopy(checkpoints.load(checkpoints.find(name)).model).double()


def image(index: int) -> torch.Tensor:
    return torch.from_numpy(data.load("digits", "test").pixels[index : index + 1]).double() / 255


class Oracle:
    """One image forward and back in float64, by hand."""

    def __init__(self, index: int, beta: float, epsilon: Any, name: str = "digits-vae-2d") -> None:
        model, self.x = network(name), image(index)
        self.b = torch.tensor([beta], dtype=torch.float64)
        q = model.posterior(self.x, self.b)
        self.mean, self.log_var = (each.detach().requires_grad_() for each in (q.mean, 2 * q.stddev.log()))
        std = (self.log_var / 2).exp()
        self.z = self.mean + std * torch.tensor(epsilon, dtype=torch.float64)
        self.log_p = model.likelihood(self.z, self.b).log_prob(self.x).sum()
        self.rate = kl_divergence(Normal(self.mean, std), Normal(torch.zeros(1), torch.ones(1)).expand(std.shape)).sum()
        self.by_log_p = torch.autograd.grad(self.log_p, (self.mean, self.log_var), retain_graph=True)
        self.by_rate = torch.autograd.grad(-beta * self.rate, (self.mean, self.log_var), retain_graph=True)


# The trick -----------------------------------------------------------------------------------------


def test_every_number_of_the_row_is_the_networks() -> None:
    reply = ask(kind="theory.main", **TRICK, image=5, beta=0.1, seed=3, draw=2)
    oracle = Oracle(5, 0.1, reply["epsilon"])
    assert reply["epsilon"] == pytest.approx(np.random.default_rng((3, 5, 2)).standard_normal(2).tolist())
    assert reply["z"] == pytest.approx(oracle.z[0].tolist(), abs=1e-4)
    assert reply["q"]["mean"] == pytest.approx(oracle.mean[0].tolist(), abs=1e-4)
    assert reply["q"]["log_var"] == pytest.approx(oracle.log_var[0].tolist(), abs=1e-3)
    assert reply["log_p"] == pytest.approx(oracle.log_p.item(), abs=2e-3)
    assert reply["rate"] == pytest.approx(oracle.rate.item(), abs=1e-3)
    assert reply["objective"] == pytest.approx(reply["log_p"] - 0.1 * reply["rate"], abs=1e-4)
    for name, exact in (("from_log_p", oracle.by_log_p), ("from_rate", oracle.by_rate)):
        for key, values in zip(("mean", "log_var"), exact, strict=True):
            assert reply[name][key] == pytest.approx(values[0].tolist(), rel=2e-3, abs=5e-3)
    assert (reply["x"] == data.load("digits", "test").pixels[5].ravel()).all()
    decoded = network().likelihood(oracle.z, oracle.b).mean.detach().numpy().ravel()
    assert reply["f"] == pytest.approx(decoded, abs=1e-4)
    assert reply["pixels_norm"] == pytest.approx(float(np.linalg.norm(reply["at_pixels"])))


def test_a_blocked_path_says_nothing_of_the_likelihood_and_the_score_stands_in() -> None:
    open_, blocked, score = (
        ask(kind="theory.main", **TRICK, image=5, way=way) for way in ("reparameterized", "sampled", "score")
    )
    assert not any(blocked["from_log_p"]["mean"])
    assert any(open_["from_log_p"]["mean"])
    assert blocked["at_z"] == pytest.approx(open_["at_z"])
    assert score["z"] == pytest.approx(open_["z"])
    std = np.array(score["std"])
    expected = score["log_p"] * np.array(score["epsilon"]) / std
    assert score["from_log_p"]["mean"] == pytest.approx(expected.tolist(), rel=1e-3)
    assert len({each["encoder_norm"] for each in (open_, blocked, score)}) == 3


def test_the_histograms_are_a_thousand_draws_about_the_exact_gradient() -> None:
    reply = ask(kind="theory.draws", **TRICK, image=5, beta=0.1)
    plain = {name: np.array(reply[name], np.float64) for name in ("reparameterized", "score")}
    for name, values in plain.items():
        assert len(values) == 1000
        assert abs(values.mean() - reply["exact"]) < 4 * values.std() / np.sqrt(1000)
        assert reply["variances"][name] == pytest.approx(values.var(ddof=1), rel=1e-4)
    assert reply["ratio"] == pytest.approx(reply["variances"]["score"] / reply["variances"]["reparameterized"])
    with_baseline = ask(kind="theory.draws", **TRICK, image=5, beta=0.1, baseline=True)
    assert with_baseline["exact"] == reply["exact"]
    assert with_baseline["ratio"] < reply["ratio"] / 3
    assert ask(kind="theory.draws", **TRICK, image=5, beta=0.1, seed=1)["exact"] == reply["exact"]


def test_a_step_is_along_the_gradient_that_is_shown_and_its_q_can_be_linked() -> None:
    here = {**TRICK, "image": 5, "beta": 1}
    shown, stepped = ask(kind="theory.main", **here), ask(kind="theory.step", **here)
    mean, log_var = np.array(shown["q"]["mean"]), np.array(shown["q"]["log_var"])
    by_mean, by_log_var = (
        np.array(shown["from_log_p"][key]) + np.array(shown["from_rate"][key]) for key in ("mean", "log_var")
    )
    expected = [*(mean + 0.3 * np.exp(log_var) * by_mean), *(log_var + 0.6 * by_log_var)]
    assert stepped["q"] == pytest.approx(expected, rel=1e-4)
    assert stepped["before"] == pytest.approx(shown["exact"]["objective"])
    moved = ask(kind="theory.main", **here, q=stepped["q"])
    assert moved["moved"] is True
    assert moved["exact"]["objective"] == pytest.approx(stepped["after"])
    assert moved["encoder"] == shown["encoder"]
    assert "q=" in moved["link"]


def test_a_q_of_another_number_of_axes_is_the_encoders() -> None:
    reply = ask(kind="theory.main", **TRICK, q=[0.0, 0.0, 0.0])
    assert reply["moved"] is False
    for name, values in reply["encoder"].items():
        assert reply["q"][name] == pytest.approx(values, abs=1e-5)


def test_a_model_of_more_axes_is_shown_with_the_error_of_its_draws(runs: Path) -> None:
    config = ModelConfig(kind="vae", data="digits", shape=(8, 8), encoder=(8,), decoder=(8,), latent=5)
    checkpoints.save(runs / "five.safetensors", build(config, seed=1), PROVENANCE)
    reply = ask(kind="theory.main", **{**TRICK, "model": "five"}, beta=None)
    assert len(reply["z"]) == 5
    assert reply["exact"]["error"] > 0
    assert len(ask(kind="theory.step", **{**TRICK, "model": "five"}, beta=None)["q"]) == 10


def test_an_image_that_nothing_explains_is_told_in_nats_and_not_as_nothing(runs: Path) -> None:
    config = ModelConfig(
        kind="vae", data="digits", shape=(8, 8), encoder=(8,), decoder=(8,), likelihood="gaussian", scale=0.01
    )
    checkpoints.save(runs / "sharp.safetensors", build(config, seed=1), PROVENANCE)
    reply = ask(kind="theory.main", **{**TRICK, "model": "sharp"}, beta=None)
    assert reply["log_p"] < -1000
    assert reply["exact"]["objective"] < -1000


# A gradient step -----------------------------------------------------------------------------------


def worked(**question: Any) -> dict[str, Any]:
    """What the screen says once its pool is there; every question before says how far it has come."""
    asked = {**STEP, **question}
    first = ask(kind="theory.main", **asked)
    assert first["share"] < 1
    assert "pairs" not in first
    share = 0.0
    for _ in range(200):
        reply = ask(kind="theory.pool", **asked)
        assert reply["share"] >= share
        share = reply["share"]
        if reply["done"]:
            return ask(kind="theory.main", **asked)
    raise AssertionError("the pool never ends")


def written_out(model: Autoencoder, indices: Any, epsilon: Any, beta: float) -> Any:
    weights = [*model.encoder.parameters(), *model.decoder.parameters()]
    b, rows = torch.tensor([beta], dtype=torch.float64), []
    for index, noises in zip(indices, epsilon, strict=True):
        for noise in noises:
            q = model.posterior(image(index), b)
            log_p = model.likelihood(q.mean + q.stddev * torch.from_numpy(noise), b).log_prob(image(index))
            value = log_p - beta * kl_divergence(q, model.prior())
            rows.append(torch.cat([each.flatten() for each in torch.autograd.grad(value.sum(), weights)]).numpy())
    return np.stack(rows)


def mean_gradient(model: Autoencoder, index: int, epsilon: Any, beta: float) -> Any:
    """One backward pass of the mean over z."""
    b, x = torch.full((len(epsilon),), beta, dtype=torch.float64), image(index).expand(len(epsilon), -1, -1)
    q = model.posterior(x, b)
    log_p = model.likelihood(q.mean + q.stddev * torch.from_numpy(epsilon), b).log_prob(x)
    value = (log_p - beta * kl_divergence(q, model.prior())).mean()
    weights = [*model.encoder.parameters(), *model.decoder.parameters()]
    return torch.cat([each.flatten() for each in torch.autograd.grad(value, weights)]).numpy()


@pytest.mark.parametrize("which", ["trained", "untrained"])
def test_angles_and_noise_are_those_of_gradients_written_out(small: None, which: str) -> None:
    reply = worked(beta=0.1, seed=2, network=which, image=7)
    trained = checkpoints.load(checkpoints.find("digits-vae-2d"))
    fresh = build(trained.config, trained.provenance.training.seed).double()
    model = network() if which == "trained" else fresh
    indices = np.sort(np.random.default_rng((2, 0)).permutation(300)[:8])
    epsilon = np.random.default_rng((2, 1)).standard_normal((8, 4, 2))
    g = written_out(model, indices, epsilon, 0.1)
    whole = g.mean(0)
    assert reply["norm"] == pytest.approx(np.linalg.norm(whole), rel=1e-3)
    assert reply["noise"] ** 2 == pytest.approx(((g - whole) ** 2).sum(1).mean(), rel=1e-3)
    assert (reply["size"], reply["draws"], reply["weights"]) == (32, 4, g.shape[1])
    angles = np.degrees(np.arccos(g @ whole / np.linalg.norm(g, axis=1) / np.linalg.norm(whole)))
    drawn = reply["pairs_degrees"].reshape(13, 48)[0]
    assert all(np.abs(angles - each).min() < 0.02 for each in drawn)
    assert reply["pairs"]["middle"][0] == pytest.approx(np.median(drawn), abs=1e-3)
    assert reply["pairs"]["samples"] == [2**k for k in range(13)]
    own = mean_gradient(model, 7, np.random.default_rng((2, 2, 7)).standard_normal((128, 2)), 0.1)
    angle = np.degrees(np.arccos(own @ whole / np.linalg.norm(own) / np.linalg.norm(whole)))
    assert reply["image"]["middle"][-1] == pytest.approx(angle, abs=0.05)


def test_the_network_before_training_agrees_with_itself_sooner(small: None) -> None:
    trained, untrained = (worked(network=which) for which in ("trained", "untrained"))
    assert untrained["critical"] < trained["critical"] / 10
    assert untrained["pairs"]["middle"][0] < trained["pairs"]["middle"][0]


def test_a_pool_that_is_there_is_not_computed_again(small: None) -> None:
    worked()
    assert ask(kind="theory.main", **STEP, power=7, subject="image")["share"] == 1
    assert ask(kind="theory.pool", **STEP)["done"] is True
    assert ask(kind="theory.main", **STEP, beta=0.1)["share"] < 1


# Both on the page ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        *((TRICK, key, value) for key, value in (("way", "score"), ("draw", 7), ("baseline", True), ("image", 3))),
        *((TRICK, key, value) for key, value in (("q", [0.5, -0.5, -3.0, -2.0]), ("beta", 0.1), ("seed", 4))),
        *((STEP, key, value) for key, value in (("power", 12), ("subject", "image"), ("network", "untrained"))),
    ],
)
def test_each_control_is_taken_and_stands_in_the_link(name: dict[str, str], key: str, value: Any) -> None:
    answer = sent(theory(name, {**name, key: value}, {"theory_linked": True, "theory_messages": []}))["answer"]
    assert answer["start"][key] == value
    assert f"{key}=" in answer["link"]
    again = dict(pair.split("=") for pair in answer["link"].replace("%2C", ",").split("&"))
    view, messages = course()[name["screen"]].table.parse(again, LIMITS)
    assert messages == []
    assert json.loads(json.dumps(asdict(view))) == answer["start"]


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        *((TRICK, key, value) for key, value in (("way", "guess"), ("draw", "-1"), ("draw", "1000000"))),
        *(
            (TRICK, key, value)
            for key, value in (("q", "1e9,0,0,0"), ("q", "nan"), ("baseline", "1"), ("image", "300"))
        ),
        *((STEP, key, value) for key, value in (("power", "13"), ("power", "-1"), ("power", "1.5"), ("subject", "x"))),
        (STEP, "network", "half"),
    ],
)
def test_a_link_out_of_range_is_refused_in_words(name: dict[str, str], key: str, value: str) -> None:
    table = course()[name["screen"]].table
    view, messages = table.parse({**name, key: value}, LIMITS)
    assert [message.startswith(f"{key} = ") for message in messages] == [True]
    assert view == table.start(LIMITS)


@pytest.mark.parametrize("name", [TRICK, STEP])
def test_an_autoencoder_is_no_vae_and_one_is_shown_instead(name: dict[str, str]) -> None:
    test = theory({**name, "model": "digits-ae-2d"})
    assert "needs a VAE, and" in said(test)
    assert sent(test)["answer"]["start"]["model"] == course()[name["screen"]].default
    assert ask(kind="theory.main", **{**name, "model": "digits-ae-2d"})["why"] == "This needs a VAE."
