"""The round trip: does a decoded image belong to the latent point that it came from?"""

from __future__ import annotations

import numpy as np

from vae_explorer.latent.encoding import batches
from vae_explorer.latent.gaps.measures import SMALLEST, Score, jackknife, parts, quantile
from vae_explorer.latent.model import Floats, Model

QUANTILES = (0.5, 0.9)


def displacement(model: Model, z: Floats, beta: float) -> Floats:
    r"""Returns what the round trip adds to latent points `(M, D)`, in latent units.

    .. math:: \mu(f(z)) - z

    with the decoder mean :math:`f`, not rounded to grey levels, and the posterior mean :math:`\mu`.
    """
    points = np.ascontiguousarray(z, np.float32)
    moved = [model.encode(model.decode(part, beta), beta).mean - part for part in batches(points)]
    steps: Floats = np.concatenate(moved)
    return steps


def round_trip(steps: Floats, codes: Floats) -> tuple[Score | None, Score | None]:
    r"""Returns median and 90 % quantile of the distance that draws move, in standard deviations of the codes.

    .. math:: \sqrt{\sum_d \left( \frac{\mu_d(f(z)) - z_d}{s_d} \right)^2}, \quad z \sim S

    It is None where the codes share one spot on an axis and so give no unit. The error is that of
    a quantile over the draws, and a jackknife over the codes that make the unit.

    Arguments:
        steps: The displacements of draws from S, `(M, D)`.
        codes: The codes of the test images, `(N, D)`.
    """
    if codes.std(0).min() < SMALLEST:
        return None, None
    distance = np.linalg.norm(steps / codes.std(0), axis=1)
    others = [np.linalg.norm(steps / codes[group == 0].std(0), axis=1) for group in parts(len(codes)).T]
    median, most = (
        Score(*quantile(distance, share), jackknife([np.quantile(each, share) for each in others]))
        for share in QUANTILES
    )
    return median, most
