"""The kinds of values that several pages hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from vae_explorer.ui.state.limits import Limits, is_index, is_noise, is_number, on_plane
from vae_explorer.ui.state.points import AtImage, AtPlace, Point, taken
from vae_explorer.ui.state.table import Codec
from vae_explorer.ui.state.words import Refused, joined, number, quoted, whole

L = TypeVar("L")
Seen = tuple[float, float, float]  # of a plane: centre and half of its shorter side, latent units
MARKS = ("shapes", "names")  # by which classes are told apart, beside colours


class HasWeight(Protocol):
    """All that a KL weight is limited by."""

    @property
    def beta(self) -> tuple[float, float] | None: ...


class Fixed(Codec[L]):
    """A value that the page gives, and a link only names."""

    def keys(self, name: str) -> tuple[str, ...]:
        return ()


class OneOf(Codec[L]):
    """One word of some."""

    def __init__(self, choices: Sequence[str] | Callable[[L], Sequence[str]], *, usual: str | None = None) -> None:
        self.choices, self.usual = choices, usual

    def of(self, limits: L) -> Sequence[str]:
        return self.choices(limits) if callable(self.choices) else self.choices

    def from_link(self, name: str, text: str, limits: L, view: Any) -> str:
        choices = self.of(limits)
        if text not in choices:
            raise Refused(f"{name} = {quoted(text)} is none of {', '.join(choices)}.")
        return text

    def to_link(self, name: str, value: str | None) -> dict[str, str]:
        return {} if value is None or value == self.usual else {name: value}

    def from_report(self, value: Any, limits: L, view: Any) -> str:
        if isinstance(value, str) and value in self.of(limits):
            return value
        raise Refused("That is none of the choices.")


class Weight(Codec[Any]):
    """A KL weight within the range that can be set; `who` says of whose in words."""

    def __init__(self, who: Callable[[Any], str]) -> None:
        self.who = who

    def from_link(self, name: str, text: str, limits: HasWeight, view: Any) -> float:
        if limits.beta is None:
            raise Refused(f"{self.who(limits)} no KL weight to set, so beta = {quoted(text)} means nothing.")
        low, high = limits.beta
        beta = number(text)
        if not low <= beta <= high:
            raise Refused(f"beta = {quoted(text)} is not a number from {low:g} to {high:g}.")
        return beta

    def to_link(self, name: str, value: float | None) -> dict[str, str]:
        return {} if value is None else {name: f"{value:g}"}

    def from_report(self, value: Any, limits: HasWeight, view: Any) -> float:
        if limits.beta and is_number(value) and limits.beta[0] <= value <= limits.beta[1]:
            return float(value)
        raise Refused("That is no KL weight that can be set.")

    def words(self, key: str, value: float | None) -> str:
        return "" if value is None else f"beta = {value:g}"


def first_weight(limits: HasWeight) -> float | None:
    """Returns 1, or what is nearest to it of the weights that can be set."""
    return nearest_weight(1.0, limits.beta) if limits.beta else None


def nearest_weight(beta: float, known: tuple[float, float]) -> float:
    """Returns a KL weight, or what is nearest to it of those that can be set."""
    return min(max(beta, known[0]), known[1])


class Seed(Codec[Any]):
    """A whole number of six digits at most."""

    def from_link(self, name: str, text: str, limits: Any, view: Any) -> int:
        seed = whole(text, 6)
        if seed is None:
            raise Refused(f"{name} = {quoted(text)} is not a number from 0 to 999999.")
        return seed

    def from_report(self, value: Any, limits: Any, view: Any) -> int:
        if is_index(value, 1_000_000):
            return value
        raise Refused("That is no seed.")


def read_image(name: str, text: str, limits: Limits) -> int:
    """Returns the number of an image that a link names, or raises `Refused`."""
    if not limits.images:
        raise Refused(f"{name} = {quoted(text)} cannot be shown: the images of {limits.model} are not here.")
    image = whole(text, 9)
    if not is_index(image, limits.images):
        raise Refused(f"{name} = {quoted(text)} is not one of the images 0 to {limits.images - 1}.")
    return image


def read_z(name: str, text: str, limits: Limits) -> tuple[float, ...]:
    """Returns the latent point that a link names, or raises `Refused`."""
    z = tuple(map(number, text.split(",")))
    if not all(map(math.isfinite, z)):
        raise Refused(f"{name} = {quoted(text)} is not a list of numbers.")
    if len(z) != limits.latent:
        raise Refused(f"{name} = {quoted(text)} has {len(z)} axes where {limits.model} has {limits.latent}.")
    if not on_plane(z, limits):
        (left, right), (bottom, top) = limits.plane[:2]
        plane = f"{left:.0f} to {right:.0f} by {bottom:.0f} to {top:.0f}"
        raise Refused(f"{name} = {quoted(text)} lies outside the plane ({plane}).")
    return z


class Classes(Codec[Limits]):
    """Classes by their numbers."""

    def from_link(self, name: str, text: str, limits: Limits, view: Any) -> tuple[int, ...]:
        classes = [whole(item, 3) for item in text.split(",")]
        if not all(is_index(k, limits.classes) for k in classes):
            raise Refused(f"{name} = {quoted(text)} is not a list of classes from 0 to {limits.classes - 1}.")
        return tuple(sorted({k for k in classes if k is not None}))

    def to_link(self, name: str, value: tuple[int, ...]) -> dict[str, str]:
        return {name: joined(value)} if value else {}

    def from_report(self, value: Any, limits: Limits, view: Any) -> tuple[int, ...]:
        if isinstance(value, list) and all(is_index(k, limits.classes) for k in value):
            return tuple(sorted(set(value)))
        raise Refused("These are no classes.")

    def words(self, key: str, value: tuple[int, ...]) -> str:
        return joined(value)


class Marks(Codec[Limits]):
    """How classes are told apart, beside their colours."""

    def from_link(self, name: str, text: str, limits: Limits, view: Any) -> tuple[str, ...]:
        if unknown := set(text.split(",")) - set(MARKS):
            raise Refused(f"Classes have no marks “{quoted(min(unknown))}”.")
        return tuple(sorted(set(text.split(","))))

    def to_link(self, name: str, value: tuple[str, ...]) -> dict[str, str]:
        return {name: ",".join(value)} if value else {}

    def from_report(self, value: Any, limits: Limits, view: Any) -> tuple[str, ...]:
        if isinstance(value, list) and all(name in MARKS for name in value):
            return tuple(sorted(set(value)))
        raise Refused("These are no marks.")

    def words(self, key: str, value: tuple[str, ...]) -> str:
        return " and ".join(value)


class ThePoint(Codec[Limits]):
    """The point that is decoded: `image`, with `noise` or without, or `z`."""

    def keys(self, name: str) -> tuple[str, ...]:
        return ("image", "z", "noise")

    def from_link(self, name: str, text: str, limits: Limits, view: Any) -> Point:
        now: Point = view.point
        match name:
            case "image":
                return AtImage(read_image(name, text, limits))
            case "z":
                return AtPlace(read_z(name, text, limits))
        noise = tuple(map(number, text.split(",")))
        if not is_noise(noise, limits):
            raise Refused(f"noise = {quoted(text)} is not one draw of a normal distribution for each axis.")
        return AtImage(now.image, noise) if isinstance(now, AtImage) else now

    def to_link(self, name: str, value: Point) -> dict[str, str]:
        if isinstance(value, AtPlace):
            return {"z": joined(value.z)}
        return {"image": str(value.image)} | ({} if value.noise is None else {"noise": joined(value.noise)})

    def from_report(self, value: Any, limits: Limits, view: Any) -> Point:
        return taken(value, limits)

    def words(self, key: str, value: Point) -> str:
        if key == "noise":
            return "the mean"
        return f"z = ({joined(value.z)})" if isinstance(value, AtPlace) else f"image {value.image}"


class Points(Codec[Limits]):
    """Some points: images by their numbers, places by their coordinates."""

    def __init__(self, most: int) -> None:
        self.most = most

    def from_link(self, name: str, text: str, limits: Limits, view: Any) -> tuple[Point, ...]:
        parts = text.split(";")
        if len(parts) > self.most:
            raise Refused(f"{name} names {len(parts)} points, and the strip holds {self.most}.")
        try:
            return tuple(_read_point(part, limits) for part in parts)
        except Refused as refused:
            raise Refused(f"{name} = {quoted(text)} cannot be shown: {refused}") from refused

    def to_link(self, name: str, value: tuple[Point, ...]) -> dict[str, str]:
        return {name: ";".join(map(_point_text, value))} if value else {}

    def from_report(self, value: Any, limits: Limits, view: Any) -> tuple[Point, ...]:
        if not isinstance(value, list) or len(value) > self.most:
            raise Refused("These are no points.")
        return tuple(taken(each, limits) for each in value)

    def words(self, key: str, value: tuple[Point, ...]) -> str:
        return ""


def _read_point(text: str, limits: Limits) -> Point:
    if "," in text or "." in text:
        return AtPlace(read_z("z", text, limits))
    return AtImage(read_image("image", text, limits))


def _point_text(point: Point) -> str:
    """A point of one axis keeps its decimal point, which tells it from an image's number."""
    if isinstance(point, AtImage):
        return str(point.image)
    return joined(point.z) if len(point.z) > 1 else f"{point.z[0]:.6f}"


class Window(Codec[Limits]):
    """Centre and half width of what is seen of the plane."""

    def from_link(self, name: str, text: str, limits: Limits, view: Any) -> Seen:
        window = tuple(map(number, text.split(",")))
        if not self.fits(window, limits):
            raise Refused(f"{name} = {quoted(text)} is not a centre and a half width on the plane.")
        x, y, half = window
        return x, y, half

    def fits(self, window: Sequence[Any], limits: Limits) -> bool:
        """Says whether a map can be zoomed so far, there."""
        half = limits.home[2]
        return len(window) == 3 and on_plane(window[:2], limits) and half / 500 < window[2] < 5 * half

    def to_link(self, name: str, value: Seen | None) -> dict[str, str]:
        return {} if value is None else {name: joined(value)}

    def from_report(self, value: Any, limits: Limits, view: Any) -> Seen | None:
        if value is None:
            return None
        if isinstance(value, list) and all(map(is_number, value)) and self.fits(value, limits):
            x, y, half = map(float, value)
            return x, y, half
        raise Refused("That is no part of the plane.")

    def words(self, key: str, value: Seen | None) -> str:
        return joined(value or ())
