"""The plane that is decoded once for all images, and posteriors of single ones: kept for screens that ask again."""

from __future__ import annotations

import numpy as np

from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.model import Doubles, Floats, Model
from vae_explorer.theory.bayes import Pattern, Visible, hidden, seen_on
from vae_explorer.theory.quadrature import Extent, Mass, Plane, coarse_plane, decoded_plane, mass
from vae_explorer.ui.shell import store
from vae_explorer.ui.shell.caches import once

Hiding = tuple[Pattern, float, int]  # pattern, share and seed
NOTHING: Hiding = ("half", 0.0, 0)
SHOWN = 144  # cells a side of a field that is drawn


def image_of(key: store.Key, image: int, hiding: Hiding = NOTHING) -> Floats:
    """Returns an image, 0 where it is hidden."""
    one: Floats = PICTURES.normalised(store.shown(key).images.pixels[image : image + 1])[0].copy()
    if hiding[1]:
        one[hidden(one.shape, *hiding)] = 0
    return one


def model_of(key: store.Key, hiding: Hiding = NOTHING) -> Model:
    """Returns a model, of all pixels or of those that are not hidden."""
    model: Model = store.checkpoint(key).arrays
    return Visible(model, ~hidden(model.shape, *hiding)) if hiding[1] else model


@once(2)
def plane_of(key: store.Key, beta: float) -> Plane:
    """Returns the decoded plane on which masses are looked for: 29 MB for MNIST."""
    return coarse_plane(store.checkpoint(key).arrays, beta)


@once(1)
def seen_plane(key: store.Key, beta: float, hiding: Hiding) -> Plane:
    """Returns the plane of the visible pixels, for images that are 0 in the others."""
    plane = plane_of(key, beta)
    return seen_on(model_of(key, hiding), plane, _normaliser(key, beta)) if hiding[1] else plane


@once(1)
def _normaliser(key: store.Key, beta: float) -> Floats:
    return store.checkpoint(key).arrays.log_normaliser(plane_of(key, beta).likelihood.weights)


@once(1)
def window(key: store.Key, beta: float, extent: Extent, side: int, hiding: Hiding) -> Plane:
    """Returns a part of the plane, evenly."""
    return decoded_plane(model_of(key, hiding), beta, extent, side)


@once(64)
def mass_of(key: store.Key, beta: float, image: int, hiding: Hiding = NOTHING) -> Mass:
    return mass(model_of(key, hiding), image_of(key, image, hiding), beta, seen_plane(key, beta, hiding))


def evened(plane: Plane, field: Doubles, extent: Extent, side: int = SHOWN) -> Doubles:
    """Returns a field over a plane's cells on even ones, `(side, side)`: straight lines between the cells' centres."""
    left, right, bottom, top = extent
    steps = (np.arange(side) + 0.5) / side
    columns = (plane.columns[1:] + plane.columns[:-1]) / 2
    rows = (plane.rows[1:] + plane.rows[:-1]) / 2
    across = _between(columns, left + steps * (right - left))
    down = _between(-rows, -(top - steps * (top - bottom)))
    even: Doubles = down @ field @ across.T
    return even


def _between(centres: Doubles, at: Doubles) -> Doubles:
    """Returns the matrix of straight lines between rising centres, read off at some places."""
    return np.stack([np.interp(at, centres, unit) for unit in np.eye(len(centres))], 1)
