"""Sums of Gaussian kernels at many points: what lies too far to matter is left out, a block of points at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_explorer.latent.model import Floats

LEAF = 32  # points of a block at most
LEFT_OUT = 1e-5  # of a sum at most, as a share
BLOCK = 100  # points whose distances are held at once
DROPPED = 17  # of a distance's 23 bits after the first
TINY = 1e-7  # least distance, of the centres' standard deviation
SIMPLE = 4  # axes at most along which a library's own loop is the slower one
FAINT = -80.0  # nats below a point's nearest kernel: what float32 can still add without denormal numbers


class Blocks(NamedTuple):
    """Points in blocks of near ones."""

    order: NDArray[np.intp]  # (N,)  rows of the points, block by block
    edges: NDArray[np.intp]  # (B + 1,)  where they begin and end
    low: Floats  # (B, D)  corners of the boxes that hold the blocks
    high: Floats  # (B, D)


class Kernels:
    """Gaussian kernels about centres `(N, D)`, of any width, the same on all axes."""

    def __init__(self, centres: Floats, kept: Floats) -> None:
        """`kept` says which kernels are in which sum, `(N, G)` of zeros and ones."""
        self._blocks = blocks(centres)
        order, edges = self._blocks[:2]
        self._place = np.argsort(order)  # of each centre in that order
        self._centres, self._kept = torch.from_numpy(centres[order]), torch.from_numpy(kept[order])
        self._fewest = np.add.reduceat(kept[order], edges[:-1]).min(1)  # kernels of a block, in any sum

    def log_sums(self, points: Floats, width: float, own: NDArray[np.intp] | None = None) -> Floats:
        r"""Returns the logarithms `(M, G)` of the sums at points `(M, D)`, too small by `LEFT_OUT` at most.

        .. math:: \log \sum_i k_{ig} \exp \left( -\frac{|z - c_i|^2}{2 h^2} \right)

        For a block of points, a block of centres whose box is nowhere farther than U from theirs makes the sum
        :math:`e^{-U^2 / 2 h^2}` at least. All N centres beyond R, with
        :math:`R^2 = U^2 + 2 h^2 \log(N / \epsilon)`, add no more than a part :math:`\epsilon` of that.

        Arguments:
            points: Where.
            width: The kernels' standard deviation h.
            own: The row of each point among the centres, which is left out of its own sums; none is unless given.
        """
        there, here = self._blocks, blocks(points)
        sums = np.empty((len(points), self._kept.shape[1]), np.float32)
        anchors = self._fewest > float(own is not None)  # make a sum even where the point's own is left out
        room = 2 * width**2 * math.log(len(self._centres) / LEFT_OUT)
        for start, end, low, high in zip(here.edges[:-1], here.edges[1:], here.low, here.high, strict=True):
            rows = here.order[start:end]
            gaps = np.maximum(there.low - high, low - there.high).clip(0)
            reach = np.maximum(there.high - low, high - there.low)[anchors]
            farthest = np.einsum("bd,bd->b", reach, reach).min(initial=math.inf)
            (matter,) = np.nonzero(np.einsum("bd,bd->b", gaps, gaps) <= farthest + room)
            chosen = _slices(there.edges[matter], there.edges[matter + 1])
            at = None if own is None else np.searchsorted(chosen, self._place[own[rows]])
            some = torch.from_numpy(chosen)
            sums[rows] = _sums(
                torch.from_numpy(points[rows]), self._centres[some], self._kept[some], 1 / width**2, at
            ).numpy()
        return sums


def _slices(starts: NDArray[np.intp], ends: NDArray[np.intp]) -> NDArray[np.intp]:
    """Returns all whole numbers from each start to its end, rising."""
    sizes = ends - starts
    shifts = np.repeat(starts - np.cumsum(sizes) + sizes, sizes)
    return shifts + np.arange(len(shifts))


def _sums(points: Tensor, centres: Tensor, kept: Tensor, precision: float, own: NDArray[np.intp] | None) -> Tensor:
    exponents = _squares(points, centres).mul_(-0.5 * precision)
    if own is not None:
        exponents[torch.arange(len(exponents)), torch.from_numpy(own)] = -math.inf
    nearest = exponents.amax(1, keepdim=True)
    return nearest + (exponents.sub_(nearest).clamp_(min=FAINT).exp_() @ kept).log()


def _squares(points: Tensor, centres: Tensor) -> Tensor:
    """Returns squared distances `(M, N)` from differences: those of squares would round the near ones away."""
    if points.shape[1] > SIMPLE:
        return torch.cdist(points, centres, compute_mode="donot_use_mm_for_euclid_dist").square_()
    each = (points[:, axis, None] - centres[:, axis] for axis in range(points.shape[1]))
    squares = next(each).square_()
    for difference in each:
        squares.addcmul_(difference, difference)
    return squares


class Distances:
    """Kernels about centres, left out of their own sums, of many widths after one look at the distances."""

    def __init__(self, centres: Floats, rows: NDArray[np.intp]) -> None:
        """Counts how far the centres `rows` lie from all, in bins that are `2**-6` of a distance wide at most."""
        points, chosen = torch.from_numpy(centres), torch.from_numpy(rows)
        farthest = np.linalg.norm(np.ptp(centres, 0)) + TINY
        first, last = (int(np.float32(each).view(np.int32) >> DROPPED) for each in (TINY, 1.01 * farthest))
        self._counts = torch.zeros(len(rows), last - first + 1, dtype=torch.float64)
        for some, counts in zip(chosen.split(BLOCK), self._counts.split(BLOCK), strict=True):
            distances = _squares(points[some], points).sqrt_().clamp_(min=TINY)
            bins = (distances.view(torch.int32) >> DROPPED).sub_(first)  # a float's first bits: its logarithm, coarsely
            bins += torch.arange(len(some), dtype=torch.int32)[:, None] * counts.shape[1]
            counts += torch.bincount(bins.flatten(), minlength=counts.numel()).view_as(counts)
        self._counts[:, 0] -= 1  # itself
        edges = (np.arange(first, last + 2, dtype=np.int32) << DROPPED).view(np.float32).astype(np.float64)
        self._squares = torch.from_numpy((edges[:-1] ** 2 + edges[1:] ** 2) / 2)
        self._nearest = self._squares[(self._counts > 0).int().argmax(1)]

    def mean_log_sum(self, width: float) -> float:
        """Returns the mean over the rows of the logarithm of the sum of all other kernels, right to some 1e-3 of it.

        A row whose nearest neighbour is too far for a float has that one alone.
        """
        sums = self._counts @ self._squares.mul(-0.5 / width**2).exp()
        return float(torch.where(sums > 0, sums.log(), self._nearest * (-0.5 / width**2)).mean())


def blocks(points: Floats) -> Blocks:
    """Returns points `(N, D)` in blocks of `LEAF` at most: halves along the axis on which they spread most."""
    leaves = list(_halves(points, np.arange(len(points))))
    edges = np.cumsum([0, *map(len, leaves)])
    order = np.concatenate(leaves)
    low, high = (bound.reduceat(points[order], edges[:-1]) for bound in (np.minimum, np.maximum))
    return Blocks(order, edges, low, high)


def _halves(points: Floats, rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    if len(rows) <= LEAF:
        yield rows
        return
    some = points[rows]
    along = some[:, (some.max(0) - some.min(0)).argmax()]
    order, middle = rows[np.argpartition(along, len(rows) // 2)], len(rows) // 2
    yield from _halves(points, order[:middle])
    yield from _halves(points, order[middle:])
