"""Sums of kernels with what lies far left out, against all of them in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special
from scipy.spatial import distance
from torch import Tensor

from vae_explorer.latent.gaps import kernels
from vae_explorer.latent.gaps.holes import fit_density, log_density
from vae_explorer.latent.gaps.kernels import Distances, Kernels
from vae_explorer.latent.gaps.measures import parts
from vae_explorer.latent.model import Floats


def heavy(count: int, axes: int) -> Floats:
    """Returns codes in three clusters with a few far out, as autoencoders have them."""
    random = np.random.default_rng(0)
    codes = random.standard_t(2, (count, axes)) + 6 * random.integers(0, 3, (count, 1))
    return codes.astype(np.float32)


def plainly(codes: Floats, points: Floats, width: float, own: NDArray[np.intp] | None = None) -> NDArray[np.float64]:
    exponents = -0.5 * distance.cdist(points.astype(np.float64), codes.astype(np.float64), "sqeuclidean") / width**2
    if own is not None:
        exponents[np.arange(len(own)), own] = -math.inf
    sums: NDArray[np.float64] = special.logsumexp(exponents, 1)
    return sums


@pytest.mark.parametrize(("count", "axes"), [(3_000, 1), (3_000, 2), (3_000, 3), (600, 12), (30, 2)])
@pytest.mark.parametrize("width", [0.01, 0.2, 3.0])
def test_what_is_left_out_does_not_matter(count: int, axes: int, width: float) -> None:
    codes = heavy(count, axes)
    summed = Kernels(codes, np.ones((count, 1), np.float32))
    random = np.random.default_rng(1)
    points = np.concatenate([codes[:50], random.uniform(-30, 30, (50, axes))]).astype(np.float32)
    for at, own in ((points, None), (codes, np.arange(count))):
        exact = plainly(codes, at, width, own)
        found = summed.log_sums(at, width, own)[:, 0]
        assert np.allclose(found, exact, rtol=1e-5, atol=1e-4)


def test_most_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, whole = heavy(3_000, 2), kernels._squares
    pairs: list[int] = []

    def counting(a: Tensor, b: Tensor) -> Tensor:
        pairs.append(len(a) * len(b))
        return whole(a, b)

    monkeypatch.setattr(kernels, "_squares", counting)
    Kernels(codes, np.ones((3_000, 1), np.float32)).log_sums(codes, 0.05)
    assert sum(pairs) < 0.3 * 3_000**2


def test_every_group_has_its_own_sum_even_where_none_of_it_is_near() -> None:
    codes = np.sort(heavy(400, 2), 0)
    groups = 1 - parts(400)
    groups[:200, 0] = 0  # one group has nothing on this side
    summed = Kernels(codes, groups).log_sums(codes, 0.5, np.arange(400))
    for group in (0, 3):
        inside = np.flatnonzero(groups[:, group])
        exponents = -0.5 * distance.cdist(codes, codes[inside], "sqeuclidean") / 0.25
        exponents[inside, np.arange(len(inside))] = -math.inf
        exact = special.logsumexp(exponents, 1)
        near = exact > -70  # what lies farther than that below the nearest kernel of any group is below a float
        assert near.sum() > 150
        assert np.allclose(summed[near, group], exact[near], rtol=1e-4, atol=1e-3)


def test_counted_distances_give_the_likelihood_of_any_width() -> None:
    codes = heavy(2_000, 2)
    rows = np.arange(0, 2_000, 7)
    counted = Distances(codes, rows)
    for width in (0.05, 0.2, 1.0, 5.0):
        exact = plainly(codes, codes[rows], width, rows).mean()
        assert counted.mean_log_sum(width) == pytest.approx(exact, rel=2e-3, abs=2e-3)
    assert math.isfinite(counted.mean_log_sum(1e-3))
    assert math.isfinite(Distances(np.full((40, 2), 0.3, np.float32), np.arange(40)).mean_log_sum(1e-3))


@pytest.mark.parametrize("axes", [1, 2, 5])
def test_the_bandwidth_is_the_likeliest_and_the_level_holds_most_codes(axes: int) -> None:
    codes = heavy(900, axes)
    density = fit_density(codes, groups=False)
    assert len(density.levels) == 0
    scale, every = codes.std(0), np.arange(900)
    widths = density.widths / scale
    assert np.allclose(widths, widths[0])
    best, *others = (
        plainly(codes / scale, codes / scale, float(widths[0]) * factor, every).mean() - axes * math.log(factor)
        for factor in (1, 0.9, 1.1)
    )
    assert best > max(others) - 1e-4
    own = plainly(codes / density.widths, codes / density.widths, 1.0, every) - math.log(899)
    own -= axes / 2 * math.log(2 * math.pi) + np.log(density.widths).sum()
    assert density.level == pytest.approx(np.quantile(own, 0.01), abs=1e-3)
    z = codes[:20] + np.float32(0.1)
    exact = plainly(codes / density.widths, z / density.widths, 1.0) - math.log(900)
    exact -= axes / 2 * math.log(2 * math.pi) + np.log(density.widths).sum()
    assert np.allclose(log_density(density, z), exact, atol=1e-3)
    assert fit_density(codes).level == pytest.approx(density.level, abs=1e-4)
