"""Smoothness: how evenly the decoded image changes over the latent space."""

from __future__ import annotations

import numpy as np

from vae_explorer.latent.gaps.measures import Score, jackknife, parts, quantile
from vae_explorer.latent.geometry import pullback_metric
from vae_explorer.latent.model import Floats, Model

STEEP, USUAL = 0.99, 0.5
DERIVATIVES = 40_000  # of an image, at most: models of more axes are measured at fewer points


def squared_speeds(model: Model, z: Floats, beta: float) -> Floats:
    r"""Returns how fast the decoded image changes along each axis, `(M, D)`.

    .. math:: |\partial f / \partial z_d|^2 = G_{dd}(z)

    The diagonal of the pull-back metric, in squared intensity per squared latent unit.
    """
    diagonal: Floats = np.diagonal(pullback_metric(model, z, beta), axis1=1, axis2=2)
    return diagonal


def speed(squared: Floats, codes: Floats) -> Floats:
    r"""Returns the length of the decoded path per latent unit, where the unit is a standard deviation of the codes.

    .. math:: \sqrt{\frac1D \sum_d s_d^2 \, G_{dd}(z)}

    The root of the mean over all directions of a step, in intensity (Euclidean distance of the images).

    Arguments:
        squared: From `squared_speeds`, `(M, D)`.
        codes: The codes of the test images, `(N, D)`; :math:`s` are their standard deviations.
    """
    lengths: Floats = np.sqrt((squared * codes.var(0)).mean(1))
    return lengths


def steepness(squared: Floats, codes: Floats) -> Score | None:
    r"""Returns the ratio between the 99 % quantile and the median of the speed over draws.

    A decoder whose images change evenly has 1; one that jumps between regions of alike images has
    a large ratio. None where the median is zero: nothing changes. The draws' error takes both
    quantiles for independent, which overstates it by less than 1 %; the images' error is a
    jackknife over the codes that make the unit.

    References:
        | Latent Space Oddity (Arvanitidis et al., 2018)
        | https://arxiv.org/abs/1710.11379
    """
    lengths = speed(squared, codes)
    (steep, steep_error), (usual, usual_error) = (quantile(lengths, share) for share in (STEEP, USUAL))
    if not usual > 0:
        return None
    ratio = steep / usual
    others = [speed(squared, codes[group == 0]) for group in parts(len(codes)).T]
    left_out = [np.quantile(each, STEEP) / np.quantile(each, USUAL) for each in others]
    return Score(ratio, ratio * float(np.hypot(steep_error / steep, usual_error / usual)), jackknife(left_out))
