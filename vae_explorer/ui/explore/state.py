"""What the Explore page shows: its table of state. Nothing here knows Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from vae_explorer.ui.state.codecs import Classes, Fixed, Marks, OneOf, Points, ThePoint, Weight, Window, first_weight
from vae_explorer.ui.state.limits import Limits, filled, is_index
from vae_explorer.ui.state.points import AtImage, AtPlace, Point, image_of
from vae_explorer.ui.state.table import Codec, Row, Table
from vae_explorer.ui.state.words import Refused, quoted, whole

TABS = ("curve", "posterior", "path", "compare", "draw")
PATHS = ("straight", "slerp")
MOST_PINS = 12
FIRST_IMAGE = AtImage(0)


@dataclass(frozen=True, kw_only=True)
class View:
    """One view: the checkpoint, the KL weight, the point, and what of the map is seen.

    Arguments:
        model: The checkpoint's name.
        beta: The KL weight; None where it cannot be set.
        point: The point that is decoded.
        part: Which images are on the map.
        column: The numbers that are its colours; None for the classes.
        hidden: Classes that are not drawn.
        marks: How classes are told apart beside their colours.
        layers: Layers that are drawn.
        window: Centre and half width of the visible part, `(x, y, half)`; None for all of it.
        pins: The strip of pinned points.
        other: The pin that the point is compared with.
        path: How the path through the pins runs.
        tab: What stands below the image.
    """

    model: str
    beta: float | None = None
    point: Point = FIRST_IMAGE
    part: str = "test"
    column: str | None = None
    hidden: tuple[int, ...] = ()
    marks: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    window: tuple[float, float, float] | None = None
    pins: tuple[Point, ...] = ()
    other: int | None = None
    path: str = PATHS[0]
    tab: str = TABS[0]

    @property
    def image(self) -> int | None:
        """The image whose code, or draw, is decoded; None where a place is."""
        return image_of(self.point)

    @property
    def names_images(self) -> bool:
        """Whether it names any image by its number."""
        return any(isinstance(point, AtImage) for point in (self.point, *self.pins))


class _Layers(Codec[Limits]):
    """Layers of the map; a link that wants none says so, since there are some by default."""

    def from_link(self, name: str, text: str, limits: Limits, view: Any) -> tuple[str, ...]:
        items = set() if text == "none" else set(text.split(","))
        if unknown := items - set(limits.layers):
            raise Refused(f"{limits.model} has no layer “{quoted(min(unknown))}”.")
        return tuple(sorted(items))

    def to_link(self, name: str, value: tuple[str, ...]) -> dict[str, str]:
        return {name: ",".join(value) or "none"}

    def from_report(self, value: Any, limits: Limits, view: Any) -> tuple[str, ...]:
        if isinstance(value, list) and all(name in limits.layers for name in value):
            return tuple(sorted(set(value)))
        raise Refused("These are no layers.")

    def words(self, key: str, value: tuple[str, ...]) -> str:
        return " and ".join(value)


class _Column(Codec[Limits]):
    def from_link(self, name: str, text: str, limits: Limits, view: Any) -> str:
        if text not in limits.columns:
            raise Refused(f"The images have no numbers named “{quoted(text)}”.")
        return text

    def from_report(self, value: Any, limits: Limits, view: Any) -> str | None:
        if value is None or value in limits.columns:
            return value if isinstance(value, str) else None
        raise Refused("The images have no such numbers.")


class _Other(Codec[Limits]):
    """The number of a pin; whether there are so many is settled once all are read."""

    def from_link(self, name: str, text: str, limits: Limits, view: Any) -> int:
        other = whole(text, 2)
        if other is None:
            raise Refused(f"{name} = {quoted(text)} is not the number of a pin.")
        return other

    def from_report(self, value: Any, limits: Limits, view: Any) -> int | None:
        if value is None or is_index(value, len(view.pins)):
            return value
        raise Refused("That is no pin.")


class _Part(Fixed[Limits]):
    """Which images are on the map: a switch of the page's own."""

    def to_link(self, name: str, value: str) -> dict[str, str]:
        return {} if value == "test" else {name: value}


def _first_point(limits: Limits) -> Point:
    """The first image, or, where there are none, the plane's middle."""
    return FIRST_IMAGE if limits.images else AtPlace(filled(limits.home[:2], limits))


def _first_layers(limits: Limits) -> tuple[str, ...]:
    """The prior's circles; and without codes the atlas over the plane."""
    wanted = ("prior",) if limits.images else ("atlas", "prior")
    return tuple(name for name in wanted if name in limits.layers)


def _kept_layers(last: View, had: Limits, limits: Limits) -> tuple[str, ...]:
    new = {name for name in _first_layers(limits) if name not in had.layers}  # nobody has chosen for or against them
    return tuple(sorted({*new, *last.layers} & {*limits.layers}))


def _kept_weight(last: View, had: Limits, limits: Limits) -> float | None:
    if limits.beta is None or last.beta is None:
        return first_weight(limits)
    return min(max(last.beta, limits.beta[0]), limits.beta[1])


def _kept_point(last: View, had: Limits, limits: Limits) -> Point:
    """An image, without the draw: it is of another posterior; places of another latent space mean nothing here."""
    return AtImage(last.image) if is_index(last.image, limits.images) else _first_point(limits)


def _kept_pins(last: View, had: Limits, limits: Limits) -> tuple[Point, ...]:
    return tuple(AtImage(pin.image) for pin in last.pins if isinstance(pin, AtImage) and pin.image < limits.images)


def _kept_other(last: View, had: Limits, limits: Limits) -> int | None:
    pins = _kept_pins(last, had, limits)
    rival = None if last.other is None else last.pins[last.other]
    return pins.index(rival) if rival in pins else None


def _settled(view: View, limits: Limits) -> View:
    return replace(view, other=None) if view.other is not None and view.other >= len(view.pins) else view


STATE: Table[View, Limits] = Table(
    View,
    (
        Row(name="model", codec=Fixed(), default=lambda limits: limits.model),
        Row(
            name="beta",
            codec=Weight(lambda limits: f"{limits.model} has"),
            default=first_weight,
            nothing="its only setting",
            keep=_kept_weight,
            of_images=False,
        ),
        Row(name="point", codec=ThePoint(), default=_first_point, keep=_kept_point),
        Row(
            name="hidden",
            link="hide",
            codec=Classes(),
            default=lambda _: (),
            nothing="all classes",
            keep=lambda last, _, limits: tuple(k for k in last.hidden if k < limits.classes),
        ),
        Row(name="part", codec=_Part(), default=lambda limits: limits.part),
        Row(
            name="column",
            link="colour",
            codec=_Column(),
            default=lambda _: None,
            nothing="colours of the classes",
        ),
        Row(name="marks", codec=Marks(), default=lambda _: (), nothing="colours alone"),
        Row(
            name="layers",
            codec=_Layers(),
            default=_first_layers,
            nothing="no layer",
            keep=_kept_layers,
            of_images=False,
        ),
        Row(name="window", link="zoom", codec=Window(), default=lambda _: None, nothing="the whole map"),
        Row(name="pins", codec=Points(MOST_PINS), default=lambda _: (), nothing="no pins", keep=_kept_pins),
        Row(name="other", codec=_Other(), default=lambda _: None, nothing="no comparison", keep=_kept_other),
        Row(
            name="path",
            codec=OneOf(PATHS, usual=PATHS[0]),
            default=lambda _: PATHS[0],
            keep=lambda last, *_: last.path,
            of_images=False,
        ),
        Row(
            name="tab",
            codec=OneOf(TABS, usual=TABS[0]),
            default=lambda _: TABS[0],
            keep=lambda last, *_: last.tab,
            of_images=False,
        ),
    ),
    _settled,
)


def choose(query: Mapping[str, str], names: Sequence[str]) -> tuple[str, list[str]]:
    """Returns the model that a link names, or else the first, with what had to be changed."""
    wanted = query.get("model", names[0])
    if wanted in names:
        return wanted, []
    return names[0], [f"There is no model “{quoted(wanted)}” here. Shown instead: {names[0]}."]


def parse(query: Mapping[str, str], limits: Limits) -> tuple[View, list[str]]:
    """Returns the view that a link names; what cannot be shown keeps its default and gives a message."""
    view, messages = STATE.parse(query, limits)
    if view.names_images and other_images(query, limits):
        messages.append(OTHER_IMAGES)
    return view, messages


OTHER_IMAGES = "The link was made with other images than those that are here: its image numbers mean others."


def other_images(query: Mapping[str, str], limits: Limits) -> bool:
    """Says whether a link tells that its images are not those that are here; an older link tells nothing."""
    return "data" in query and limits.data != "" and query["data"] != limits.data


def fitting(view: View, limits: Limits) -> View:
    """Returns a view as far as a model still allows it: its images may have gone, or be fewer, since it was one."""
    images = [point.image for point in (view.point, *view.pins) if isinstance(point, AtImage)]
    if view.model == limits.model and all(image < limits.images for image in images):
        return replace(view, layers=tuple(name for name in view.layers if name in limits.layers))
    return STATE.start(limits)


def shifted(last: View, by: int, limits: Limits) -> View:
    """Returns the same view among more images, or fewer; those that are no longer there leave it.

    Arguments:
        last: What was seen.
        by: What is added to an image's number.
        limits: What there is now.
    """

    def moved(point: Point) -> Point | None:
        if isinstance(point, AtPlace):
            return point
        return replace(point, image=point.image + by) if is_index(point.image + by, limits.images) else None

    pins = [moved(pin) for pin in last.pins]
    kept = [k for k, pin in enumerate(pins) if pin is not None]
    return replace(
        last,
        part=limits.part,
        point=moved(last.point) or FIRST_IMAGE,
        pins=tuple(pin for pin in pins if pin is not None),
        other=kept.index(last.other) if last.other in kept else None,
    )
