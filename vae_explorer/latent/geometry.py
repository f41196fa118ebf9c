"""How much the decoded image changes per step in the latent space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vae_explorer.latent.encoding import plane
from vae_explorer.latent.model import Floats, Model

BATCH = 512  # points whose derivatives are held at once


def pullback_metric(model: Model, z: Floats, beta: float) -> Floats:
    r"""Returns the metric that the decoder induces on the latent space.

    .. math:: G(z) = J(z)^T J(z), \quad J = \partial f / \partial z

    A small step :math:`dz` changes the mean image by :math:`\sqrt{dz^T G dz}` in Euclidean distance.

    Arguments:
        model: Its decoder mean, an image in [0, 1], is :math:`f`.
        z: Latent points, `(N, D)`.
        beta: The KL weight.

    Returns:
        Symmetric positive semi-definite matrices, `(N, D, D)`, in squared intensity per squared
        latent unit.

    References:
        | Latent Space Oddity (Arvanitidis et al., 2018)
        | https://arxiv.org/abs/1710.11379
    """
    metric: Floats = _metric(model, z, beta, model.axes).astype(np.float32)
    return metric


def magnification(model: Model, beta: float, extent: tuple[float, float, float, float], side: int) -> Floats:
    r"""Returns how much the decoder enlarges a latent area, on a grid over the first two axes.

    .. math:: m(z) = \sqrt{\det G(z)}

    :math:`G` is the pull-back metric of the plane of the first two axes. A unit square of the
    plane becomes a patch of the image manifold with this area; a model of one axis has
    :math:`m = \sqrt G`, a length per latent unit.

    Arguments:
        model: The model; axes beyond the second are held at 0.
        beta: The KL weight.
        extent: Left, right, bottom and top of the grid, in latent units; values belong to the
            centres of its cells.
        side: Cells a side.

    Returns:
        `(side, side)`, the first row at the top, in squared intensity per squared latent unit;
        for a model of one axis in intensity per latent unit, all rows alike.

    References:
        | Magnification Factors for the GTM Algorithm (Bishop, Svensen & Williams, 1997)
        | International Conference on Artificial Neural Networks, pages 64-69
        | Latent Space Oddity (Arvanitidis et al., 2018)
        | https://arxiv.org/abs/1710.11379
    """
    axes = min(model.axes, 2)
    z = plane(model.axes, extent, side).reshape(side * side, -1)
    area = np.linalg.det(_metric(model, z, beta, axes)).clip(0)  # rounding can leave -1e-20 of a zero
    field: Floats = np.sqrt(area).reshape(side, side).astype(np.float32)
    return field


def _metric(model: Model, z: Floats, beta: float, axes: int) -> NDArray[np.float64]:
    """Returns the metric of the first axes, `(N, axes, axes)`.

    The products are summed in float64: where the columns of J are almost parallel, the
    determinant is a small difference of large numbers.
    """
    points = np.ascontiguousarray(z, dtype=np.float32)
    parts = []
    for start in range(0, len(points), BATCH):
        j = model.jacobian(points[start : start + BATCH], beta, axes).astype(np.float64)
        parts.append(j @ j.swapaxes(1, 2))
    metric: NDArray[np.float64] = np.concatenate(parts)
    return metric
