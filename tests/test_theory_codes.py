"""The screens sigma and bits: each control through the page, each part through the channel, against other programs."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats

from tests.test_explore import PROVENANCE, runs, sent
from tests.test_theory_page import ask, said, theory
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.config import ModelConfig
from vae_explorer.measured import curves
from vae_explorer.models.autoencoder import build

__all__ = ["runs"]  # a fixture
GAUSSIAN, VAE = "mnist-gaussian-2d", "digits-vae-2d"
DIGITS = data.load("digits", "test").pixels
BITS = 1 / math.log(2)


def sheet_bytes(images: Any, mode: str, kind: str, **options: Any) -> int:
    side = math.isqrt(len(images))
    rows = [np.hstack(list(images[k * side : (k + 1) * side])) for k in range(side)]
    out = io.BytesIO()
    Image.fromarray(np.vstack(rows)).convert(mode, dither=Image.Dither.NONE).save(out, kind, **options)
    return len(out.getvalue())


def cut(images: Any) -> Any:
    return ((images >= 128) * 255).astype(np.uint8)


# sigma ---------------------------------------------------------------------------------------------


def test_sigma_opens_with_the_measured_curve_and_images_with_its_noise() -> None:
    """The curve against the sidecar's nats, decoded images against the network itself."""
    query = {"screen": "sigma", "model": GAUSSIAN, "image": "3", "beta": "0.25", "objective": "plain", "seed": "4"}
    test = theory(query)
    answer = sent(test)["answer"]
    assert said(test) == ""
    assert dict(pair.split("=") for pair in answer["link"].split("&")) == query
    assert (answer["scale"], answer["sigma"]) == (pytest.approx(0.2), pytest.approx(0.1))
    checkpoint = checkpoints.load(checkpoints.find(GAUSSIAN))
    kept = curves.find(checkpoint)
    assert kept is not None
    curve = answer["curve"]
    squared, rate = np.array(curve["squared"]), np.array(curve["rate"])
    nats = -stats.norm(0, 0.2).logpdf(0) * 784 + squared / (2 * 0.2**2)
    assert np.allclose(nats, kept.distortion, rtol=1e-6)
    assert np.allclose(rate, kept.rate or ())
    assert (curve["images"], curve["samples"], curve["part"]) == (kept.images, kept.samples, "test")
    widths = 0.2 * np.sqrt(np.array(curve["beta"]))
    elbo = squared / (2 * widths**2) + 392 * np.log(2 * np.pi * widths**2) + rate
    best = curve["best"]
    assert best["inside"]
    assert best["negative_elbo"] <= elbo.min() + 1
    assert abs(np.log(best["sigma"] / widths[elbo.argmin()])) < np.log(widths[1] / widths[0])
    z = torch.tensor(answer["z"])
    mean = checkpoint.model.likelihood(z, torch.full((3,), 0.25)).mean.detach().numpy()
    assert np.abs(answer["means"].reshape(mean.shape).astype(int) - 255 * mean).max() <= 0.51
    grey = answer["means"].reshape(3, -1)
    noise = (answer["samples"].reshape(3, -1).astype(float) - grey)[(grey > 90) & (grey < 165)]
    assert noise.std() / 255 == pytest.approx(0.1, abs=0.025)
    assert (answer["original"] == data.load("mnist", "test").pixels[3].ravel()).all()


@pytest.mark.parametrize(("name", "value"), [("beta", 4.0), ("image", 7), ("objective", "half"), ("seed", 5)])
def test_each_control_of_sigma_is_heard(name: str, value: object) -> None:
    test = theory({"screen": "sigma"}, {"screen": "sigma", "model": GAUSSIAN, name: value})
    answer = sent(test)["answer"]
    assert answer["start"][name] == value
    assert answer["sigma"] == pytest.approx(0.2 * math.sqrt(answer["start"]["beta"]))


def test_a_model_without_a_curve_is_measured_point_by_point(runs: Path) -> None:
    """Against PyTorch's own terms at 64 samples of z."""
    config = ModelConfig(
        kind="multi-rate", data="digits", shape=(8, 8), encoder=(8,), decoder=(8,), likelihood="gaussian", scale=0.3
    )
    network = build(config, seed=1).eval()
    checkpoints.save(runs / "gauss.safetensors", network, PROVENANCE)
    opened = ask(screen="sigma", model="gauss", beta=1)
    assert opened["curve"] is None
    reply = ask(kind="theory.point", screen="sigma", model="gauss", beta=1, more={"k": 4})
    (beta,), (squared,) = reply["point"]["beta"], reply["point"]["squared"]
    assert (reply["k"], reply["of"], beta) == (4, 9, pytest.approx(0.1))
    x, weights = torch.from_numpy(DIGITS).float() / 255, torch.full((300,), 0.1)
    with torch.no_grad():
        q = network.posterior(x, weights)
        means = [network.likelihood(q.rsample(), weights).mean for _ in range(64)]
    exact = torch.stack([(mean - x).square().sum((1, 2)).mean() for mean in means]).mean().item()
    assert squared == pytest.approx(exact, abs=5 * reply["point"]["error"][0])
    assert ask(kind="theory.point", screen="sigma", model="gauss", more={"k": 9})["kind"] == "refused"


@pytest.mark.parametrize("model", [VAE, "digits-ae-2d"])
def test_models_without_a_sigma_are_refused_and_one_is_offered(model: str) -> None:
    assert "Gaussian likelihood" in ask(screen="sigma", model=model)["why"]
    test = theory({"screen": "sigma", "model": model})
    assert f"Shown instead: {GAUSSIAN}" in said(test)


@pytest.mark.parametrize("beta", ["0", "-1", "nan", "1e9"])
def test_a_knob_at_no_sigma_is_refused_in_words(beta: str) -> None:
    test = theory({"screen": "sigma", "beta": beta})
    assert f"beta = {beta} is not a number from 0.01 to 10" in said(test)
    assert sent(test)["answer"]["sigma"] == pytest.approx(0.2)


def test_an_objective_that_is_none_is_refused_in_words() -> None:
    assert "none of trained, half, plain" in said(theory({"screen": "sigma", "objective": "cube"}))


# bits ----------------------------------------------------------------------------------------------


def test_bits_of_black_and_white_images_are_those_of_another_program() -> None:
    """The pixel map and its sum by PyTorch's Bernoulli at many samples of z; the files by Pillow."""
    query = {"screen": "bits", "model": VAE, "image": "5", "beta": "0.5", "places": "9", "how": "threshold"}
    test = theory(query)
    answer = sent(test)["answer"]
    assert said(test) == ""
    assert dict(pair.split("=") for pair in answer["link"].split("&")) == query | {"seed": "0"}
    white = cut(DIGITS[5:6])
    assert (answer["sent"] == white.ravel()).all()
    assert (answer["original"] == DIGITS[5].ravel()).all()
    network = checkpoints.load(checkpoints.find(VAE)).model
    x = torch.from_numpy(white).float() / 255
    with torch.no_grad():
        q = network.posterior(x, torch.full((1,), 0.5))
        z = q.rsample(torch.Size([4000]))[:, 0]
        logits = network.likelihood(z, torch.full((4000,), 0.5)).base_dist.logits.double()  # type: ignore[attr-defined]
        each = -BITS * torch.distributions.Bernoulli(logits=logits).log_prob(x.double())
    rate = float(torch.distributions.kl_divergence(q, network.prior())) * BITS
    spread = each.sum((1, 2)).std().item() / math.sqrt(16)
    assert answer["bits"].sum() == pytest.approx(each.sum((1, 2)).mean().item(), abs=5 * spread)
    assert np.corrcoef(answer["bits"].ravel(), each.mean(0).ravel())[0, 1] > 0.99
    assert answer["limit"] == pytest.approx(each.sum((1, 2)).mean().item() + rate, abs=5 * spread)
    assert answer["places"] == list(range(13))
    assert np.allclose(np.array(answer["cost"]) - answer["back"] + answer["residual"], answer["net"])
    assert answer["net"][-1] == pytest.approx(answer["limit"], abs=0.1)
    assert answer["cost"][12] - answer["cost"][11] == pytest.approx(2, abs=1e-6)
    sheet = ask(kind="theory.sheet", screen="bits", model=VAE, beta=0.5, how="threshold")
    chosen = cut(DIGITS[np.linspace(0, 299, 100).round().astype(int)])
    coders = sheet["coders"]
    assert (sheet["images"], sheet["values"], sheet["sigma"]) == (100, 64, None)
    assert coders["png"] == 8 * sheet_bytes(chosen, "1", "PNG", optimize=True) / 100
    assert coders["webp"] == 8 * sheet_bytes(chosen, "RGB", "WEBP", lossless=True) / 100
    assert coders["raw"] == 64
    share = (np.count_nonzero(cut(data.load("digits", "train").pixels)) + 1) / (1297 * 64 + 256)
    black = chosen == 0
    exact = -(black.mean() * np.log2(1 - share) + (~black).mean() * np.log2(share)) * 64
    assert coders["levels"] == pytest.approx(exact, rel=0.01)


def test_bits_of_grey_images_are_those_of_a_gaussians_bins() -> None:
    beta, images = 1.0, data.load("mnist", "test").pixels
    sheet = ask(kind="theory.sheet", screen="bits", model=GAUSSIAN, beta=beta)
    assert sheet["sigma"] == pytest.approx(0.2)
    chosen = images[np.linspace(0, len(images) - 1, 100).round().astype(int)]
    network = checkpoints.load(checkpoints.find(GAUSSIAN)).model
    x, weights = torch.from_numpy(chosen).float() / 255, torch.ones(100)
    total = 0.0
    with torch.no_grad():
        q = network.posterior(x, weights)
        for _ in range(8):
            normal = stats.norm(network.likelihood(q.rsample(), weights).mean.double().numpy(), 0.2)
            low = np.where(chosen == 0, 0, normal.cdf((chosen - 0.5) / 255))
            high = np.where(chosen == 255, 1, normal.cdf((chosen + 0.5) / 255))
            total -= np.log2(high - low).sum() / 800
        total += float(torch.distributions.kl_divergence(q, network.prior()).mean()) * BITS
    assert sheet["coders"]["vae"] == pytest.approx(total, abs=8 * sheet["error"])
    assert sheet["coders"]["png"] == 8 * sheet_bytes(chosen, "L", "PNG", optimize=True) / 100
    assert sheet["coders"]["raw"] == 8 * 784
    opened = ask(screen="bits", model=GAUSSIAN, beta=beta, image=2)
    assert (opened["sent"] == images[2].ravel()).all()
    assert opened["sigma"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("name", "value"), [("beta", 4.0), ("image", 7), ("places", 2), ("how", "threshold"), ("seed", 5)]
)
def test_each_control_of_bits_is_heard(name: str, value: object) -> None:
    answer = sent(theory({"screen": "bits"}, {"screen": "bits", "model": VAE, name: value}))["answer"]
    assert answer["start"][name] == value
    assert len(answer["net"]) == 13


def test_a_draw_is_another_with_another_seed_and_the_channel_has_the_same() -> None:
    first, same, other = (ask(screen="bits", model=VAE, image=3, seed=seed) for seed in (1, 1, 2))
    assert (first["sent"] == same["sent"]).all()
    assert (first["sent"] != other["sent"]).any()
    assert set(np.unique(first["sent"])) <= {0, 255}


@pytest.mark.parametrize(("name", "value"), [("places", "13"), ("places", "-1"), ("how", "dice"), ("image", "300")])
def test_what_a_link_says_wrong_of_bits_is_refused_in_words(name: str, value: str) -> None:
    test = theory({"screen": "bits", "model": VAE, name: value})
    assert f"{name} = {value} is " in said(test)


def test_an_autoencoder_and_a_likelihood_over_no_levels_are_refused_in_words(runs: Path) -> None:
    assert ask(screen="bits", model="c-ae")["why"] == "This needs a VAE."
    kept = ModelConfig(
        kind="vae", data="digits", shape=(8, 8), encoder=(8,), decoder=(8,), likelihood="continuous-bernoulli"
    )
    checkpoints.save(runs / "cb.safetensors", build(kept, seed=1), PROVENANCE)
    assert "continuous Bernoulli" in ask(screen="bits", model="cb")["why"]


def test_bits_take_more_axes(runs: Path) -> None:
    wide = ModelConfig(
        kind="vae", data="digits", shape=(8, 8), encoder=(8,), decoder=(8,), likelihood="gaussian", latent=5
    )
    checkpoints.save(runs / "wide.safetensors", build(wide, seed=1), PROVENANCE)
    answer = ask(screen="bits", model="wide")
    assert answer["cost"][12] - answer["cost"][11] == pytest.approx(5, abs=1e-6)
