"""The nearest real image of many decoded ones: exact, though few are compared pixel by pixel."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_explorer.data import evenly
from vae_explorer.latent.model import Floats

COMPONENTS = 64
LOOKED_AT = 512  # images that the components are found by
BLOCK = 128  # decoded images whose bounds are held at once: they fit the cache
ROOM = 1e-5  # of the squared norms, for rounding: who is that much too far by the bound may be the nearest


class Nearest:
    r"""Real images, and who of them is near.

    With orthonormal components V, and what they leave, :math:`r = x - V V^T x`,

    .. math:: |x - y|^2 \ge |V^T x - V^T y|^2 + (|r_x| - |r_y|)^2

    so that only images whose bound is below the distance of the one with the least bound can be nearer: some five of
    MNIST's 10,000. Any components will do; the principal ones of some of the images leave little.
    """

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        """`pixels` are the real images, `(N, H, W[, 3])`."""
        self._real = torch.from_numpy(pixels).flatten(1).float().div_(255)
        some = torch.from_numpy(evenly(pixels, LOOKED_AT)).flatten(1).float().div_(255)
        self._mean = some.mean(0)
        self._components = _components(some - self._mean)
        self._places = self._project(self._real)
        self._halves = 0.5 * self._places.square().sum(1)
        self._room = ROOM * (self._real - self._mean).square().sum(1).amax()

    def distances(self, images: Floats) -> Floats:
        """Returns the root mean square difference, over the pixels, of images `(M, H, W)` to the nearest, `(M,)`."""
        decoded = torch.from_numpy(np.ascontiguousarray(images)).flatten(1)
        squares = torch.cat([self._squares(part) for part in decoded.split(BLOCK)])
        rms: Floats = (squares / decoded.shape[1]).sqrt_().numpy()
        return rms

    def _squares(self, decoded: Tensor) -> Tensor:
        places = self._project(decoded)
        bounds = torch.addmm(self._halves, places, self._places.T, alpha=-1)  # half, and short of the image's own norm
        own = places.square().sum(1)
        best = (decoded - self._real[bounds.argmin(1)]).square_().sum(1)
        most = 0.5 * (best * (1 + ROOM) + self._room - own * (1 - ROOM))
        which, near = (bounds <= most[:, None]).nonzero(as_tuple=True)
        for rows, images in zip(which.split(10 * BLOCK), near.split(10 * BLOCK), strict=True):
            squares = (decoded[rows] - self._real[images]).square_().sum(1)
            best.scatter_reduce_(0, rows, squares, "amin")
        return best

    def _project(self, images: Tensor) -> Tensor:
        """Returns components, and the length of what they leave, `(M, K + 1)`."""
        centred = images - self._mean
        places = centred @ self._components
        rest = torch.addmm(centred, places, self._components.T, alpha=-1)
        return torch.cat([places, torch.linalg.vector_norm(rest, dim=1, keepdim=True)], 1)


def _components(centred: Tensor) -> Tensor:
    """Returns the leading principal components `(P, K)` of images `(N, P)`."""
    _, vectors = torch.linalg.eigh(centred @ centred.T)
    components: Tensor = torch.linalg.qr(centred.T @ vectors[:, -COMPONENTS:].flip(1)).Q
    return components
