"""A point of the latent space, as link, report and answer name it: an image's code or a draw of it, or a place."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from vae_explorer.ui.state.limits import Limits, filled, is_index, is_noise, is_place
from vae_explorer.ui.state.words import Refused


@dataclass(frozen=True)
class AtImage:
    """The code of an image, or, with a draw of epsilon, z = mean + std * epsilon."""

    image: int
    noise: tuple[float, ...] | None = None


@dataclass(frozen=True)
class AtPlace:
    """A latent point of any number of axes."""

    z: tuple[float, ...]


Point = AtImage | AtPlace


def to_json(point: Point) -> dict[str, object]:
    """Returns `{"image": ..., "noise": ...}` or `{"z": [...]}`."""
    return asdict(point)


def taken(reported: object, limits: Limits) -> Point:
    """Returns the point that the browser reports, in the form of `to_json`.

    Raises:
        Refused: If it is none.
    """
    match reported:
        case {"image": image, **rest} if is_index(image, limits.images):
            noise = rest.get("noise")
            return AtImage(image, tuple(map(float, noise)) if is_noise(noise, limits) else None)
        case {"z": z} if is_place(z, limits):
            return AtPlace(filled(z, limits))
    raise Refused("That is no point.")


def image_of(point: Point) -> int | None:
    """Returns the image whose code or draw a point is, or None."""
    return point.image if isinstance(point, AtImage) else None
