"""A rule of quadrature whose cells are split until Gauss and Legendre's sums agree with what polynomials say."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from vae_explorer.latent.model import Doubles, Floats

TOLERANCE = 2e-4  # nats, on the sum of the cells' errors
ORDER = 6  # of Gauss and Legendre's rule, along either axis
FINE = 24  # of the rule for the polynomials, which cost no decoding
LEVELS = 12  # of splitting: a cell is then 1e-4 latent units wide

Joint = Callable[[Floats], Doubles]  # the log of an integrand at points (M, 2)


class Rule(NamedTuple):
    """Nodes and weights that integrate one function, and what it is there."""

    log_sum: float
    error: float  # of log_sum, as far as the cells tell
    nodes: Floats  # (M, 2)
    log_weights: Doubles  # (M,)
    log_joint: Doubles  # (M,)


class Cells(NamedTuple):
    """Boxes on the plane."""

    centre: Doubles  # (C, 2)
    half: Doubles  # (C, 2)  half their widths

    def split(self, which: NDArray[np.bool_]) -> Cells:
        """Returns the four quarters of some."""
        corners = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)]) / 2
        half = self.half[which]
        centre = self.centre[which, None] + corners * half[:, None]
        return Cells(centre.reshape(-1, 2), np.repeat(half / 2, 4, 0))


class _Summed(NamedTuple):
    """Cells with their rule."""

    z: Floats  # (C, n, 2)
    log_weights: Doubles  # (C, n)
    log_joint: Doubles  # (C, n)
    log_sum: Doubles  # (C,)
    error: Doubles  # (C,)  log of the largest difference to what else the integral may be

    def some(self, which: NDArray[np.bool_]) -> _Summed:
        z, log_weights, log_joint, log_sum, error = self
        return _Summed(z[which], log_weights[which], log_joint[which], log_sum[which], error[which])


def refined(joint: Joint, cells: Cells, ends: Floats, heights: Doubles) -> Rule:
    """Splits cells until the sum of their errors is small, and returns the rule that they make together."""
    done: list[_Summed] = []
    for level in range(LEVELS + 1):
        summed = _summed(joint, cells)
        total = float(logsumexp(np.concatenate([part.log_sum for part in [*done, summed]])))
        tolerance = total + math.log(TOLERANCE / max(32, len(cells.centre)))
        again = (summed.error > tolerance) | _misses(cells, summed, ends, heights)
        again &= level < LEVELS
        done.append(summed.some(~again))
        if not again.any():
            break
        cells = cells.split(again)
    z, log_weights, log_joint, log_sum, error = (np.concatenate(values) for values in zip(*done, strict=True))
    total = float(logsumexp(log_sum))
    return Rule(
        total, math.exp(float(logsumexp(error)) - total), z.reshape(-1, 2), log_weights.ravel(), log_joint.ravel()
    )


def _misses(cells: Cells, summed: _Summed, ends: Floats, heights: Doubles) -> NDArray[np.bool_]:
    """Returns which cells hold a peak that stands out above all their nodes."""
    inside = (np.abs(ends[None] - cells.centre[:, None]) <= cells.half[:, None]).all(2)  # (C, K)
    missed: NDArray[np.bool_] = (inside & (heights > summed.log_joint.max(1, keepdims=True) + 1)).any(1)
    return missed


def _summed(joint: Joint, cells: Cells) -> _Summed:
    """Returns the cells' sums, and how far the integrals of polynomials through the log joint are from them."""
    at, weights = np.polynomial.legendre.leggauss(ORDER)
    steps = np.stack(np.meshgrid(at, at), -1).reshape(-1, 2)
    z = (cells.centre[:, None] + steps * cells.half[:, None]).astype(np.float32)
    log_half = np.log(cells.half).sum(1)
    log_weights = np.log(np.outer(weights, weights)).ravel() + log_half[:, None]
    log_joint = joint(z.reshape(-1, 2)).reshape(log_weights.shape)
    log_sum: Doubles = logsumexp(log_weights + log_joint, axis=1)
    error = np.full(len(z), -math.inf)
    for to_fine, log_fine in _polynomials():
        values = np.einsum("fi,cij,gj->cfg", to_fine, log_joint.reshape(-1, ORDER, ORDER), to_fine, optimize=True)
        other = logsumexp(values + log_fine, axis=(1, 2)) + log_half
        larger, apart = np.maximum(log_sum, other), np.abs(log_sum - other)
        error = np.maximum(error, larger + np.log(-np.expm1(-apart) + 1e-300))
    return _Summed(z, log_weights, log_joint, log_sum, error)


@cache
def _polynomials() -> tuple[tuple[Doubles, Doubles], ...]:
    """Returns what takes values at the nodes to a fine rule's, `(FINE, ORDER)`, and that rule's log weights.

    By the polynomial through all nodes, and by the one of a degree less that fits best: how far they differ tells
    how well a polynomial describes the log joint at all.
    """
    at, _ = np.polynomial.legendre.leggauss(ORDER)
    fine, fine_weights = np.polynomial.legendre.leggauss(FINE)
    log_fine = np.log(np.outer(fine_weights, fine_weights))
    vander = np.polynomial.legendre.legvander
    return tuple(
        (vander(fine, degree) @ np.linalg.pinv(vander(at, degree)), log_fine) for degree in (ORDER - 1, ORDER - 2)
    )
