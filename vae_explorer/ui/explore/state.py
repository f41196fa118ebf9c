"""What the Explore page shows, and how what the map reports changes it. Nothing here knows Streamlit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

MARKS = ("shapes", "names")  # by which classes are told apart, beside colours
LAYERS = ("atlas", "density", "prior", "classes", "posteriors", "magnification")
TABS = ("curve", "posterior", "path", "compare", "draw")
PATHS = ("straight", "slerp")
DEFAULT_IMAGE = 0
MOST_PINS = 12
FARTHEST_NOISE = 10.0  # standard deviations: no draw of a normal distribution lies beyond

Pin = int | tuple[float, ...]  # an image, or a latent point


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


@dataclass(frozen=True, kw_only=True)
class View:
    """One view: the checkpoint, the KL weight, the point, and what of the map is seen.

    Arguments:
        model: The checkpoint's name.
        beta: The KL weight; None where it cannot be set.
        image: The image whose code is decoded, or None where `z` is.
        z: The latent point that is decoded; None where it is the code of `image`.
        part: Which images are on the map.
        column: The numbers that are its colours; None for the classes.
        hidden: Classes that are not drawn.
        marks: How classes are told apart beside their colours.
        layers: Layers that are drawn.
        window: Centre and half width of the visible part, `(x, y, half)`; None for all of it.
        noise: The draw of epsilon by which `image` is sampled, z = mean + std * epsilon; None for its mean.
        pins: The strip of pinned points, images or latent points.
        other: The pin that the point is compared with.
        path: How the path through the pins runs.
        tab: What stands below the image.
    """

    model: str
    beta: float | None = None
    image: int | None = DEFAULT_IMAGE
    z: tuple[float, ...] | None = None
    part: str = "test"
    column: str | None = None
    hidden: tuple[int, ...] = ()
    marks: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    window: tuple[float, float, float] | None = None
    noise: tuple[float, ...] | None = None
    pins: tuple[Pin, ...] = ()
    other: int | None = None
    path: str = PATHS[0]
    tab: str = TABS[0]


def default(limits: Limits) -> View:
    """Returns the view that a model opens with."""
    layers = ("prior",) if "prior" in limits.layers else ()
    beta = min(max(1.0, limits.beta[0]), limits.beta[1]) if limits.beta else None
    if not limits.images:  # nothing but the decoder: its plane's middle, and the atlas over it
        layers = (*(("atlas",) if "atlas" in limits.layers else ()), *layers)
        z = (*map(float, limits.home[:2]), *[0.0] * limits.latent)[: limits.latent]
        return View(model=limits.model, part=limits.part, beta=beta, image=None, z=z, layers=layers)
    return View(model=limits.model, part=limits.part, beta=beta, layers=layers)


def carried(last: View, had: Limits, limits: Limits, *, same: bool) -> View:
    """Returns the view that another model opens with: what the user had set, as far as it means the same there.

    Arguments:
        last: What was seen of the model before.
        had: What that model allowed.
        limits: What the new one allows.
        same: Whether both show the same images; else image, classes and pins are others.
    """
    begun = default(limits)
    new = (name for name in begun.layers if name not in had.layers)  # nobody has chosen for or against them
    view = replace(begun, layers=tuple(sorted({*new, *last.layers} & {*limits.layers})), tab=last.tab, path=last.path)
    if limits.beta and last.beta is not None:
        view = replace(view, beta=min(max(last.beta, limits.beta[0]), limits.beta[1]))
    if not same:
        return view
    pins = tuple(pin for pin in last.pins if is_index(pin, limits.images))
    other = None if last.other is None else last.pins[last.other]
    return replace(
        view,
        image=last.image if is_index(last.image, limits.images) else view.image,
        hidden=tuple(k for k in last.hidden if k < limits.classes),
        pins=pins,
        other=pins.index(other) if other in pins else None,
    )


def fitting(view: View, limits: Limits) -> View:
    """Returns a view as far as a model still allows it: its images may have gone, or be fewer, since it was one."""
    numbers = [number for number in (view.image, *view.pins) if isinstance(number, int)]
    if view.model == limits.model and all(number < limits.images for number in numbers):
        return replace(view, layers=tuple(name for name in view.layers if name in limits.layers))
    return default(limits)


def shifted(last: View, by: int, limits: Limits) -> View:
    """Returns the same view among more images, or fewer; those that are no longer there leave it.

    Arguments:
        last: What was seen.
        by: What is added to an image's number.
        limits: What there is now.
    """
    places = [pin if isinstance(pin, tuple) else pin + by for pin in last.pins]
    kept = [k for k, pin in enumerate(places) if isinstance(pin, tuple) or is_index(pin, limits.images)]
    image = None if last.image is None else last.image + by
    there = image is None or is_index(image, limits.images)
    return replace(
        last,
        part=limits.part,
        image=image if there else DEFAULT_IMAGE,
        noise=last.noise if there else None,
        pins=tuple(places[k] for k in kept),
        other=kept.index(last.other) if last.other in kept else None,
    )


def updated(view: View, reported: Mapping[str, object], limits: Limits) -> View:
    """Returns the view after what the map reported. What does not fit was not sent by our map: ignored."""
    match reported.get("click"):
        case {"index": image, **rest} if is_index(image, limits.images):
            noise = rest.get("noise")
            view = replace(view, image=image, z=None, noise=tuple(noise) if is_noise(noise, limits) else None)
        case {"index": None, "x": int() | float() as x, "y": int() | float() as y} if on_plane((x, y), limits):
            view = replace(view, image=None, z=filled((x, y), limits), noise=None)
    match reported.get("beta"):
        case int() | float() as beta if limits.beta and limits.beta[0] <= beta <= limits.beta[1]:
            view = replace(view, beta=float(beta))
    match reported.get("hidden"):
        case list(hidden) if all(is_index(k, limits.classes) for k in hidden):
            view = replace(view, hidden=tuple(hidden))
    match reported.get("marks"):
        case list(marks) if all(name in MARKS for name in marks):
            view = replace(view, marks=tuple(marks))
    match reported.get("column"):
        case str() | None as column if "column" in reported and (column is None or column in limits.columns):
            view = replace(view, column=column)
    match reported.get("layers"):
        case list(layers) if all(name in limits.layers for name in layers):
            view = replace(view, layers=tuple(layers))
    match reported.get("view"):
        case [int() | float() as x, int() | float() as y, int() | float() as half] if (
            on_plane((x, y), limits) and 0 < half < math.inf
        ):
            view = replace(view, window=(float(x), float(y), float(half)))
    match reported.get("strip"):
        case {"pins": list(pins), "other": other, "path": path, "tab": tab} if (
            len(pins) <= MOST_PINS
            and all(is_index(pin, limits.images) or _is_point(pin, limits) for pin in pins)
            and (other is None or is_index(other, len(pins)))
            and path in PATHS
            and tab in TABS
        ):
            places = tuple(pin if isinstance(pin, int) else filled(pin, limits) for pin in pins)
            view = replace(view, pins=places, other=other, path=path, tab=tab)
    return view


def is_index(value: object, count: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < count


def on_plane(z: Sequence[object], limits: Limits) -> bool:
    """Says whether these coordinates are numbers that the plane has."""
    return all(
        isinstance(value, int | float) and low <= value <= high
        for value, (low, high) in zip(z, limits.plane, strict=False)
    )


def is_noise(values: object, limits: Limits) -> TypeGuard[Sequence[float]]:
    """Says whether these are numbers that a standard normal distribution may draw, one an axis."""
    return (
        isinstance(values, Sequence)
        and len(values) == limits.latent
        and all(isinstance(value, int | float) and abs(value) <= FARTHEST_NOISE for value in values)
    )


def _is_point(values: object, limits: Limits) -> bool:
    return isinstance(values, list) and len(values) in {2, limits.latent} and on_plane(values, limits)


def filled(place: Sequence[float], limits: Limits) -> tuple[float, ...]:
    """A place on the map as a latent point: axes that the map does not show are 0."""
    return (*map(float, place), *[0.0] * limits.latent)[: limits.latent]
