"""Paths through latent points: what a walk from image to image decodes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Doubles = NDArray[np.float64]
Path = Callable[[ArrayLike, int], Doubles]

# Sine of the angle below which two directions count as one line: their plane would be rounding.
ALIGNED = 1e-9


def straight(points: ArrayLike, steps: int) -> Doubles:
    r"""Returns the straight path from point to point.

    .. math:: z(t) = (1 - t) \, a + t \, b

    Arguments:
        points: Two or more latent points, `(K, D)`.
        steps: Steps from each point to the next, all of the same length.

    Returns:
        `((K - 1) * steps + 1, D)`; every `steps`-th row is one of the points, exactly.

    Raises:
        ValueError: If there are fewer than two points, or no steps.
    """
    return _through(points, steps, _line)


def slerp(points: ArrayLike, steps: int) -> Doubles:
    r"""Returns the path that turns from point to point about the origin.

    The direction moves along the great circle while the radius changes linearly:

    .. math:: z(t) = \left( (1 - t) |a| + t |b| \right)
        \left( \cos(t \theta) \, u + \sin(t \theta) \, w \right)

    with :math:`u` the direction of a, :math:`\theta` the angle between a and b, and :math:`w` at
    right angles to :math:`u` in their plane. Nearly all of a standard normal prior's mass lies
    in a shell of radius :math:`\sqrt D`, which straight paths leave for the middle, where
    training hardly looked. White interpolates unnormalised vectors, and so leaves the ends'
    range of radii where these differ; a linear radius never does. With two axes it keeps the
    path away from the middle, where all codes crowd.

    All steps turn by the same angle, so they are of the same length where both ends lie
    equally far out. Ends that are exactly opposite span no plane: the path then turns
    counter-clockwise in the plane of the first two axes. It is straight where there is nothing
    to turn: an end in the origin, one direction, or opposite ends outside of that plane.

    Arguments:
        points: Two or more latent points, `(K, D)`.
        steps: Steps from each point to the next.

    Returns:
        `((K - 1) * steps + 1, D)`; every `steps`-th row is one of the points, exactly.

    Raises:
        ValueError: If there are fewer than two points, or no steps.

    References:
        | Sampling Generative Networks (White, 2016)
        | https://arxiv.org/abs/1609.04468
    """
    return _through(points, steps, _turn)


PATHS: dict[str, Path] = {"straight": straight, "slerp": slerp}


def _through(points: ArrayLike, steps: int, between: Callable[[Doubles, Doubles, Doubles], Doubles]) -> Doubles:
    """Puts the rows that `between` gives at shares `t`, `(steps - 1, 1)`, between the points."""
    stops = np.asarray(points, np.float64)
    if stops.ndim != 2 or len(stops) < 2:
        raise ValueError(f"a path needs two or more points, (K, D), and not {stops.shape}")
    if steps < 1:
        raise ValueError(f"a path needs at least one step from point to point, not {steps}")
    t = np.arange(1, steps)[:, None] / steps
    segments = [np.vstack([a, between(a, b, t)]) for a, b in pairwise(stops)]
    return np.vstack([*segments, stops[-1]])


def _line(a: Doubles, b: Doubles, t: Doubles) -> Doubles:
    return (1 - t) * a + t * b


def _turn(a: Doubles, b: Doubles, t: Doubles) -> Doubles:
    from_a, from_b = np.linalg.norm(a), np.linalg.norm(b)
    if from_a == 0 or from_b == 0:
        return _line(a, b, t)
    u, v = a / from_a, b / from_b
    across = v - (u @ v) * u
    angle = np.arctan2(np.linalg.norm(across), u @ v)
    if np.linalg.norm(across) <= ALIGNED:
        across, angle = _left_of(u), np.pi
        if u @ v > 0 or not across.any():
            return _line(a, b, t)
    w = across / np.linalg.norm(across)
    radius = (1 - t) * from_a + t * from_b
    turned: Doubles = radius * (np.cos(t * angle) * u + np.sin(t * angle) * w)
    return turned


def _left_of(u: Doubles) -> Doubles:
    """Returns u's part in the plane of the first two axes, turned there by a quarter counter-clockwise."""
    left = np.zeros_like(u)
    if len(u) > 1:
        left[0], left[1] = -u[1], u[0]
    return left
