"""How the values that Compare alone has are read, written and taken. Nothing here knows Streamlit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vae_explorer.ui.compare.view import (
    NO_GAPS,
    NO_MIXTURE,
    SIDES,
    SPACES,
    SPOTS,
    DuelLimits,
    DuelView,
    OnSide,
    Spot,
)
from vae_explorer.ui.state.codecs import Marks, OneOf, Seen, ThePoint, Window, read_image
from vae_explorer.ui.state.limits import Limits, is_index
from vae_explorer.ui.state.points import AtImage, taken
from vae_explorer.ui.state.table import Codec
from vae_explorer.ui.state.words import Refused, joined, quoted, whole


class SidesPoint(Codec[DuelLimits]):
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


class NamedMarks(Marks):
    """As on Explore, but that classes are named unless a link says otherwise."""

    def from_link(self, name: str, text: str, limits: Limits, view: Any) -> tuple[str, ...]:
        return () if text == "none" else super().from_link(name, text, limits, view)

    def to_link(self, name: str, value: tuple[str, ...]) -> dict[str, str]:
        return {name: ",".join(value) or "none"}


class OfImages(Codec[DuelLimits]):
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


class Ends(Codec[DuelLimits]):
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


class Spaces(Codec[DuelLimits]):
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


class Windows(Codec[DuelLimits]):
    """What is seen of each map: a window as Explore's, or nothing for all of it; `1,0,0.5~` zooms into the left one."""

    def from_link(self, name: str, text: str, limits: DuelLimits, view: DuelView) -> tuple[Seen | None, Seen | None]:
        parts = text.split("~")
        if len(parts) != len(SIDES):
            raise Refused(f"{name} = {quoted(text)} is not a window for each side.")
        left, right = (
            Window().from_link(name, part, side, view) if part else None
            for part, side in zip(parts, limits.sides, strict=True)
        )
        return left, right

    def to_link(self, name: str, value: tuple[Seen | None, Seen | None]) -> dict[str, str]:
        return {name: "~".join("" if each is None else joined(each) for each in value)} if any(value) else {}

    def from_report(self, value: Any, limits: DuelLimits, view: DuelView) -> tuple[Seen | None, Seen | None]:
        match value:
            case [_, _]:
                left, right = (
                    Window().from_report(each, side, view) for each, side in zip(value, limits.sides, strict=True)
                )
                return left, right
        raise Refused("These are no two windows.")

    def words(self, key: str, value: tuple[Seen | None, Seen | None]) -> str:
        return " and ".join("the whole map" if each is None else joined(each) for each in value)


class Field(OneOf[DuelLimits]):
    """A field of the plane, or none."""

    def from_link(self, name: str, text: str, limits: DuelLimits, view: DuelView) -> str | None:  # type: ignore[override]
        if text == "none":
            return None
        if not limits.fields:
            raise Refused(f"{name} = {quoted(text)} cannot be shown. {NO_GAPS}")
        return super().from_link(name, text, limits, view)

    def to_link(self, name: str, value: str | None) -> dict[str, str]:
        return {name: value or "none"}

    def from_report(self, value: Any, limits: DuelLimits, view: DuelView) -> str | None:  # type: ignore[override]
        return None if value is None else super().from_report(value, limits, view)


class SpotOf(Codec[DuelLimits]):
    """One of the worst spots of a side; `left,2` is the left one's second."""

    def from_link(self, name: str, text: str, limits: DuelLimits, view: DuelView) -> Spot:
        side, _, count = text.partition(",")
        spot = [side, whole(count, 2)]
        if not _is_spot(spot):
            raise Refused(f"{name} = {quoted(text)} is not a side and one of its worst spots, 1 to {SPOTS}.")
        return side, int(count)

    def to_link(self, name: str, value: Spot | None) -> dict[str, str]:
        return {} if value is None else {name: joined(value)}

    def from_report(self, value: Any, limits: DuelLimits, view: DuelView) -> Spot | None:
        if value is None:
            return None
        if _is_spot(value):
            return value[0], value[1]
        raise Refused("That is no worst spot.")

    def words(self, key: str, value: Spot | None) -> str:
        return "" if value is None else joined(value)


def _is_spot(value: Any) -> bool:
    match value:
        case [side, count]:
            return side in SIDES and is_index(count, SPOTS + 1) and count > 0
    return False


class Class(Codec[DuelLimits]):
    """One class by its number, or none."""

    def from_link(self, name: str, text: str, limits: DuelLimits, view: DuelView) -> int:
        count = whole(text, 3)
        if not is_index(count, limits.sides[0].classes):
            raise Refused(f"{name} = {quoted(text)} is not a class from 0 to {limits.sides[0].classes - 1}.")
        return count

    def from_report(self, value: Any, limits: DuelLimits, view: DuelView) -> int | None:
        if value is None or is_index(value, limits.sides[0].classes):
            return value
        raise Refused("That is no class.")
