"""Precision, recall, density, coverage: two clouds of images, and who lies among whose neighbours."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vae_explorer.latent.gaps.measures import Score, binomial, jackknife, parts, pool
from vae_explorer.latent.model import Floats

K = 5
BLOCK = 1000  # rows of a table of distances that are held at once


class Cloud(NamedTuple):
    """Points, and how far each lies from its K-th neighbour among them."""

    points: Tensor  # (N, F)
    radii: Tensor  # (N,)  squared, with room for rounding: what lies on the border is inside


class Neighbours(NamedTuple):
    """How a cloud of decoded draws lies in one of real images."""

    precision: Score | None
    recall: Score | None
    density: Score | None
    coverage: Score | None


def cloud(points: Floats) -> Cloud:
    r"""Returns points `(N, F)` with their neighbourhoods: exact distances, no approximation.

    A distance is :math:`|a|^2 + |b|^2 - 2 a b` in float32, so that the border's own point comes out inside or
    outside by the order of the sums, which is another one on another processor. The errors of F numbers that
    are added are some :math:`\sqrt F u (|a|^2 + |b|^2)` with the unit :math:`u = 2^{-24}`; twice that, for
    either of two sums, is what a radius has in hand. Nothing inside is longer than centre and radius together,
    :math:`|b|^2 \le 2 |a|^2 + 2 r^2`.

    Raises:
        ValueError: If there are too few points for K neighbours.
    """
    if len(points) <= K:
        raise ValueError(f"{K} neighbours need {K + 1} points at least, and there are {len(points)}")
    x = torch.from_numpy(np.ascontiguousarray(points, np.float32))
    nearest = [distances.topk(K + 1, largest=False).values[:, -1] for distances in squared_distances(x, x)]
    radii = torch.cat(nearest)  # the nearest of all is the point itself
    room = 4 * 2**-24 * (1 + math.sqrt(x.shape[1]))
    return Cloud(x, radii + room * (3 * x.square().sum(1) + 2 * radii))


def neighbours(real: Cloud, draws: Floats) -> Neighbours:
    r"""Returns the four measures of draws `(M, F)` against N real images.

    .. math::
        \text{precision} = \frac1N \sum_j 1[\exists i: y_j \in B(x_i)], \quad
        \text{recall} = \frac1N \sum_i 1[\exists j: x_i \in B(y_j)], \\
        \text{density} = \frac{1}{K N} \sum_{i, j} 1[y_j \in B(x_i)], \quad
        \text{coverage} = \frac1N \sum_i 1[\exists j: y_j \in B(x_i)]

    :math:`B` is the ball to the K-th neighbour in a point's own cloud, closed. Both clouds need the
    same size: more draws are taken N at a time and averaged, what is left over is not used. Draws
    from the distribution of the images themselves have density 1 in expectation and coverage
    :math:`1 - \prod_{m=1}^{K} \frac{N - m}{2 N - m}` (0.969 for many), but precision and recall
    below 1.

    Errors: over what is averaged, binomial (for the density that of a mean); over the other cloud,
    a jackknife over its tenths, which leaves the radii as they are.

    Raises:
        ValueError: If there are fewer draws than images.

    References:
        | Reliable Fidelity and Diversity Metrics for Generative Models (Naeem et al., 2020)
        | https://arxiv.org/abs/2002.09797
        | Improved Precision and Recall Metric (Kynkaanniemi et al., 2019)
        | https://arxiv.org/abs/1904.06991
    """
    count = len(real.points)
    if len(draws) < count:
        raise ValueError(f"as many draws as images are needed: {count}, and there are {len(draws)}")
    each = [_compare(real, cloud(draws[end - count : end])) for end in range(count, len(draws) + 1, count)]
    return Neighbours(*(pool(scores) for scores in zip(*each, strict=True)))


def _compare(real: Cloud, fake: Cloud) -> tuple[Score, Score, Score, Score]:
    """Returns precision, recall, density and coverage of two clouds of one size."""
    count = len(real.points)
    group = torch.from_numpy(parts(count))
    real_balls = torch.zeros(count, group.shape[1])  # around each draw, by group of images
    fake_balls, caught = torch.zeros(2, count, group.shape[1])  # around, and in, each image's, by group of draws
    for start, distances in zip(range(0, count, BLOCK), squared_distances(fake.points, real.points), strict=True):
        rows = slice(start, start + BLOCK)
        inside = (distances <= real.radii).float()
        real_balls[rows] = inside @ group
        caught += inside.T @ group[rows]
        fake_balls += (distances <= fake.radii[rows, None]).float().T @ group[rows]
    among, scale = real_balls.sum(1) / K, 1 / (1 - group.mean(0))
    density = Score(
        float(among.mean()),
        float(among.std() / math.sqrt(count)),
        jackknife((among.mean() - real_balls.mean(0) / K) * scale),
    )
    precision = _share(real_balls)
    recall, coverage = (Score(s.value, s.images, s.draws) for s in (_share(fake_balls), _share(caught)))
    return precision, recall, density, coverage


def _share(counts: Tensor) -> Score:
    """Returns the part of points in any ball, from the numbers `(N, GROUPS)` of balls around each.

    The first error is that over the points, the second that over the balls.
    """
    total = counts.sum(1, keepdim=True)
    hits = float((total > 0).sum())
    return Score(hits / len(counts), binomial(hits, len(counts)), jackknife((total > counts).float().mean(0)))


def squared_distances(a: Tensor, b: Tensor) -> Iterator[Tensor]:
    """Yields squared distances from each point of a to all of b, `(BLOCK, N)` at a time."""
    norms = b.square().sum(1)
    for rows in a.split(BLOCK):
        products = torch.addmm(norms, rows, b.T, alpha=-2)
        yield products.add_(rows.square().sum(1, keepdim=True)).clamp_(min=0)
