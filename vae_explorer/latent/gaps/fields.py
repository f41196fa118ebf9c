"""Gap fields: the latent plane coloured by how far its decoded images are from data."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_explorer.latent.encoding import batches, decode, plane
from vae_explorer.latent.gaps.classifier import Classifier
from vae_explorer.latent.gaps.holes import fit_density, log_density_of
from vae_explorer.latent.gaps.measures import FIELDS, SMALLEST, Better
from vae_explorer.latent.gaps.nearest import Nearest
from vae_explorer.latent.gaps.recognition import Judges
from vae_explorer.latent.gaps.round_trip import displacement
from vae_explorer.latent.gaps.smoothness import speed, squared_speeds
from vae_explorer.latent.model import Floats, Model

ROWS = 10  # of a grid that are computed at once: an answer to give way at
APART = 0.5  # standard deviations of the draws, between two of the worst spots
ROUNDING = 1e-5  # of the largest value: what differs by less is equal


class _Question(NamedTuple):
    """What a field is asked of."""

    model: Model
    codes: Floats
    beta: float
    pixels: NDArray[np.uint8]
    classifier: Classifier


Answer = Callable[[Floats], Floats]  # points (M, D) to values (M,)


class FieldAnswer:
    """A gap field of one model at one KL weight, to be asked anywhere: what takes long beforehand is done once."""

    def __init__(
        self,
        model: Model,
        codes: Floats,
        field: str,
        beta: float,
        *,
        pixels: NDArray[np.uint8] | None = None,
        classifier: Classifier | None = None,
    ) -> None:
        """Prepares a field.

        Arguments:
            model: The model.
            codes: The codes of the test images, `(N, D)`.
            field: A key of `FIELDS`, which says what the values mean.
            beta: The KL weight.
            pixels: The test images `(N, H, W)`, where the field needs `images`.
            classifier: The network, where the field needs `judges`.

        Raises:
            ValueError: If the field needs what is not given.
        """
        given = {"images": pixels, "judges": classifier}
        if missing := [name for name in sorted(FIELDS[field].needs) if given[name] is None]:
            raise ValueError(f"the field {field} needs {missing[0]}")
        self._axes = codes.shape[1]
        self._answer = _ANSWERS[field](
            _Question(model, codes, beta, pixels, classifier)  # type: ignore[arg-type]  # as checked
        )

    def at(self, points: Floats) -> Floats:
        """Returns the values `(M,)` at latent points `(M, D)`, of all axes."""
        values: Floats = np.concatenate([self._answer(part) for part in batches(np.ascontiguousarray(points))])
        return values.astype(np.float32)

    def grid(
        self,
        extent: tuple[float, float, float, float],
        side: int,
        show: Callable[[float], None] = lambda _: None,
    ) -> Floats:
        """Returns the field on a grid over the first two latent axes; those beyond are held at 0.

        Arguments:
            extent: Left, right, bottom and top of the grid, in latent units; values belong to the
                centres of its cells.
            side: Cells a side.
            show: Called with the rising fraction done; 1 comes last. What it raises ends the work.

        Returns:
            `(side, side)`, the first row at the top; for a model of one axis all rows alike.
        """
        z = plane(self._axes, extent, side)
        rows = np.array_split(z, -(-side // ROWS)) if self._axes > 1 else [z[:1]]
        values = []
        for done, some in enumerate(rows, 1):
            values.append(self.at(some.reshape(-1, self._axes)))
            show(done / len(rows))
        return np.ascontiguousarray(np.broadcast_to(np.concatenate(values).reshape(-1, side), (side, side)))


def gap_field(
    model: Model,
    codes: Floats,
    extent: tuple[float, float, float, float],
    side: int,
    field: str,
    beta: float,
    *,
    pixels: NDArray[np.uint8] | None = None,
    judges: Judges | None = None,
    show: Callable[[float], None] = lambda _: None,
) -> Floats:
    """Returns a gap field on a grid; arguments as for `FieldAnswer` and its `grid`.

    Raises:
        ValueError: If the field needs what is not given.
    """
    network = None if judges is None else judges.network
    return FieldAnswer(model, codes, field, beta, pixels=pixels, classifier=network).grid(extent, side, show)


def worst_spots(values: Floats, points: Floats, better: Better, count: int = 8) -> NDArray[np.intp]:
    r"""Returns which of the draws have the worst values, the worst first, and none near a worse one.

    Of draws nearer to each other than `APART`, in the distance :math:`\sqrt{\sum_d (a_d - b_d)^2 / s_d^2}` with the
    draws' own standard deviations :math:`s`, the worst alone counts.

    Arguments:
        values: What a field has there, `(M,)`; what is not finite does not count.
        points: The draws, `(M, D)`.
        better: Which side of the field is the better one.
        count: How many at most.

    Returns:
        Their rows, `(count,)` or fewer; none where all values are equal up to rounding: no spot is the worst one.
    """
    (rows,) = np.nonzero(np.isfinite(values))
    some = values[rows].astype(np.float64)
    if len(rows) == 0 or np.ptp(some) <= ROUNDING * np.abs(some).max():
        return np.zeros(0, np.intp)
    scaled = points / np.maximum(points.std(0), SMALLEST)
    left = rows[np.argsort(some if better == "higher" else -some, kind="stable")]
    found: list[int] = []
    while len(left) and len(found) < count:
        found.append(int(left[0]))
        left = left[np.linalg.norm(scaled[left] - scaled[left[0]], axis=1) >= APART]
    return np.array(found, np.intp)


def _density(question: _Question) -> Answer:
    density = fit_density(question.codes, groups=False)
    log_p = log_density_of(density)
    return lambda z: log_p(z) - np.float32(density.level)


def _round_trip(question: _Question) -> Answer:
    unit = np.maximum(question.codes.std(0), SMALLEST)

    def distance(z: Floats) -> Floats:
        lengths: Floats = np.linalg.norm(displacement(question.model, z, question.beta) / unit, axis=1)
        return lengths

    return distance


def _doubt(question: _Question) -> Answer:
    return lambda z: 1 - question.classifier.probabilities(decode(question.model, z, question.beta)).max(1)


def _nearest(question: _Question) -> Answer:
    real = Nearest(question.pixels)
    return lambda z: real.distances(decode(question.model, z, question.beta))


def _speed(question: _Question) -> Answer:
    return lambda z: speed(squared_speeds(question.model, z, question.beta), question.codes)


_ANSWERS: dict[str, Callable[[_Question], Answer]] = {
    "density": _density,
    "round_trip": _round_trip,
    "doubt": _doubt,
    "nearest": _nearest,
    "speed": _speed,
}
