"""What a model and its images allow a view to hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

LAYERS = ("atlas", "density", "prior", "classes", "posteriors", "magnification")
FARTHEST_NOISE = 10.0  # standard deviations: no draw of a normal distribution lies beyond


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a checkpoint and its images allow.

    Arguments:
        model: The checkpoint's name.
        latent: Number of latent axes.
        beta: The least and the largest KL weight that can be set, or None.
        home: Centre and half width of the square that the map begins with, `(x, y, half)`.
        images: Number of images on the map.
        classes: Number of classes.
        layers: The layers that this model has.
        data: Tells the images from others under the same name; empty where there are none.
        part: Which images are on the map: the test part, or all.
        columns: Numbers of the images that can be colours.
    """

    model: str
    latent: int
    beta: tuple[float, float] | None
    home: tuple[float, float, float]
    images: int
    classes: int
    layers: tuple[str, ...] = LAYERS
    data: str = ""
    part: str = "test"
    columns: tuple[str, ...] = ()

    @property
    def plane(self) -> tuple[tuple[float, float], ...]:
        """The range of each axis that the map can be moved and zoomed to."""
        x, y, half = self.home
        centres = (x, y, *[0.0] * (self.latent - 2))
        return tuple((centre - 8 * half, centre + 8 * half) for centre in centres)


def is_index(value: object, count: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < count


def is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def on_plane(z: Sequence[object], limits: Limits) -> bool:
    """Says whether these coordinates are numbers that the plane has."""
    return all(is_number(value) and low <= value <= high for value, (low, high) in zip(z, limits.plane, strict=False))


def is_noise(values: object, limits: Limits) -> TypeGuard[Sequence[float]]:
    """Says whether these are numbers that a standard normal distribution may draw, one an axis."""
    return (
        isinstance(values, list | tuple)
        and len(values) == limits.latent
        and all(is_number(value) and abs(value) <= FARTHEST_NOISE for value in values)
    )


def is_place(values: object, limits: Limits) -> TypeGuard[Sequence[float]]:
    """Says whether these are coordinates of the plane, on the map's two axes or on all."""
    return isinstance(values, list | tuple) and len(values) in {2, limits.latent} and on_plane(values, limits)


def filled(place: Sequence[float], limits: Limits) -> tuple[float, ...]:
    """A place on the map as a latent point: axes that the map does not show are 0."""
    return (*map(float, place), *[0.0] * limits.latent)[: limits.latent]
