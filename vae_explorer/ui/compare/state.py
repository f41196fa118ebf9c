"""What the Compare page shows: its table of state. Nothing here knows Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from vae_explorer.ui.explore.state import OTHER_IMAGES, other_images
from vae_explorer.ui.state.codecs import (
    Classes,
    Fixed,
    Marks,
    OneOf,
    Seed,
    ThePoint,
    Weight,
    Window,
    first_weight,
    read_image,
)
from vae_explorer.ui.state.limits import Limits, is_index
from vae_explorer.ui.state.points import AtImage, AtPlace, Point, image_of, taken
from vae_explorer.ui.state.table import Codec, Row, Table
from vae_explorer.ui.state.words import Refused, joined, quoted

SIDES = ("left", "right")
LINKS = ("point", "image")
TABS = ("sample", "path", "gaps", "draw")
SPACES = ("prior", "fitted", "mixture")
NO_MIXTURE = "A mixture of Gaussians is fitted to the codes of autoencoders: python -m vae_explorer gaps NAME."
NO_GAPS = "Gap field and gap table compare two planes: they are shown where both models have two latent axes."


@dataclass(frozen=True)
class OnSide:
    """A point, and the side on which it was chosen: a place is one of that side's model."""

    side: str
    point: Point


Seen = tuple[float, ...] | None  # x, y, half
FIRST_IMAGE = OnSide(SIDES[0], AtImage(0))


@dataclass(frozen=True, kw_only=True)
class DuelView:
    """One view of two models beside each other.

    Arguments:
        left: The left checkpoint's name.
        right: The right one's.
        beta: The KL weight of those that have one to set; None where none has.
        link: Whether the sides show the same point, in units of their codes' standard deviation, or the same image.
        point: The point that was chosen, and on which side.
        hidden: Classes that are not drawn.
        marks: How classes are told apart beside their colours.
        ends: The images that the walk goes from and to.
        spaces: What each side is sampled from.
        seed: Of the draws.
        field: The field of the plane that is shown, if any.
        windows: Centre and half width of the visible part of each map, `(x, y, half)`; None for all of it.
        tab: What stands below the images.
    """

    left: str
    right: str
    beta: float | None = None
    link: str = LINKS[0]
    point: OnSide = FIRST_IMAGE
    hidden: tuple[int, ...] = ()
    marks: tuple[str, ...] = ()
    ends: tuple[int, int] = (0, 1)
    spaces: tuple[str, str] = (SPACES[0], SPACES[0])
    seed: int = 0
    field: str | None = None
    windows: tuple[Seen, Seen] = (None, None)
    tab: str = TABS[0]

    @property
    def side(self) -> str:
        return self.point.side

    @property
    def image(self) -> int | None:
        """The image that was chosen; None where a place was."""
        return image_of(self.point.point)

    @property
    def place(self) -> tuple[float, ...] | None:
        """The place that was chosen, on all axes of its side's model; None where an image was."""
        return self.point.point.z if isinstance(self.point.point, AtPlace) else None


@dataclass(frozen=True, kw_only=True)
class DuelLimits:
    """What two checkpoints and their images allow.

    Arguments:
        sides: Each side's own limits; both have the same images.
        spaces: What each side is sampled from unless chosen otherwise.
        mixtures: Which sides have a mixture of Gaussians to be sampled from.
        fields: The fields that there are; none where a model has no plane.
    """

    sides: tuple[Limits, Limits]
    spaces: tuple[str, str]
    fields: tuple[str, ...]
    mixtures: tuple[bool, bool] = (False, False)

    def has(self, spaces: Sequence[str]) -> bool:
        """Says whether each side can be sampled from what it is to be."""
        return all(space != "mixture" or has for space, has in zip(spaces, self.mixtures, strict=True))

    def of(self, side: str) -> Limits:
        return self.sides[SIDES.index(side)]

    @property
    def axes(self) -> int:
        """The most latent axes that one of both has."""
        return max(side.latent for side in self.sides)

    @property
    def beta(self) -> tuple[float, float] | None:
        """The range of the KL weight that is set for both: the narrower one where both have one."""
        ranges = [side.beta for side in self.sides if side.beta]
        if not ranges:
            return None
        return max(low for low, _ in ranges), min(high for _, high in ranges)


class _SidesPoint(Codec[DuelLimits]):
    """The point: `side`, and `image` or `z`; no draws of a posterior, which is another one on the other side."""

    point = ThePoint()

    def keys(self, name: str) -> tuple[str, ...]:
        return ("side", "image", "z")

    def from_link(self, name: str, text: str, limits: DuelLimits, view: DuelView) -> OnSide:
        if name == "side":
            return replace(view.point, side=OneOf[DuelLimits](SIDES).from_link(name, text, limits, view))
        return replace(view.point, point=self.point.from_link(name, text, limits.of(view.side), view))

    def to_link(self, name: str, value: OnSide) -> dict[str, str]:
        return {"side": value.side, **self.point.to_link(name, value.point)}

    def from_report(self, value: Any, limits: DuelLimits, view: DuelView) -> OnSide:
        if not isinstance(value, dict) or value.get("side") not in SIDES:
            raise Refused("That is on no side.")
        point = taken(value, limits.of(value["side"]))
        return OnSide(value["side"], replace(point, noise=None) if isinstance(point, AtImage) else point)

    def words(self, key: str, value: OnSide) -> str:
        return value.side if key == "side" else self.point.words(key, value.point)


class _OfImages(Codec[DuelLimits]):
    """What is said of the images, which are the same on both sides."""

    def __init__(self, codec: Codec[Limits]) -> None:
        self.codec = codec

    def from_link(self, name: str, text: str, limits: DuelLimits, view: DuelView) -> Any:
        return self.codec.from_link(name, text, limits.sides[0], view)

    def to_link(self, name: str, value: Any) -> dict[str, str]:
        return self.codec.to_link(name, value)

    def from_report(self, value: Any, limits: DuelLimits, view: DuelView) -> Any:
        return self.codec.from_report(value, limits.sides[0], view)

    def words(self, key: str, value: Any) -> str:
        return self.codec.words(key, value)


class _Ends(Codec[DuelLimits]):
    """Two images."""

    def from_link(self, name: str, text: str, limits: DuelLimits, view: DuelView) -> tuple[int, int]:
        first = limits.sides[0]
        try:
            start, end = (read_image(name, part, first) for part in text.split(","))
        except ValueError as error:  # Refused is one
            raise Refused(f"{name} = {quoted(text)} is not two of the images 0 to {first.images - 1}.") from error
        return start, end

    def to_link(self, name: str, value: tuple[int, int]) -> dict[str, str]:
        return {name: joined(value)}

    def from_report(self, value: Any, limits: DuelLimits, view: DuelView) -> tuple[int, int]:
        match value:
            case [start, end] if all(is_index(each, limits.sides[0].images) for each in (start, end)):
                return start, end
        raise Refused("These are no two images.")

    def words(self, key: str, value: tuple[int, int]) -> str:
        return f"{value[0]} and {value[1]}"


class _Spaces(Codec[DuelLimits]):
    """What each side is sampled from."""

    def from_link(self, name: str, text: str, limits: DuelLimits, view: DuelView) -> tuple[str, str]:
        each = OneOf[DuelLimits](SPACES)
        spaces = tuple(each.from_link(name, part, limits, view) for part in text.split(","))
        if len(spaces) != len(SIDES):
            raise Refused(f"{name} = {quoted(text)} is not one for each side.")
        if not limits.has(spaces):
            raise Refused(f"{name} = {quoted(text)} cannot be drawn from. {NO_MIXTURE}")
        return spaces[0], spaces[1]

    def to_link(self, name: str, value: tuple[str, str]) -> dict[str, str]:
        return {name: ",".join(value)}

    def from_report(self, value: Any, limits: DuelLimits, view: DuelView) -> tuple[str, str]:
        match value:
            case [left, right] if left in SPACES and right in SPACES and limits.has((left, right)):
                return left, right
        raise Refused("These cannot be drawn from.")

    def words(self, key: str, value: tuple[str, str]) -> str:
        return " and ".join(value)


class _Windows(Codec[DuelLimits]):
    """What is seen of each map: a window as Explore's, or nothing for all of it; `1,0,0.5~` zooms into the left one."""

    def from_link(self, name: str, text: str, limits: DuelLimits, view: DuelView) -> tuple[Seen, Seen]:
        parts = text.split("~")
        if len(parts) != len(SIDES):
            raise Refused(f"{name} = {quoted(text)} is not a window for each side.")
        left, right = (
            Window().from_link(name, part, side, view) if part else None
            for part, side in zip(parts, limits.sides, strict=True)
        )
        return left, right

    def to_link(self, name: str, value: tuple[Seen, Seen]) -> dict[str, str]:
        return {name: "~".join("" if each is None else joined(each) for each in value)} if any(value) else {}

    def from_report(self, value: Any, limits: DuelLimits, view: DuelView) -> tuple[Seen, Seen]:
        match value:
            case [_, _]:
                left, right = (
                    Window().from_report(each, side, view) for each, side in zip(value, limits.sides, strict=True)
                )
                return left, right
        raise Refused("These are no two windows.")

    def words(self, key: str, value: tuple[Seen, Seen]) -> str:
        return " and ".join("the whole map" if each is None else joined(each) for each in value)


class _Field(OneOf[DuelLimits]):
    def from_link(self, name: str, text: str, limits: DuelLimits, view: DuelView) -> str:
        if not limits.fields:
            raise Refused(f"{name} = {quoted(text)} cannot be shown. {NO_GAPS}")
        return super().from_link(name, text, limits, view)

    def from_report(self, value: Any, limits: DuelLimits, view: DuelView) -> str | None:  # type: ignore[override]
        return None if value is None else super().from_report(value, limits, view)


STATE: Table[DuelView, DuelLimits] = Table(
    DuelView,
    (
        Row(name="left", codec=Fixed(), default=lambda limits: limits.sides[0].model),
        Row(name="right", codec=Fixed(), default=lambda limits: limits.sides[1].model),
        Row(
            name="beta",
            codec=Weight(lambda limits: f"{limits.sides[0].model} and {limits.sides[1].model} have"),
            default=first_weight,
            nothing="their only setting",
        ),
        Row(name="link", codec=OneOf(LINKS), default=lambda _: LINKS[0]),
        Row(name="point", codec=_SidesPoint(), default=lambda _: FIRST_IMAGE),
        Row(
            name="hidden",
            link="hide",
            codec=_OfImages(Classes()),
            default=lambda _: (),
            nothing="all classes",
        ),
        Row(name="marks", codec=_OfImages(Marks()), default=lambda _: (), nothing="colours alone"),
        Row(name="ends", codec=_Ends(), default=lambda _: (0, 1)),
        Row(name="spaces", codec=_Spaces(), default=lambda limits: limits.spaces),
        Row(name="seed", codec=Seed(), default=lambda _: 0),
        Row(name="field", codec=_Field(lambda limits: limits.fields), default=lambda _: None, nothing="no field"),
        Row(name="windows", link="zoom", codec=_Windows(), default=lambda _: (None, None), nothing="both whole maps"),
        Row(name="tab", codec=OneOf(TABS), default=lambda _: TABS[0]),
    ),
    lambda view, _: view,
)


def parse(query: Mapping[str, str], limits: DuelLimits) -> tuple[DuelView, list[str]]:
    """Returns the view that a link names; what cannot be shown keeps its default and gives a message."""
    view, messages = STATE.parse(query, limits)
    if other_images(query, limits.sides[0]):
        messages.append(OTHER_IMAGES)
    return view, messages
