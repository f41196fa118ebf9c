"""KL between Gaussians against PyTorch, SciPy's adaptive quadrature and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import integrate, stats
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from vae_explorer.checkpoints import checkpoints
from vae_explorer.data import registry
from vae_explorer.latent.encoding import axis_rates, encode
from vae_explorer.latent.model import Encoding
from vae_explorer.theory.gaussians import (
    MOST,
    Gaussian,
    Mixture,
    best,
    diagonal,
    divergence,
    forward_kl,
    image_rates,
    log_density,
    moments,
    monte_carlo,
    rate_terms,
    reverse_kl,
    standard,
)

Q = Gaussian(np.array([0.7, -0.4]), np.array([[0.5, 0.2], [0.2, 0.3]]))
P = Mixture(
    np.array([0.6, 0.4]), np.array([[-1.2, 0.0], [1.3, 0.5]]), np.array([np.eye(2) * 0.3, [[0.5, 0.2], [0.2, 0.4]]])
)


def torch_of(q: Gaussian) -> MultivariateNormal:
    return MultivariateNormal(torch.from_numpy(q.mean), torch.from_numpy(q.covariance))


def density(p: Mixture, z: NDArray[np.float64]) -> NDArray[np.float64]:
    parts = zip(p.weights, p.means, p.covariances, strict=True)
    each = [np.asarray(w * stats.multivariate_normal(m, c).pdf(z)) for w, m, c in parts]
    total: NDArray[np.float64] = np.sum(each, axis=0)
    return total


@pytest.mark.parametrize("axes", [1, 2, 5])
def test_the_closed_form_is_pytorchs_for_full_covariances(axes: int) -> None:
    generator = np.random.default_rng(axes)
    roots = generator.standard_normal((2, axes, axes))
    means = generator.standard_normal((2, axes))
    q, p = (Gaussian(m, r @ r.T + np.eye(axes) * 0.1) for m, r in zip(means, roots, strict=True))
    found = divergence(q, p)
    assert found.total == pytest.approx(float(kl_divergence(torch_of(q), torch_of(p))))
    assert found.mean == pytest.approx(
        0.5 * (means[1] - means[0]) @ np.linalg.inv(p.covariance) @ (means[1] - means[0])
    )
    assert found.log == pytest.approx(0.5 * math.log(np.linalg.det(p.covariance) / np.linalg.det(q.covariance)))
    assert divergence(q, q).total == pytest.approx(0, abs=1e-12)


def test_the_terms_against_the_prior_are_those_of_the_closed_form_axis_by_axis() -> None:
    mean, std = np.array([1.0, -2.0, 0.0]), np.array([0.5, 2.0, 1.0])
    terms = rate_terms(mean, std)
    exact = kl_divergence(Normal(torch.from_numpy(mean), torch.from_numpy(std)), Normal(0.0, 1.0))
    assert np.allclose(terms.sum(1), exact)
    assert np.allclose(terms.sum(0), divergence(diagonal(mean, std), standard(3)))
    assert terms[2].tolist() == [0, 0, 0]


def test_a_mean_one_off_costs_more_than_a_width_halved() -> None:
    off, halved = (rate_terms(np.array([m]), np.array([s])).sum() for m, s in ((1.0, 1.0), (0.0, 0.5)))
    assert off == 0.5
    assert halved == pytest.approx(math.log(2) - 0.375)


def test_a_width_of_zero_costs_infinitely_much_and_has_no_density() -> None:
    assert rate_terms(np.zeros(1), np.zeros(1)).sum() == math.inf
    with pytest.raises(ValueError, match="cannot be negative"):
        rate_terms(np.zeros(1), -np.ones(1))
    for std in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="widths must be positive"):
            diagonal(np.zeros(1), np.array([std]))
    flat = Gaussian(np.zeros(2), np.diag([1.0, 0.0]))
    for question in (
        lambda: divergence(flat, standard(2)),
        lambda: monte_carlo(flat, P, 10, 0),
        lambda: best(P._replace(covariances=np.zeros((2, 2, 2)))),
    ):
        with pytest.raises(ValueError, match="positive definite"):
            question()


def test_each_images_kl_is_pytorchs_and_their_mean_is_the_models_rate() -> None:
    model = checkpoints.load(checkpoints.find("digits-vae-2d")).arrays
    encoding = encode(model, registry.load("digits", "test").pixels, 1.0)
    rates = image_rates(encoding)
    mean, std = (torch.from_numpy(each).double() for each in encoding)
    assert np.allclose(rates, kl_divergence(Normal(mean, std), Normal(0.0, 1.0)))
    assert np.allclose(rates.mean(0), axis_rates(encoding))


def test_an_autoencoders_codes_have_no_kl() -> None:
    with pytest.raises(ValueError, match="choose a VAE"):
        image_rates(Encoding(np.zeros((3, 2), np.float32), np.zeros((3, 2), np.float32)))


def test_the_running_estimate_is_the_mean_of_pytorchs_log_ratios_with_its_standard_error() -> None:
    p = standard(2)
    run = monte_carlo(Q, p, 5000, 4)
    z = torch.from_numpy(
        Q.mean + np.random.default_rng(4).standard_normal((5000, 2)) @ np.linalg.cholesky(Q.covariance).T
    )
    ratio = (torch_of(Q).log_prob(z) - torch_of(p).log_prob(z)).numpy()
    assert run.n[0] == 1
    assert run.n[-1] == 5000
    assert run.error[0] == math.inf
    for k in (1, 10, 40, -1):
        n = run.n[k]
        assert run.estimate[k] == pytest.approx(ratio[:n].mean())
        assert run.error[k] == pytest.approx(ratio[:n].std(ddof=1) / math.sqrt(n))


def test_the_estimate_is_within_its_error_of_the_closed_form_as_often_as_it_says() -> None:
    exact = divergence(Q, standard(2)).total
    runs = [monte_carlo(Q, standard(2), 400, seed) for seed in range(300)]
    inside = np.mean([abs(run.estimate[-1] - exact) < 2 * run.error[-1] for run in runs])
    assert 0.92 < inside < 0.98


@pytest.mark.parametrize("n", [0, -5, MOST + 1])
def test_numbers_of_draws_out_of_range_are_refused(n: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 1,000,000"):
        monte_carlo(Q, P, n, 0)
    one = monte_carlo(Q, P, 1, 0)
    assert (one.n.tolist(), one.error.tolist()) == ([1], [math.inf])


def test_the_density_of_a_mixture_does_not_underflow() -> None:
    z = np.random.default_rng(0).standard_normal((20, 2)) * 2
    assert np.allclose(log_density(P, z), np.log(density(P, z)))
    assert -1e7 < log_density(P, np.array([[900.0, 0.0]]))[0] < -1e5


def test_both_directions_are_those_of_simpsons_rule_on_the_plane() -> None:
    x, y = np.linspace(-6, 6, 301), np.linspace(-5, 5, 301)
    z = np.stack(np.meshgrid(x, y, indexing="ij"), 2)
    q = stats.multivariate_normal(Q.mean, Q.covariance).pdf(z)
    p = density(P, z)
    for found, here, there in ((forward_kl(P, Q), p, q), (reverse_kl(Q, P), q, p)):
        inner = here * (np.log(here) - np.log(there))
        assert found == pytest.approx(integrate.simpson(integrate.simpson(inner, x=y), x=x), abs=1e-5)


def test_of_one_component_both_directions_are_closed_forms() -> None:
    one = Mixture(np.ones(1), np.array([[0.3, -1.0]]), np.array([[[1.5, 0.4], [0.4, 0.6]]]))
    p = Gaussian(one.means[0], one.covariances[0])
    assert forward_kl(one, Q) == pytest.approx(divergence(p, Q).total, abs=1e-6)
    assert reverse_kl(Q, one) == pytest.approx(divergence(Q, p).total, abs=1e-6)
    found = best(one)
    for q in (found.forward, *found.reverse):
        assert np.allclose(q.mean, p.mean, atol=1e-3)
        assert np.allclose(q.covariance, p.covariance, atol=1e-3)
    alone = best(one, full=False)
    # closed forms: forward takes the variances, reverse the inverse of the precision's diagonal
    assert np.allclose(alone.forward.covariance, np.diag([1.5, 0.6]))
    assert np.allclose(alone.reverse[0].covariance, np.diag(1 / np.diag(np.linalg.inv(p.covariance))), atol=1e-3)


@pytest.mark.parametrize("full", [True, False])
def test_the_best_gaussians_have_no_better_neighbour(full: bool) -> None:
    found = best(P, full=full)
    z = np.concatenate(
        [
            np.random.default_rng(k).multivariate_normal(P.means[k], P.covariances[k], int(P.weights[k] * 4e5))
            for k in (0, 1)
        ]
    )
    assert np.allclose(found.forward.mean, z.mean(0), atol=0.01)
    covariance = np.cov(z.T)
    assert np.allclose(found.forward.covariance, covariance if full else np.diag(np.diag(covariance)), atol=0.02)
    assert np.allclose(moments(P).covariance, covariance, atol=0.02)

    root = np.linalg.cholesky(found.reverse[0].covariance)
    free = np.array([*found.reverse[0].mean, *np.log(root.diagonal()), root[1, 0]])

    def value(step: NDArray[np.float64]) -> float:
        at = free + step
        moved = np.array([[math.exp(at[2]), 0], [at[4], math.exp(at[3])]])
        return reverse_kl(Gaussian(at[:2], moved @ moved.T), P)

    for step in 0.03 * np.eye(5)[: 5 if full else 4]:
        up, here, down = value(step), found.reverse_kl[0], value(-step)
        assert min(up, down) > here
        assert abs(up - down) / (up + down - 2 * here) < 0.3, "the vertex is within 0.005"
    assert found.reverse_kl[0] == pytest.approx(reverse_kl(found.reverse[0], P))
    assert found.forward_kl == pytest.approx(forward_kl(P, found.forward))


def test_far_modes_reverse_seeks_one_and_forward_covers_both() -> None:
    far = P._replace(means=np.array([[-5.0, 0.0], [5.0, 0.0]]))
    found = best(far)
    assert len(found.reverse) == 2
    for k, weight in enumerate(far.weights):
        assert found.reverse_kl[k] == pytest.approx(-math.log(weight), abs=1e-3), "the other mode is never seen"
        assert np.allclose(found.reverse[k].covariance, far.covariances[k], atol=1e-2)
    assert found.forward.covariance[0, 0] > 20
