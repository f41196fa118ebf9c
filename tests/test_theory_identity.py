"""The identity's terms and the best Gaussians against closed forms, SciPy, samples, and the command's own words."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from tests.test_theory_quadrature import Linear, _drawn
from vae_explorer.__main__ import main
from vae_explorer.checkpoints import checkpoints
from vae_explorer.data import load
from vae_explorer.latent.marginal import log_marginal, make_grid
from vae_explorer.latent.model import Doubles, Encoding, Floats
from vae_explorer.models.arrays import Arrays
from vae_explorer.theory.best_gaussian import Gaussian, best_gaussians, covering_mixture
from vae_explorer.theory.identity import Identity, expected_log_likelihood, identities, identity, many_gaps
from vae_explorer.theory.quadrature import mass


class Encoded(Linear):
    """A linear-Gaussian model whose encoder is off by what is known."""

    mean, std = np.array([0.25, -0.1]), np.array([0.3, 0.15])

    def encode(self, images: Floats, beta: float) -> Encoding:
        one = np.ones((len(images), 1))
        return Encoding((one * self.mean).astype(np.float32), (one * self.std).astype(np.float32))


def _gaussian_kl(mean: Doubles, covariance: NDArray[Any], to_mean: Doubles, to_covariance: NDArray[Any]) -> float:
    inverse = np.linalg.inv(to_covariance)
    away = to_mean - mean
    ratio = np.linalg.slogdet(to_covariance)[1] - np.linalg.slogdet(covariance)[1]
    return float((np.trace(inverse @ covariance) + away @ inverse @ away - 2 + ratio) / 2)


@pytest.mark.parametrize("scale", [0.2, 1.0])
def test_all_terms_of_a_linear_gaussian_model_have_closed_forms(scale: float) -> None:
    model = Encoded(scale)
    x = np.array([[0.9, 0.1, 0.4], [0.2, 0.8, 0.5]], np.float32)
    found = identity(model, x, 1.0)
    covariance = np.linalg.inv(np.eye(2) + model.a.T @ model.a / scale**2)
    posterior = covariance @ model.a.T @ x.ravel() / scale**2
    q = np.diag(model.std**2)
    residual = x.ravel() - model.a @ model.mean
    expected = -(residual @ residual + np.trace(model.a @ q @ model.a.T)) / (2 * scale**2)
    expected -= 6 * math.log(scale * math.sqrt(2 * math.pi))
    terms = found.terms
    assert terms.log_px == pytest.approx(model.log_p(x), abs=2e-3)
    assert terms.kl_q_posterior == pytest.approx(_gaussian_kl(model.mean, q, posterior, covariance), abs=3e-3)
    assert terms.expected_log_likelihood == pytest.approx(expected, abs=2e-3)
    assert terms.rate == pytest.approx(_gaussian_kl(model.mean, q, np.zeros(2), np.eye(2)), abs=1e-5)
    assert abs(terms.imbalance) < 0.01
    # the posterior is Gaussian, so that a full covariance leaves nothing; a diagonal one, its correlation
    assert np.allclose(found.full.mean, posterior, atol=1e-3)
    assert np.allclose(found.full.covariance, covariance, rtol=5e-3, atol=1e-6)
    assert found.gaps.full_approximation == pytest.approx(0, abs=3e-3)
    best = np.diag(1 / np.diag(np.linalg.inv(covariance)))
    assert np.allclose(found.diagonal.covariance, best, rtol=5e-3, atol=1e-6)
    assert found.gaps.approximation == pytest.approx(_gaussian_kl(posterior, best, posterior, covariance), abs=3e-3)
    assert found.gaps.approximation + found.gaps.amortization == pytest.approx(terms.kl_q_posterior, abs=4e-3)


@pytest.fixture(scope="module")
def digits() -> Arrays:
    return checkpoints.load(checkpoints.find("digits-vae-2d")).arrays


@pytest.fixture(scope="module")
def images() -> Floats:
    return (load("digits", "test").pixels[:3] / np.float32(255)).astype(np.float32)


@pytest.fixture(scope="module")
def found(digits: Arrays, images: Floats) -> list[Identity]:
    return list(identities(digits, images, 1.0))


def test_both_sides_balance(found: list[Identity]) -> None:
    for each in found:
        assert abs(each.terms.imbalance) < 0.01
        assert each.terms.elbo < each.terms.log_px


def test_the_terms_agree_with_many_samples_in_float64(digits: Arrays, images: Floats, found: list[Identity]) -> None:
    network = checkpoints.load(checkpoints.find("digits-vae-2d")).model.double()
    x = torch.from_numpy(images[1]).double()
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        q = network.posterior(x[None], torch.ones(1).double())
        epsilon = torch.randn(40_000, 2, generator=generator, dtype=torch.float64)
        z = q.mean + q.stddev * epsilon
        log_p = network.likelihood(z, torch.ones(len(z)).double()).log_prob(x)
        rate = torch.distributions.kl_divergence(q, network.prior())
        log_w = log_p + network.prior().log_prob(z) - q.log_prob(z)
    error = float(log_p.std()) / 200
    terms = found[1].terms
    assert terms.expected_log_likelihood == pytest.approx(float(log_p.mean()), abs=4 * error)
    assert terms.rate == pytest.approx(float(rate), abs=1e-4)
    kl = terms.log_px - float(log_w.mean())
    assert terms.kl_q_posterior == pytest.approx(kl, abs=4 * float(log_w.std()) / 200 + 1e-3)


def test_no_other_gaussian_that_scipy_finds_is_better(digits: Arrays, images: Floats, found: list[Identity]) -> None:
    u, weights = np.polynomial.hermite_e.hermegauss(12)
    nodes, each = (
        np.stack(np.meshgrid(u, u), -1).reshape(-1, 2),
        np.outer(weights, weights).ravel() / weights.sum() ** 2,
    )

    def elbo(values: Doubles, image: Floats) -> float:
        mean, factor = values[:2], np.array([[np.exp(values[2]), 0], [values[4], np.exp(values[3])]])
        z = (mean + nodes @ factor.T).astype(np.float32)
        w, c = digits.likelihood(z, 1.0)
        log_joint = w @ image.ravel() + c - (z.astype(np.float64) ** 2).sum(1) / 2
        return float(each @ log_joint + values[2] + values[3] + 1)

    for ours, image in [(found[0], images[0])]:
        for q, value, free in (
            (ours.diagonal, ours.diagonal_elbo, [1.0, 1, 1, 1, 0]),
            (ours.full, ours.full_elbo, [1.0] * 5),
        ):
            factor = q.factor
            start = np.array([*q.mean, np.log(factor[0, 0]), np.log(factor[1, 1]), factor[1, 0]])
            assert elbo(start, image) == pytest.approx(value, abs=2e-3)
            free_ = np.array(free)

            def loss(values: Any, start: Doubles = start, free_: Doubles = free_, image: Floats = image) -> float:
                return -elbo(start + free_ * values, image)

            better = minimize(loss, np.zeros(5), method="Powell", options={"maxfev": 150})
            assert -better.fun < value + 5e-3


def test_the_gaps_are_ordered_and_the_quick_ones_are_the_same(
    digits: Arrays, images: Floats, found: list[Identity]
) -> None:
    for each, quick in zip(found, many_gaps(digits, images, 1.0), strict=True):
        gaps = each.gaps
        assert gaps.full_approximation >= -1e-3
        assert gaps.full_approximation <= gaps.approximation
        assert gaps.amortization >= 0
        assert gaps.approximation + gaps.amortization == pytest.approx(each.terms.kl_q_posterior, abs=0.01)
        assert quick == pytest.approx(gaps, abs=1e-6)


def test_the_best_gaussian_takes_one_mode_of_two(digits: Arrays) -> None:
    image = _drawn(digits, 1.0, 1)[0]
    around = mass(digits, image, 1.0)
    _, components = covering_mixture(around.nodes, around.shares)
    far = Gaussian(np.array([3.0, -3.0]), 0.1 * np.eye(2))
    with_far = best_gaussians(digits, image, 1.0, [far, *components[:2]])
    alone = best_gaussians(digits, image, 1.0, components[:2])
    elbos = [expected_log_likelihood(digits, image, 1.0, fit.full) - fit.full.rate for fit in (with_far, alone)]
    assert elbos[0] == pytest.approx(elbos[1], abs=0.01)


def test_a_mixture_has_the_moments_of_its_points() -> None:
    generator = np.random.default_rng(5)
    first = multivariate_normal([0, 0], [[0.01, 0], [0, 0.04]]).rvs(700, random_state=generator)
    second = multivariate_normal([3, 1], [[0.04, 0.03], [0.03, 0.04]]).rvs(300, random_state=generator)
    nodes = np.concatenate([first, second]).astype(np.float32)
    log_weights, components = covering_mixture(nodes, np.full(1000, 1e-3))
    assert np.exp(log_weights).sum() == pytest.approx(1)
    mean = sum(np.exp(w) * c.mean for w, c in zip(log_weights, components, strict=True))
    assert np.allclose(mean, nodes.mean(0), atol=1e-3)
    reference = multivariate_normal(components[0].mean, components[0].covariance)
    z = np.array([[0.1, 0.2], [1.0, 1.0]])
    assert np.allclose(components[0].log_density(z), reference.logpdf(z))


def _printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["identity", *arguments]) == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def test_the_command_prints_each_image(capsys: pytest.CaptureFixture[str], found: list[Identity]) -> None:
    printed = _printed(capsys, "digits-vae-2d", "--images", "0,1,2", "--beta", "1", "--json")
    assert [row["image"] for row in printed["results"]] == [0, 1, 2]
    for row, each in zip(printed["results"], found, strict=False):
        balance = row["log_px"] - row["kl_q_posterior"] - row["expected_log_likelihood"] + row["rate"]
        assert abs(balance) < 0.01
        assert row["log_px"] == pytest.approx(each.terms.log_px, abs=1e-3)
        assert row["approximation_gap"] == pytest.approx(each.gaps.approximation, abs=5e-3)
    assert main(["identity", "digits-vae-2d"]) == 0
    assert "amortization_gap" in capsys.readouterr().out


def test_log_p_of_x_is_what_the_fixed_grid_of_evaluate_gives(digits: Arrays) -> None:
    pixels = load("digits", "test").pixels
    some = (pixels[:4] / np.float32(255)).astype(np.float32)
    log_px = [mass(digits, image, 1.0).log_px for image in some]
    assert np.allclose(log_px, log_marginal(digits, pixels[:4], 1.0, make_grid(224, 5.0)).log_p, atol=0.02)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["digits-ae-2d"], "deterministic autoencoder"),
        (["digits-vae-2d", "--images", "100000"], "no test image 100000"),
        (["digits-vae-2d", "--beta", "50"], "0.001 to 10, not 50"),
        (["digits-vae-2d", "--beta", "nan"], "not nan"),
    ],
)
def test_what_it_cannot_do_it_says_in_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["identity", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("images", ["-1", "1.5", "a", "", ",".join(["0"] * 1001)])
def test_images_are_whole_numbers(images: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["identity", "digits-vae-2d", f"--images={images}"])
    assert ended.value.code == 2
    assert "images" in capsys.readouterr().err
