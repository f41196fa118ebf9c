"""What the Explore page shows, and its form as a link. Nothing here knows Streamlit."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

LAYERS = ("atlas", "prior")
DEFAULT_IMAGE = 0


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
    """

    model: str
    latent: int
    beta: tuple[float, float] | None
    home: tuple[float, float, float]
    images: int
    classes: int
    layers: tuple[str, ...] = LAYERS

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
        hidden: Classes that are not drawn.
        layers: Layers that are drawn.
        window: Centre and half width of the visible part, `(x, y, half)`; None for all of it.
    """

    model: str
    beta: float | None = None
    image: int | None = DEFAULT_IMAGE
    z: tuple[float, ...] | None = None
    hidden: tuple[int, ...] = ()
    layers: tuple[str, ...] = ()
    window: tuple[float, float, float] | None = None


class Refused(ValueError):
    """A part of a link that cannot be shown; the message says what is wrong with it."""


def default(limits: Limits) -> View:
    """Returns the view that a model opens with."""
    layers = ("prior",) if "prior" in limits.layers else ()
    beta = min(max(1.0, limits.beta[0]), limits.beta[1]) if limits.beta else None
    return View(model=limits.model, beta=beta, layers=layers)


def choose(query: Mapping[str, str], names: Sequence[str]) -> tuple[str, list[str]]:
    """Returns the model that a link names, or else the first, with what had to be changed."""
    wanted = query.get("model", names[0])
    if wanted in names:
        return wanted, []
    return names[0], [f"There is no model “{_quoted(wanted)}” here. Shown instead: {names[0]}."]


def parse(query: Mapping[str, str], limits: Limits) -> tuple[View, list[str]]:
    """Returns the view that a link names; what cannot be shown keeps its default and gives a message."""
    view, messages = default(limits), []
    for name, read in READERS.items():
        if name not in query:
            continue
        try:
            view = replace(view, **read(query[name], limits))
        except Refused as refused:
            messages.append(f"{refused} Shown instead: {_instead(name, view)}.")
    return view, messages


def to_query(view: View) -> dict[str, str]:
    """Returns the view as a link's query: `parse` gives the same view back."""
    query = {"model": view.model}
    if view.beta is not None:
        query["beta"] = f"{view.beta:g}"
    if view.z is not None:
        query["z"] = _joined(view.z)
    else:
        query["image"] = str(view.image)
    if view.hidden:
        query["hide"] = _joined(view.hidden)
    query["layers"] = ",".join(view.layers) or "none"
    if view.window is not None:
        query["zoom"] = _joined(view.window)
    return query


def updated(view: View, reported: Mapping[str, object], limits: Limits) -> View:
    """Returns the view after what the map reported. What does not fit was not sent by our map: ignored."""
    match reported.get("click"):
        case {"index": image} if _is_index(image, limits.images):
            view = replace(view, image=image, z=None)
        case {"index": None, "x": int() | float() as x, "y": int() | float() as y} if _on_plane((x, y), limits):
            z = (float(x), float(y), *[0.0] * limits.latent)[: limits.latent]
            view = replace(view, image=None, z=z)
    match reported.get("beta"):
        case int() | float() as beta if limits.beta and limits.beta[0] <= beta <= limits.beta[1]:
            view = replace(view, beta=float(beta))
    match reported.get("hidden"):
        case list(hidden) if all(_is_index(k, limits.classes) for k in hidden):
            view = replace(view, hidden=tuple(hidden))
    match reported.get("layers"):
        case list(layers) if all(name in limits.layers for name in layers):
            view = replace(view, layers=tuple(layers))
    match reported.get("view"):
        case [int() | float() as x, int() | float() as y, int() | float() as half] if (
            _on_plane((x, y), limits) and 0 < half < math.inf
        ):
            view = replace(view, window=(float(x), float(y), float(half)))
    return view


def _is_index(value: object, count: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < count


def _on_plane(z: Sequence[object], limits: Limits) -> bool:
    """Says whether these coordinates are numbers that the plane has."""
    return all(
        isinstance(value, int | float) and low <= value <= high
        for value, (low, high) in zip(z, limits.plane, strict=False)
    )


def _read_beta(text: str, limits: Limits) -> dict[str, Any]:
    if limits.beta is None:
        raise Refused(f"{limits.model} has no KL weight to set, so beta = {_quoted(text)} means nothing.")
    low, high = limits.beta
    beta = _number(text)
    if not low <= beta <= high:
        raise Refused(f"beta = {_quoted(text)} is not a number from {low:g} to {high:g}.")
    return {"beta": beta}


def _read_image(text: str, limits: Limits) -> dict[str, Any]:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) < limits.images):
        raise Refused(f"image = {_quoted(text)} is not one of the images 0 to {limits.images - 1}.")
    return {"image": int(text), "z": None}


def _read_z(text: str, limits: Limits) -> dict[str, Any]:
    z = tuple(map(_number, text.split(",")))
    if not all(map(math.isfinite, z)):
        raise Refused(f"z = {_quoted(text)} is not a list of numbers.")
    if len(z) != limits.latent:
        raise Refused(f"z = {_quoted(text)} has {len(z)} axes where {limits.model} has {limits.latent}.")
    if not _on_plane(z, limits):
        (left, right), (bottom, top) = limits.plane[:2]
        plane = f"{left:.0f} to {right:.0f} by {bottom:.0f} to {top:.0f}"
        raise Refused(f"z = {_quoted(text)} lies outside the plane ({plane}).")
    return {"image": None, "z": z}


def _read_hidden(text: str, limits: Limits) -> dict[str, Any]:
    items = text.split(",")
    if not all(k.isascii() and k.isdigit() and len(k) < 4 and int(k) < limits.classes for k in items):
        raise Refused(f"hide = {_quoted(text)} is not a list of classes from 0 to {limits.classes - 1}.")
    return {"hidden": tuple(sorted(set(map(int, items))))}


def _read_layers(text: str, limits: Limits) -> dict[str, Any]:
    items = set() if text == "none" else set(text.split(","))
    if unknown := items - set(limits.layers):
        raise Refused(f"{limits.model} has no layer “{_quoted(min(unknown))}”.")
    return {"layers": tuple(sorted(items))}


def _read_zoom(text: str, limits: Limits) -> dict[str, Any]:
    window = tuple(map(_number, text.split(",")))
    half = limits.home[2]
    if not (len(window) == 3 and _on_plane(window[:2], limits) and half / 500 < window[2] < 5 * half):
        raise Refused(f"zoom = {_quoted(text)} is not a centre and a half width on the plane.")
    return {"window": window}


READERS: dict[str, Callable[[str, Limits], dict[str, Any]]] = {
    "beta": _read_beta,
    "image": _read_image,
    "z": _read_z,
    "hide": _read_hidden,
    "layers": _read_layers,
    "zoom": _read_zoom,
}


def _instead(name: str, view: View) -> str:
    point = f"image {view.image}" if view.z is None else f"z = ({_joined(view.z)})"
    return {
        "beta": "its only setting" if view.beta is None else f"beta = {view.beta:g}",
        "image": point,
        "z": point,
        "hide": "all classes",
        "layers": " and ".join(view.layers) or "no layer",
        "zoom": "the whole map",
    }[name]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _joined(values: Sequence[float]) -> str:
    return ",".join(f"{value:.6g}" for value in values)


def _quoted(text: str) -> str:
    """A stranger's text made fit for the screen: short, and without what Markdown would read."""
    plain = re.sub(r"[^\w .,+-]", "?", text)
    return plain if len(plain) <= 40 else plain[:40] + "…"
