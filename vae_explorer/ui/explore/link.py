"""A view as a link, and back. Nothing here knows Streamlit."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from vae_explorer.ui.explore.state import MARKS, MOST_PINS, PATHS, TABS, Limits, Pin, View, default, is_noise, on_plane


class Refused(ValueError):
    """A part of a link that cannot be shown; the message says what is wrong with it."""


def choose(query: Mapping[str, str], names: Sequence[str]) -> tuple[str, list[str]]:
    """Returns the model that a link names, or else the first, with what had to be changed."""
    wanted = query.get("model", names[0])
    if wanted in names:
        return wanted, []
    return names[0], [f"There is no model “{quoted(wanted)}” here. Shown instead: {names[0]}."]


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
    if other_images(query, limits) and (view.image is not None or any(isinstance(pin, int) for pin in view.pins)):
        messages.append("The link was made with other images than those that are here: its image numbers mean others.")
    if view.image is None:
        view = replace(view, noise=None)
    if view.other is not None and view.other >= len(view.pins):
        view = replace(view, other=None)
    return view, messages


def other_images(query: Mapping[str, str], limits: Limits) -> bool:
    """Says whether a link tells that its images are not those that are here; an older link tells nothing."""
    return "data" in query and limits.data != "" and query["data"] != limits.data


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
    if view.part != "test":
        query["part"] = view.part
    if view.column is not None:
        query["colour"] = view.column
    if view.marks:
        query["marks"] = ",".join(view.marks)
    query["layers"] = ",".join(view.layers) or "none"
    if view.window is not None:
        query["zoom"] = _joined(view.window)
    if view.noise is not None:
        query["noise"] = _joined(view.noise)
    if view.pins:
        query["pins"] = ";".join(str(pin) if isinstance(pin, int) else _joined_point(pin) for pin in view.pins)
    if view.other is not None:
        query["other"] = str(view.other)
    if view.path != PATHS[0]:
        query["path"] = view.path
    if view.tab != TABS[0]:
        query["tab"] = view.tab
    return query


def link(query: Mapping[str, str]) -> str:
    """Returns a query as the address bar shows it."""
    return urlencode(query, safe=",")


def read_beta(text: str, limits: Limits) -> dict[str, Any]:
    if limits.beta is None:
        raise Refused(f"{limits.model} has no KL weight to set, so beta = {quoted(text)} means nothing.")
    low, high = limits.beta
    beta = _number(text)
    if not low <= beta <= high:
        raise Refused(f"beta = {quoted(text)} is not a number from {low:g} to {high:g}.")
    return {"beta": beta}


def read_image(text: str, limits: Limits) -> dict[str, Any]:
    if not limits.images:
        raise Refused(f"image = {quoted(text)} cannot be shown: the images of {limits.model} are not here.")
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) < limits.images):
        raise Refused(f"image = {quoted(text)} is not one of the images 0 to {limits.images - 1}.")
    return {"image": int(text), "z": None}


def read_z(text: str, limits: Limits) -> dict[str, Any]:
    z = tuple(map(_number, text.split(",")))
    if not all(map(math.isfinite, z)):
        raise Refused(f"z = {quoted(text)} is not a list of numbers.")
    if len(z) != limits.latent:
        raise Refused(f"z = {quoted(text)} has {len(z)} axes where {limits.model} has {limits.latent}.")
    if not on_plane(z, limits):
        (left, right), (bottom, top) = limits.plane[:2]
        plane = f"{left:.0f} to {right:.0f} by {bottom:.0f} to {top:.0f}"
        raise Refused(f"z = {quoted(text)} lies outside the plane ({plane}).")
    return {"image": None, "z": z}


def _read_hidden(text: str, limits: Limits) -> dict[str, Any]:
    items = text.split(",")
    if not all(k.isascii() and k.isdigit() and len(k) < 4 and int(k) < limits.classes for k in items):
        raise Refused(f"hide = {quoted(text)} is not a list of classes from 0 to {limits.classes - 1}.")
    return {"hidden": tuple(sorted(set(map(int, items))))}


def _read_layers(text: str, limits: Limits) -> dict[str, Any]:
    items = set() if text == "none" else set(text.split(","))
    if unknown := items - set(limits.layers):
        raise Refused(f"{limits.model} has no layer “{quoted(min(unknown))}”.")
    return {"layers": tuple(sorted(items))}


def _read_column(text: str, limits: Limits) -> dict[str, Any]:
    if text not in limits.columns:
        raise Refused(f"The images have no numbers named “{quoted(text)}”.")
    return {"column": text}


def _read_marks(text: str, _: Limits) -> dict[str, Any]:
    if unknown := set(text.split(",")) - set(MARKS):
        raise Refused(f"Classes have no marks “{quoted(min(unknown))}”.")
    return {"marks": tuple(sorted(set(text.split(","))))}


def _read_zoom(text: str, limits: Limits) -> dict[str, Any]:
    window = tuple(map(_number, text.split(",")))
    half = limits.home[2]
    if not (len(window) == 3 and on_plane(window[:2], limits) and half / 500 < window[2] < 5 * half):
        raise Refused(f"zoom = {quoted(text)} is not a centre and a half width on the plane.")
    return {"window": window}


def _read_noise(text: str, limits: Limits) -> dict[str, Any]:
    noise = tuple(map(_number, text.split(",")))
    if not is_noise(noise, limits):
        raise Refused(f"noise = {quoted(text)} is not one draw of a normal distribution for each axis.")
    return {"noise": noise}


def _read_pins(text: str, limits: Limits) -> dict[str, Any]:
    parts = text.split(";")
    if len(parts) > MOST_PINS:
        raise Refused(f"pins names {len(parts)} points, and the strip holds {MOST_PINS}.")
    try:
        return {"pins": tuple(_read_pin(part, limits) for part in parts)}
    except Refused as refused:
        raise Refused(f"pins = {quoted(text)} cannot be shown: {refused}") from refused


def _read_pin(text: str, limits: Limits) -> Pin:
    pin: Pin = read_z(text, limits)["z"] if "," in text or "." in text else read_image(text, limits)["image"]
    return pin


def _one_of(name: str, choices: Sequence[str]) -> Callable[[str, Limits], dict[str, Any]]:
    def read(text: str, _: Limits) -> dict[str, Any]:
        if text not in choices:
            raise Refused(f"{name} = {quoted(text)} is none of {', '.join(choices)}.")
        return {name: text}

    return read


def _read_other(text: str, _: Limits) -> dict[str, Any]:
    if not (text.isascii() and text.isdigit() and len(text) < 3):
        raise Refused(f"other = {quoted(text)} is not the number of a pin.")
    return {"other": int(text)}


READERS: dict[str, Callable[[str, Limits], dict[str, Any]]] = {
    "beta": read_beta,
    "image": read_image,
    "z": read_z,
    "hide": _read_hidden,
    "colour": _read_column,
    "marks": _read_marks,
    "layers": _read_layers,
    "zoom": _read_zoom,
    "noise": _read_noise,
    "pins": _read_pins,
    "other": _read_other,
    "path": _one_of("path", PATHS),
    "tab": _one_of("tab", TABS),
}


def _instead(name: str, view: View) -> str:
    point = f"image {view.image}" if view.z is None else f"z = ({_joined(view.z)})"
    return {
        "beta": "its only setting" if view.beta is None else f"beta = {view.beta:g}",
        "image": point,
        "z": point,
        "hide": "all classes",
        "colour": "colours of the classes",
        "marks": "colours alone",
        "layers": " and ".join(view.layers) or "no layer",
        "zoom": "the whole map",
        "noise": "the mean",
        "pins": "no pins",
        "other": "no comparison",
        "path": view.path,
        "tab": view.tab,
    }[name]


def _number(text: str) -> float:
    """Returns a number as links write it, else nan; Python would read `1_0` and the digits of all scripts too."""
    try:
        return float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return math.nan


def _joined(values: Sequence[float]) -> str:
    return ",".join(f"{value:.6g}" for value in values)


def _joined_point(point: Sequence[float]) -> str:
    """A point of one axis keeps its decimal point, which tells it from an image's number."""
    return _joined(point) if len(point) > 1 else f"{point[0]:.6f}"


def quoted(text: str) -> str:
    """A stranger's text made fit for the screen: short, and without what Markdown would read."""
    plain = re.sub(r"[^\w .,+-]", "?", text)
    return plain if len(plain) <= 40 else plain[:40] + "…"
