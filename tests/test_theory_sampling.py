"""P(X) by draws against closed forms of the linear-Gaussian model, SciPy's distributions, and counting."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from tests.linear_model import LinearModel
from vae_explorer.latent.model import Encoding
from vae_explorer.theory.sampling import (
    BLOCK,
    Cells,
    Draws,
    cell_draws,
    draws_for,
    draws_needed,
    encoder_draws,
    log_likelihood,
    log_weights,
    prior_draws,
    running,
    share,
)

RNG = np.random.default_rng(0)
LINEAR = LinearModel()
IMAGE = LINEAR.images(1)[0]


def test_blocks_of_the_prior_are_normal_and_have_nothing_in_common() -> None:
    blocks = [prior_draws(2, 5, block) for block in range(20)]
    z = np.concatenate([block.z for block in blocks])
    assert stats.kstest(z.ravel(), "norm").pvalue > 0.01
    assert len(np.unique(z, axis=0)) == 20 * BLOCK
    assert abs(np.corrcoef(blocks[0].z[:, 0], blocks[1].z[:, 0])[0, 1]) < 0.1
    assert np.array_equal(prior_draws(2, 5, 3).z, blocks[3].z)
    assert not np.array_equal(prior_draws(2, 6, 3).z, blocks[3].z)
    assert not any(block.log_ratio.any() for block in blocks)


def test_draws_from_the_encoder_count_by_both_densities() -> None:
    mean, std = np.array([0.4, -1.2]), np.array([0.05, 0.7])
    z, log_ratio = encoder_draws(Encoding(mean[None].astype(np.float32), std[None].astype(np.float32)), 0, 7, 0, 5000)
    assert stats.kstest(((z - mean) / std).ravel(), "norm").pvalue > 0.01
    exact = np.sum(stats.norm.logpdf(z) - stats.norm.logpdf(z, mean, std), 1)
    assert np.allclose(log_ratio, exact, atol=1e-4)


def test_draws_from_cells_lie_in_them_as_often_as_their_mass_says() -> None:
    low, size = np.array([[0.0, 0.0], [1.0, 2.0], [-3.0, 1.0]]), np.array([[1.0, 0.5], [0.1, 0.2], [2.0, 2.0]])
    mass = np.array([0.2, 0.5, 0.3])
    z, log_ratio = cell_draws(Cells(low, size, np.log(mass)), 0, 0, 0, 20_000)
    inside = ((z[:, None] >= low - 1e-6) & (z[:, None] <= low + size + 1e-6)).all(2)
    assert (inside.sum(1) == 1).all()
    assert np.allclose(inside.mean(0), mass, atol=0.012)
    within = (z - low[inside.argmax(1)]) / size[inside.argmax(1)]
    assert stats.kstest(within.ravel(), "uniform").pvalue > 0.01
    density = (mass / size.prod(1))[inside.argmax(1)]
    assert np.allclose(log_ratio, stats.norm.logpdf(z).sum(1) - np.log(density), atol=1e-4)


def test_each_way_of_drawing_agrees_with_the_closed_form() -> None:
    exact = LINEAR.log_p(IMAGE)
    prior = np.concatenate([log_weights(LINEAR, prior_draws(2, 1, block), IMAGE, 1.0) for block in range(100)])
    q = LINEAR.encode(IMAGE[None], 1.0)
    wide = Encoding(q.mean, q.std * 1.5)
    encoder = np.concatenate([log_weights(LINEAR, encoder_draws(wide, 1, 0, block), IMAGE, 1.0) for block in range(5)])
    for log_w in (prior, encoder):
        w = np.exp(log_w - exact)
        assert abs(w.mean() - 1) < 4 * w.std() / math.sqrt(len(w))
        assert w.std() / math.sqrt(len(w)) < 0.2
    assert log_likelihood(LINEAR, LINEAR.likelihood(np.zeros((1, 2), np.float32), 1.0), IMAGE)[0] == pytest.approx(
        stats.norm.logpdf(IMAGE, 0, LINEAR.scale).sum(), abs=1e-4
    )


def test_the_running_estimate_is_the_log_mean_of_all_that_came_before() -> None:
    log_w = RNG.normal(-1200, 30, (3, 500))
    found = running(log_w)
    for row, estimates in zip(log_w, found, strict=True):
        assert np.allclose(estimates, [logsumexp(row[:n]) - math.log(n) for n in range(1, 501)])
    assert np.isfinite(found).all()
    assert running(np.array([-1500.0])) == pytest.approx(-1500)
    assert running(np.full(100_000, -1500.0))[-1] == pytest.approx(-1500)
    with pytest.raises(ValueError, match="at least one draw"):
        running(np.zeros(0))


def test_the_share_is_carried_by_the_fewest_that_make_it_up() -> None:
    w = np.array([0.009, 0.9, 0.001, 0.09])
    for of, carriers in ((0.5, 1), (0.95, 2), (0.995, 3), (1.0, 4)):
        assert share(np.log(w) - 1300, of).carriers == carriers
    assert share(np.full(1000, -1300.0)).carriers == 990
    assert share(np.full(1000, -1300.0)).effective == pytest.approx(1000)
    assert share(np.log(w)).effective == pytest.approx(1 / np.square(w).sum())
    assert share(np.array([-5.0])).carriers == 1
    for _ in range(20):
        w = RNG.exponential(size=50) ** 4
        least = next(k for k in range(1, 51) if sum(sorted(w)[-k:]) >= 0.99 * sum(w))
        assert share(np.log(w)).carriers == least
    for bad in (0, 1.1, math.nan):
        with pytest.raises(ValueError, match="share"):
            share(np.log(w), bad)
    with pytest.raises(ValueError, match="at least one draw"):
        share(np.zeros(0))


def test_draws_needed_agree_with_the_binomial_distribution() -> None:
    """If one draw in a hundred counts a hundred times and the others nothing, an estimate is a count of the former."""
    rare = 0.01
    log_w = np.where(np.random.default_rng(3).random(100_000) < rare, -math.log(rare), -np.inf) - 1100

    def right(n: int) -> float:
        count = stats.binom(n, rare)
        return float(count.cdf(math.floor(2 * n * rare)) - count.cdf(math.ceil(n * rare / 2) - 1))

    found = draws_needed(log_w, -1100.0)
    assert found is not None
    least = next(n for n in range(1, 1000) if all(right(m) >= 0.5 for m in range(n, n + 400)))
    assert least / 1.2 < found < least * 1.2
    assert draws_needed(np.full(50, -1100.0), -1100.0) == 1
    assert draws_needed(log_w[:200], -1100.0) is None
    assert draws_needed(log_w[:3], -1100.0) is None


def test_about_so_many_draws_are_the_exponential_of_the_divergence() -> None:
    assert draws_for(25) == pytest.approx(7.2e10, rel=0.01)
    assert draws_for(1e6) == math.inf
    # A posterior that is uniform on a thousandth of a uniform prior: each draw has a thousandth's chance.
    assert draws_for(math.log(1000)) == pytest.approx(1000)


def test_an_encoder_without_a_width_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="choose a VAE"):
        encoder_draws(Encoding(np.zeros((1, 2), np.float32), np.zeros((1, 2), np.float32)), 0, 0, 0)


def test_an_image_far_from_all_that_the_model_knows_does_not_underflow() -> None:
    far = np.full_like(IMAGE, 60.0)
    log_w = log_weights(LINEAR, prior_draws(2, 0, 0), far, 1.0)
    assert log_w.max() < -1000
    assert running(log_w)[-1] == pytest.approx(logsumexp(log_w) - math.log(BLOCK))
    assert LINEAR.log_p(far) < -1000
    assert isinstance(prior_draws(2, 0, 0), Draws)
