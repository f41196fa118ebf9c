"""Maps of the plane that turn normal draws into a shape: where they land, and how dense they lie there."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

EVEN = math.sqrt(
    2 / math.pi
)  # tanh(EVEN * x) rises at 0 as 2 Phi(x) - 1 does: draws lie evenly along a moon or a spiral
ANGLES = 192  # nodes of the rule around a circle: the trapezoidal rule of a periodic function
ACROSS = 4  # nodes of the rule across a bin
NODES = 64  # an axis, of the rule over a part of a square


class Landing(NamedTuple):
    """Where points land, and how much their neighbourhoods grow."""

    y: Doubles  # (N, 2)  g(z)
    log_det: Doubles  # (N,)  log |det dg/dz|; inf where a point has no neighbourhood (the ring's centre)


class Preimages(NamedTuple):
    """The points that land at given ones."""

    z: Doubles  # (K, N, 2)  anything where there is none
    real: Bools  # (K, N)  whether there is one


class Square(NamedTuple):
    """A brushed region of z, and what became of it."""

    mass: float  # P of it, closed form
    area: float  # square latent units
    landed: float  # its area after the map, the integral of |det J|; where the map folds, each sheet counts


class Histogram(NamedTuple):
    """Draws over their distance from the origin, against the density by change of variables."""

    edges: Doubles  # (B + 1,)
    counts: NDArray[np.int64]  # (B,)  of the draws
    expected: Doubles  # (B,)  draws that the density puts there
    missed: int  # draws beyond the last edge


class PlaneMap(ABC):
    r"""A map g of the plane, and the density of g(z) for a standard normal z.

    .. math:: p(y) = \sum_{z: g(z) = y} \frac{P(z)}{|\det J(z)|}, \quad J = \partial g / \partial z

    One term where g is one-to-one. References: Doersch, Tutorial on Variational Autoencoders (2016), section 2,
    https://arxiv.org/abs/1606.05908, for the ring; any text on probability for the formula.
    """

    one_to_one: bool
    reach: float  # half the width of a square around the origin that shows all but a few draws

    @abstractmethod
    def land(self, z: Doubles) -> Landing:
        """Returns where points `(N, 2)` land."""

    @abstractmethod
    def preimages(self, y: Doubles) -> Preimages:
        """Returns all points that land at `(N, 2)`."""

    def log_density(self, y: Doubles) -> Doubles:
        """Returns log p(y), `(N,)`, nats; -inf where nothing lands."""
        z, real = self.preimages(y)
        flat = np.where(real[..., None], z, 1.0).reshape(-1, 2)
        terms = log_normal(flat) - self.land(flat).log_det
        log_p: Doubles = special.logsumexp(np.where(real, terms.reshape(real.shape), -np.inf), axis=0)
        return log_p


class Ring(PlaneMap):
    r"""Doersch's example: :math:`g(z) = z / a + z / \|z\|`.

    The radius becomes :math:`r / a + 1` and the angle stays, so that
    :math:`|\det J| = \frac1a \left( \frac1a + \frac1r \right)`: one-to-one from all but the origin onto the
    outside of the unit circle.

    Raises:
        ValueError: If a is not a positive number: 0 divides by zero, and a negative one folds the plane.
    """

    one_to_one = True

    def __init__(self, a: float = 10.0) -> None:
        if not (math.isfinite(a) and a > 0):
            raise ValueError(f"a must be a positive number, and it is {a:g}: g(z) = z / a + z / ||z||")
        self.a = a
        self.reach = 1 + 3.5 / a

    def land(self, z: Doubles) -> Landing:
        r = np.hypot(z[:, 0], z[:, 1])
        # the origin has no direction, and its neighbourhood lands all around the circle
        direction = np.where(r[:, None] > 0, z / np.where(r > 0, r, 1)[:, None], [1.0, 0.0])
        with np.errstate(divide="ignore"):
            log_det = np.log(1 / self.a + 1 / r) - math.log(self.a)
        return Landing(z / self.a + direction, log_det)

    def preimages(self, y: Doubles) -> Preimages:
        rho = np.hypot(y[:, 0], y[:, 1])
        real = rho > 1
        scale = self.a * (1 - 1 / np.where(real, rho, 2))
        return Preimages((y * scale[:, None])[None], real[None])


class Moons(PlaneMap):
    r"""Two moons: the plane is torn along :math:`z_1 = 0`, and each half bent into an arc.

    .. math:: t = \pi \tanh(\sqrt{2 / \pi} |z_1|), \quad r = e^{w z_2}, \quad
        g(z) = \pm \left( r \cos t - \tfrac12, \; r \sin t - \tfrac14 \right)

    with the sign of :math:`z_1`. :math:`|\det J| = w r^2 \, dt / d|z_1|`. No continuous map makes two pieces of one
    plane. The arcs' wide edges overlap, so it is not quite one-to-one.
    """

    one_to_one = False
    width = 0.1  # w

    def __init__(self) -> None:
        self.reach = 2.0

    def land(self, z: Doubles) -> Landing:
        side = np.where(z[:, 0] < 0, -1.0, 1.0)
        along = np.abs(z[:, 0]) * EVEN
        t, r = np.pi * np.tanh(along), np.exp(self.width * z[:, 1])
        y = side[:, None] * np.stack([r * np.cos(t) - 0.5, r * np.sin(t) - 0.25], 1)
        return Landing(y, math.log(self.width * np.pi * EVEN) + 2 * np.log(r) + _log_sech2(along))

    def preimages(self, y: Doubles) -> Preimages:
        z, real = [], []
        for side in (1.0, -1.0):
            x = side * y + np.array([0.5, 0.25])
            t, r = np.arctan2(x[:, 1], x[:, 0]), np.hypot(x[:, 0], x[:, 1])
            fits = (t >= 0) & (t < np.pi) & (r > 0) & ((t > 0) | (side > 0))  # z_1 = 0 is the first arc's
            along = np.arctanh(np.where(fits, t, 0.0) / np.pi) / EVEN
            z.append(np.stack([side * along, np.log(np.where(fits, r, 1.0)) / self.width], 1))
            real.append(fits)
        return Preimages(np.stack(z), np.stack(real))


class Spiral(PlaneMap):
    r"""One arm of a spiral: :math:`z_1` runs along it, :math:`z_2` across.

    .. math:: \theta = \theta_0 + \tfrac{\Delta}{2} (1 + \tanh(\sqrt{2 / \pi} z_1)), \quad r = b \theta + w z_2,
        \quad g(z) = (r \cos \theta, r \sin \theta)

    :math:`|\det J| = w |r| \, d\theta / dz_1`. Turns of the arm reach into each other, and across the centre: the
    density is a sum over all of them.
    """

    one_to_one = False
    start, turn = np.pi / 2, 3 * np.pi  # theta_0 and Delta, radians
    rise, width = 2 / (3.5 * np.pi), 0.1  # b, a radian, and w

    def __init__(self) -> None:
        self.reach = 2.35

    def land(self, z: Doubles) -> Landing:
        along = EVEN * z[:, 0]
        theta = self.start + self.turn / 2 * (1 + np.tanh(along))
        r = self.rise * theta + self.width * z[:, 1]
        with np.errstate(divide="ignore"):
            log_det = np.log(np.abs(r) * self.width * self.turn / 2 * EVEN) + _log_sech2(along)
        return Landing(np.stack([r * np.cos(theta), r * np.sin(theta)], 1), log_det)

    def preimages(self, y: Doubles) -> Preimages:
        angle, rho = np.arctan2(y[:, 1], y[:, 0]), np.hypot(y[:, 0], y[:, 1])
        z, real = [], []
        last = math.ceil((self.start + self.turn) / np.pi) + 1
        for half in range(-1, last + 1):  # half turns: an odd one is r < 0, on the other side of the centre
            theta, r = angle + half * np.pi, rho if half % 2 == 0 else -rho
            u = (theta - self.start) * 2 / self.turn - 1
            fits = (np.abs(u) < 1) & (rho > 0)
            along = np.arctanh(np.where(fits, u, 0.0)) / EVEN
            z.append(np.stack([along, (r - self.rise * theta) / self.width], 1))
            real.append(fits)
        return Preimages(np.stack(z), np.stack(real))


def log_normal(z: Doubles) -> Doubles:
    """Returns log N(z; 0, I), `(N,)`, nats."""
    log_p: Doubles = -0.5 * np.square(z).sum(1) - math.log(2 * math.pi)
    return log_p


def draws(n: int, seed: int) -> Doubles:
    """Returns n standard normal points of the plane, `(n, 2)`; fewer are the first of more.

    Raises:
        ValueError: If n is not positive.
    """
    if n < 1:
        raise ValueError(f"at least one draw is needed, not {n}")
    return np.random.default_rng(seed).standard_normal((n, 2))


def square(g: PlaneMap, centre: tuple[float, float], half: float) -> Square:
    r"""Returns what a map does to a square of z: its mass stays, its area becomes :math:`\int |\det J| \, dz`.

    The rule is Gauss and Legendre's on each part of the square on one side of both axes, with nodes packed towards
    them: along them moons tear, and where they cross the ring's determinant is infinite.

    Arguments:
        g: The map.
        centre: Of the square.
        half: Half its side.

    Raises:
        ValueError: If the square has no area.
    """
    if not half > 0:
        raise ValueError("the brushed square has no area: half its side must be positive")
    axes = [_rule(middle - half, middle + half) for middle in centre]
    nodes = np.stack(np.meshgrid(axes[0][0], axes[1][0], indexing="ij"), 2).reshape(-1, 2)
    weights = np.outer(axes[0][1], axes[1][1]).ravel()
    phi = [special.ndtr(middle + half) - special.ndtr(middle - half) for middle in centre]
    landed = float(weights @ np.exp(g.land(nodes).log_det))
    return Square(float(phi[0] * phi[1]), 4 * half**2, landed)


def radial_histogram(g: PlaneMap, n: int, seed: int, bins: int) -> Histogram:
    r"""Returns a histogram of draws over :math:`\rho = \|g(z)\|` beside what the density puts there.

    .. math:: n \int_{\rho_b}^{\rho_{b+1}} \rho \int_0^{2 \pi} p(\rho, \theta) \, d\theta \, d\rho

    by the trapezoidal rule around, and Gauss and Legendre's rule across a bin.

    Arguments:
        g: The map.
        n: How many draws.
        seed: Of them.
        bins: Of equal width between the origin and the corner of what is shown; the ring's begin at 1, where its
            density jumps.

    Raises:
        ValueError: If n is not positive.
    """
    inner = 1.0 if isinstance(g, Ring) else 0.0
    edges = np.linspace(inner, inner + (g.reach - inner) * (1 if inner else math.sqrt(2)), bins + 1)
    y = g.land(draws(n, seed)).y
    rho = np.hypot(y[:, 0], y[:, 1])
    nodes, weights = np.polynomial.legendre.leggauss(ACROSS)
    widths = np.diff(edges) / 2
    across = (edges[:-1] + widths)[:, None] + widths[:, None] * nodes  # (B, ACROSS)
    angles = (np.arange(ANGLES) + 0.5) * 2 * np.pi / ANGLES
    around = np.stack([np.cos(angles), np.sin(angles)], 1)
    p = np.exp(g.log_density((across.reshape(-1, 1, 1) * around).reshape(-1, 2))).reshape(bins, ACROSS, ANGLES)
    expected = n * (p.mean(2) * 2 * np.pi * across * weights).sum(1) * widths
    return Histogram(edges, np.histogram(rho, edges)[0], expected, int((rho > edges[-1]).sum()))


def _rule(low: float, high: float) -> tuple[Doubles, Doubles]:
    """Returns nodes and weights on an interval, in two parts if 0 is inside, packed towards the end near 0."""
    u, weights = np.polynomial.legendre.leggauss(NODES)
    u, weights = (u + 1) / 2, weights / 2
    parts = [(0.0, low), (0.0, high)] if low < 0 < high else [(low, high) if abs(low) < abs(high) else (high, low)]
    nodes = np.concatenate([near + (far - near) * u**3 for near, far in parts])
    return nodes, np.concatenate([abs(far - near) * 3 * u**2 * weights for near, far in parts])


def _log_sech2(x: Doubles) -> Doubles:
    """Returns log(1 - tanh(x)^2), which tanh rounds to -inf beyond 19."""
    log_slope: Doubles = 2 * (math.log(2) - np.abs(x) - np.log1p(np.exp(-2 * np.abs(x))))
    return log_slope
