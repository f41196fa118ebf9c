"""log P(X) over a training: another rule in float64, closed forms, sums over all images that there are."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from tests.test_theory_importance import IMAGES, Gaussian
from vae_explorer.__main__ import main
from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.digests import digest
from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.data import Images, fingerprint
from vae_explorer.latent.model import Doubles, Floats, Model, log_prior
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import Autoencoder, build
from vae_explorer.theory import likelihood_over_training as over_training
from vae_explorer.theory import quadrature, training_states
from vae_explorer.theory.training_states import StatesError
from vae_explorer.training.engine import fit

TINY = ModelConfig(kind="vae", data="digits", shape=(2, 2), encoder=(4,), decoder=(8, 8))
SHORT = TrainingConfig(epochs=2, batch=10, seed=3, precision="float32")


def pair(part: int) -> Images:
    pixels = (np.random.default_rng(part).random((40, 2, 2)) < 0.4).astype(np.uint8) * 255
    return Images(pixels, np.zeros(40, np.int64), ("0",), "noise")


def log_px(model: Model, x: Floats, side: int, reach: float = over_training.REACH) -> over_training.LogPx:
    return over_training.log_px(over_training.decoded(model, over_training.plane(side, reach)), x)


def legendre(network: Autoencoder, x: Floats, reach: float = 7.5, panels: int = 24) -> Doubles:
    """Returns log P(X) in float64 by ten Gauss-Legendre nodes in each of the panels along both axes."""
    nodes, weights = np.polynomial.legendre.leggauss(10)
    edges = np.linspace(-reach, reach, panels + 1)
    half = (edges[1] - edges[0]) / 2
    at = (edges[:-1, None] + half * (1 + nodes)).ravel()
    z = np.stack(np.meshgrid(at, at), -1).reshape(-1, 2)
    log_w = np.log(np.tile(weights * half, panels))
    log_w = (log_w[:, None] + log_w).ravel() + norm.logpdf(z).sum(1)
    with torch.no_grad():
        eta = network.decoder(torch.from_numpy(z), torch.ones(len(z), 1).double()).flatten(1).numpy()
    x = x.reshape(len(x), -1).astype(np.float64)
    return np.array([logsumexp(eta @ one - np.logaddexp(0, eta).sum(1) + log_w) for one in x])


def test_what_ships_says_what_it_is_and_is_no_model_of_the_list() -> None:
    states = training_states.read()
    assert training_states.PATH.stat().st_size < 2_000_000
    assert states.steps[0] == 0
    assert len(states.steps) == 32
    train = training_states.images("train")
    about = states.about
    assert states.steps[-1] == about.training.epochs * (len(train.pixels) // about.training.batch) == 7500
    assert about.images == {part: fingerprint(training_states.images(part)) for part in ("train", "validation")}
    assert (about.model, about.training) == (training_states.MODEL, training_states.TRAINING)
    assert "128 of 255" in about.data
    assert about.command == training_states.COMMAND
    assert not [each for each in checkpoints.list_all() if "training" in each.path.parts]


def test_its_first_states_come_out_again() -> None:
    states = training_states.read()
    train, validation = training_states.images("train"), training_states.images("validation")
    model, calls = build(training_states.MODEL, 0), itertools.count()
    wanted = states.steps[6]
    list(fit(model, train, validation, training_states.TRAINING, should_stop=lambda: next(calls) == wanted))
    kept = states.at(6).network.state_dict()
    start = build(training_states.MODEL, 0).state_dict()
    for name, value in model.state_dict().items():
        assert torch.allclose(kept[name], value, atol=2e-3, rtol=2e-3), "another processor adds in another order"
        assert torch.equal(states.at(0).network.state_dict()[name], start[name].half().float())
    moved = max(float((kept[name] - start[name]).abs().max()) for name in kept)
    assert moved > 1e-3


@pytest.mark.parametrize("step", [0, 1, 3, 4, 7, 8])
def test_a_state_is_the_model_after_that_many_steps(step: int) -> None:
    steps = (0, 1, 3, 4, 7, 8)
    recorded = training_states.record(pair(0), pair(1), TINY, SHORT, steps)
    model, calls = build(TINY, SHORT.seed), itertools.count()
    list(fit(model, pair(0), pair(1), SHORT, should_stop=lambda: next(calls) == step))
    for name, value in model.state_dict().items():
        assert torch.equal(recorded[name][steps.index(step)], value.half())


def test_states_beyond_the_end_are_refused() -> None:
    with pytest.raises(ValueError, match="training has 8 steps"):
        training_states.record(pair(0), pair(1), TINY, SHORT, (0, 8, 9))
    assert training_states.rungs(100, first=10, states=4) == (0, 10, 32, 100)
    assert training_states.rungs(8, first=8) == (0, 8)
    with pytest.raises(IndexError, match="no state 32"):
        training_states.read().at(32)
    with pytest.raises(IndexError):
        training_states.read().at(-1)


def test_the_probabilities_of_all_black_and_white_images_sum_to_one() -> None:
    every = np.array(list(itertools.product((0, 1), repeat=4)), np.float32).reshape(-1, 2, 2)
    model = build(TINY, 5)
    for parameter in model.parameters():
        parameter.data *= 3
    found = log_px(Arrays(model), every, over_training.COARSE)
    assert np.exp(found.log_px).sum() == pytest.approx(1, abs=1e-5)
    assert np.allclose(found.log_px, legendre(model.double(), every), atol=1e-4)
    assert over_training.uniform(4) == pytest.approx(math.log(1 / 16))


@pytest.mark.parametrize("state", [0, 15, 31])
def test_digits_and_what_is_none_have_the_log_px_of_another_rule(state: int) -> None:
    model = training_states.read().at(state)
    digits = training_states.images("test").pixels[[15, 0, 49]]
    x = training_states.normalised(np.concatenate([digits, *([*over_training.no_digits(digits[0], 0).values()],)]))
    coarse = log_px(model, x, over_training.COARSE)
    fine = log_px(model, x, over_training.FINE)
    exact = legendre(training_states.read().at(state).network.double(), x)
    adapted = [quadrature.mass(model, image, 1.0).log_px for image in x]
    assert np.abs(fine.log_px - adapted).max() < 2e-3
    assert np.abs(coarse.log_px - exact)[:3].max() < 2e-3
    assert np.abs(np.delete(fine.log_px - exact, 5)).max() < 0.01  # the inverted one is too narrow for the other rule
    assert (np.abs(coarse.log_px - exact) < coarse.error + 2e-3).all()


def test_training_raises_log_px_of_digits_and_lowers_it_of_what_is_none() -> None:
    states = training_states.read()
    x = training_states.normalised(training_states.images("validation").pixels)
    means = [over_training.average(log_px(states.at(i), x, 64).log_px) for i in (0, 15, 31)]
    assert [mean.mean for mean in means] == sorted(mean.mean for mean in means)
    assert means[0].mean == pytest.approx(over_training.uniform(64), abs=1)
    assert means[2].mean > -19
    digit = training_states.images("test").pixels[15]
    noise = training_states.normalised(over_training.no_digits(digit, 0)["noise"][None])
    assert log_px(states.at(31), noise, 64).log_px[0] < over_training.uniform(64) - 50


def test_linear_models_have_closed_forms() -> None:
    model, rule = Gaussian(bent=False, width=1.0), over_training.plane(128)
    at, base = over_training.decoded(model, rule), model.base_measure(IMAGES)
    found = over_training.log_px(at, IMAGES)
    assert np.allclose(found.log_px + base, model.log_px(IMAGES), atol=1e-4)
    assert found.error.max() < 1e-2
    mean, std = model.encode(IMAGES, 1.0)
    points = np.array([[0.3, -0.2], [1.5, 0.9]], np.float32)
    there = over_training.decoded(model, over_training.points(points))
    density = over_training.posterior(there, IMAGES, found.log_px)
    each = [multivariate_normal(m, np.diag(s**2)).pdf(points) for m, s in zip(mean, std, strict=True)]
    assert np.allclose(density, np.mean(each, 0), rtol=1e-3)


def test_shares_are_the_masses_of_tiles() -> None:
    edges = np.linspace(-3, 3, 61)
    centres = (edges[1:] + edges[:-1]) / 2
    z = np.stack([each.ravel() for each in np.meshgrid(centres, centres)], 1)
    density = np.asarray(multivariate_normal([0.4, -1.0], [[0.25, 0], [0, 0.04]]).pdf(z), np.float64)
    found = over_training.shares(density, 4, 0.1**2)
    one = [np.diff(norm(m, s).cdf(edges[::15])) for m, s in ((-1.0, 0.2), (0.4, 0.5))]
    assert np.allclose(found, np.outer(*one), atol=1e-3)
    with pytest.raises(ValueError, match="7 tiles"):
        over_training.shares(density, 7, 0.01)
    with pytest.raises(ValueError, match="cut the cells"):
        over_training.shares(density[1:], 4, 0.01)


def test_a_steps_gradient_is_that_of_log_p_given_z_averaged_over_the_posterior() -> None:
    """By autograd through the whole sum, in float64."""
    network = build(TINY, 9)
    for parameter in network.parameters():
        parameter.data *= 2
    x = np.array([[[1, 0], [0, 1]]], np.float32)
    rule = over_training.plane(8, reach=3)
    log_p = log_px(Arrays(network), x, 8, reach=3).log_px
    there = over_training.decoded(Arrays(network), over_training.points(rule.z))
    areas = np.exp(rule.log_weights - log_prior(rule.z))
    mass = torch.from_numpy(over_training.posterior(there, x, log_p) * areas)
    assert float(mass.sum()) == pytest.approx(1, abs=1e-5)
    network = network.double()
    z, target = torch.from_numpy(rule.z).double(), torch.from_numpy(x).double().flatten(1)
    eta = network.decoder(z, torch.ones(len(z), 1).double()).flatten(1)
    each = eta @ target[0] - torch.nn.functional.softplus(eta).sum(1)
    bias = [network.decoder.get_parameter("out.bias")]
    whole = torch.autograd.grad((each + torch.from_numpy(rule.log_weights)).logsumexp(0), bias, retain_graph=True)[0]
    apart = torch.stack([torch.autograd.grad(one, bias, retain_graph=True)[0] for one in each])
    assert torch.allclose(whole, mass @ apart, atol=1e-5)


def test_what_is_no_digit_is_made_of_the_digit() -> None:
    digit = training_states.images("test").pixels[15]
    made = over_training.no_digits(digit, 4)
    assert (made["inverted"] == 255 - digit.astype(int)).all()
    assert (made["upside down"] == np.flipud(digit)).all()
    assert (made["shuffled"] > 0).sum() == (digit > 0).sum()
    assert (made["shuffled"] != digit).any()
    assert (made["shifted"][:, 1:] == digit[:, :-1]).all()
    assert not made["shifted"][:, 0].any()
    assert not made["blank"].any()
    assert all(np.isin(image, (0, 255)).all() and image.dtype == np.uint8 for image in made.values())
    again, other = over_training.no_digits(digit, 4), over_training.no_digits(digit, 5)
    assert all((again[name] == made[name]).all() for name in made)
    assert (other["noise"] != made["noise"]).any()
    many = np.stack([over_training.no_digits(digit, seed)["noise"] > 0 for seed in range(200)])
    assert many.mean() == pytest.approx((digit > 0).mean(), abs=0.02)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (-44.2, -18.2, "more likely than before training (+26.0 nats); as likely as an average digit, or more"),
        (
            -44.2,
            -30.0,
            "more likely than before training (+14.2 nats); less likely than an average digit, more than if",
        ),
        (-44.2, -44.9, "as likely as before training (-0.7 nats); about as likely as if all images were equal"),
        (-44.2, -418.0, "less likely than before training (-373.8 nats); less likely than if all images were equal"),
    ],
)
def test_a_verdict_follows_the_numbers(before: float, after: float, words: str) -> None:
    assert over_training.verdict(before, after, -44.4, -17.8).startswith(words)


def test_an_untrained_model_prefers_nothing() -> None:
    words = over_training.verdict(-44.2, -44.2, -44.4, -44.1)
    assert words == "as likely as before training (+0.0 nats); as likely as any other image"


def test_an_image_below_minus_a_thousand_nats_does_not_underflow() -> None:
    model = training_states.read().at(31).network
    model.decoder.get_parameter("out.weight").data *= 3
    digit = training_states.images("test").pixels[15]
    x = training_states.normalised(over_training.no_digits(digit, 0)["inverted"][None])
    found = log_px(Arrays(model), x, 300).log_px[0]
    assert found < -1000
    assert found == pytest.approx(quadrature.mass(Arrays(model), x[0], 1.0).log_px, abs=0.01)


def test_averages_have_errors() -> None:
    values = np.array([-20.0, -30, -25])
    assert over_training.average(values) == pytest.approx((-25, math.sqrt(25 / 3)))
    assert math.isnan(over_training.average(values[:1]).error)


def test_models_of_more_axes_grey_images_and_no_rule_are_refused() -> None:
    three = Arrays(build(replace(TINY, latent=3), 0))
    with pytest.raises(ValueError, match="two latent axes, and this model has 3"):
        log_px(three, np.zeros((1, 2, 2), np.float32), 8)
    with pytest.raises(ValueError, match="grey ones have no probability"):
        training_states.normalised(np.full((1, 8, 8), 100, np.uint8))
    with pytest.raises(ValueError, match="two nodes"):
        over_training.plane(1)


def rewritten(path: Path, **changes: object) -> None:
    """Writes the shipped states again with other texts or weights, signed anew."""
    states = training_states.read()
    about = asdict(states.about) | {key: value for key, value in changes.items() if key in asdict(states.about)}
    weights = states.weights | {str(key): value for key, value in dict(changes.get("weights", {})).items()}  # type: ignore[call-overload]
    texts = {"format": str(changes.get("format", "1")), "states": json.dumps(about)}
    texts["digest"] = digest(texts, weights)
    save_file(weights, path, texts)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "2"}, "of this version"),
        ({"steps": [1, *range(2, 33)]}, "rise from 0"),
        ({"steps": [0, 2, 1, *range(3, 32)]}, "rise from 0"),
        ({"steps": list(range(31))}, "do not fit"),
        ({"model": asdict(replace(training_states.MODEL, latent=3))}, "two latent axes"),
        ({"model": asdict(replace(training_states.MODEL, encoder=(64,)))}, "do not fit"),
        ({"weights": {"decoder.out.bias": torch.full((32, 64), torch.nan).half()}}, "not finite float16"),
        ({"weights": {"decoder.out.bias": torch.zeros(32, 64)}}, "not finite float16"),
        ({"threshold": 0}, "threshold"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_in_words(changes: dict[str, object], words: str, tmp_path: Path) -> None:
    path = tmp_path / "states.safetensors"
    rewritten(path)
    training_states.read(path)
    rewritten(path, **changes)
    with pytest.raises(StatesError, match=words) as caught:
        training_states.read(path)
    assert str(path) in str(caught.value)
    assert "Make it again: python -m vae_explorer states" in str(caught.value)


def test_a_damaged_file_is_refused_in_words(tmp_path: Path) -> None:
    path, whole = tmp_path / "states.safetensors", training_states.PATH.read_bytes()
    for content in (whole[:-1000], whole[:50], b"", b"no safetensors at all", whole[:-1] + bytes([whole[-1] ^ 1])):
        path.write_bytes(content)
        with pytest.raises(StatesError, match="cannot be read"):
            training_states.read(path)
    path.unlink()
    with pytest.raises(StatesError, match="no such file"):
        training_states.read(path)
    with pytest.raises(StatesError, match="cannot be written"):
        training_states.save(Path("/proc/nothing/states.safetensors"), training_states.read())


def test_the_command_makes_a_file_that_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training_states, "TRAINING", replace(training_states.TRAINING, epochs=1))
    path = tmp_path / "mine.safetensors"
    assert main(["states", "--out", str(path)]) == 0
    steps = training_states.read(path).steps
    assert (steps[0], steps[-1]) == (0, 25)
    assert f"{len(steps)} states" in capsys.readouterr().out
    path.chmod(0o444)
    assert main(["states", "--out", "/proc/nothing/mine.safetensors"]) == 2
