"""Gap fields: the latent plane coloured by how far its decoded images are from data."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from vae_explorer.latent.encoding import decode, plane
from vae_explorer.latent.gaps.coverage import squared_distances
from vae_explorer.latent.gaps.holes import fit_density, log_density
from vae_explorer.latent.gaps.measures import FIELDS, SMALLEST
from vae_explorer.latent.gaps.recognition import Judges
from vae_explorer.latent.gaps.round_trip import displacement
from vae_explorer.latent.gaps.smoothness import speed, squared_speeds
from vae_explorer.latent.model import Floats, Model

ROWS = 10  # of a grid that are computed at once: an answer to give way at


class _Question(NamedTuple):
    """What a field is asked of."""

    model: Model
    codes: Floats
    beta: float
    pixels: NDArray[np.uint8]
    judges: Judges


Answer = Callable[[Floats], Floats]  # points (M, D) to values (M,)


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
    """Returns a gap field on a grid over the first two latent axes.

    Arguments:
        model: The model; axes beyond the second are held at 0.
        codes: The codes of the test images, `(N, D)`.
        extent: Left, right, bottom and top of the grid, in latent units; values belong to the
            centres of its cells.
        side: Cells a side.
        field: A key of `FIELDS`, which says what the values mean.
        beta: The KL weight.
        pixels: The test images `(N, H, W)`, where the field needs `images`.
        judges: The classifiers, where the field needs `judges`.
        show: Called with the rising fraction done; 1 comes last. What it raises ends the work.

    Returns:
        `(side, side)`, the first row at the top; for a model of one axis all rows alike.

    Raises:
        ValueError: If the field needs what is not given.
    """
    given = {"images": pixels, "judges": judges}
    if missing := [name for name in sorted(FIELDS[field].needs) if given[name] is None]:
        raise ValueError(f"the field {field} needs {missing[0]}")
    answer = _ANSWERS[field](_Question(model, codes, beta, pixels, judges))  # type: ignore[arg-type]  # as checked
    rows = np.array_split(plane(codes.shape[1], extent, side), -(-side // ROWS))
    values = []
    for done, z in enumerate(rows, 1):
        values.append(answer(z.reshape(-1, z.shape[2])))
        show(done / len(rows))
    return np.concatenate(values).reshape(side, side).astype(np.float32)


def _density(question: _Question) -> Answer:
    density = fit_density(question.codes)
    return lambda z: log_density(density, z) - np.float32(density.level)


def _round_trip(question: _Question) -> Answer:
    unit = np.maximum(question.codes.std(0), SMALLEST)

    def distance(z: Floats) -> Floats:
        lengths: Floats = np.linalg.norm(displacement(question.model, z, question.beta) / unit, axis=1)
        return lengths

    return distance


def _doubt(question: _Question) -> Answer:
    return lambda z: 1 - question.judges.probabilities("mlp", decode(question.model, z, question.beta)).max(1)


def _nearest(question: _Question) -> Answer:
    real = torch.from_numpy(question.pixels).flatten(1).float() / 255

    def distance(z: Floats) -> Floats:
        decoded = torch.from_numpy(decode(question.model, z, question.beta)).flatten(1)
        nearest = torch.cat([distances.amin(1) for distances in squared_distances(decoded, real)])
        rms: Floats = (nearest / real.shape[1]).sqrt().numpy()
        return rms

    return distance


def _speed(question: _Question) -> Answer:
    return lambda z: speed(squared_speeds(question.model, z, question.beta), question.codes)


_ANSWERS: dict[str, Callable[[_Question], Answer]] = {
    "density": _density,
    "round_trip": _round_trip,
    "doubt": _doubt,
    "nearest": _nearest,
    "speed": _speed,
}
