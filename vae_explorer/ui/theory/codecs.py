"""The kinds of values that screens hold beside those of all pages; a number out of range is refused in words."""

from __future__ import annotations

import math
from typing import Any

from vae_explorer.ui.state.codecs import read_image
from vae_explorer.ui.state.limits import Limits, is_index, is_number
from vae_explorer.ui.state.table import Codec
from vae_explorer.ui.state.words import Refused, joined, number, quoted, whole


class Image(Codec[Limits]):
    """The number of an image of the test part."""

    def from_link(self, name: str, text: str, limits: Limits, view: Any) -> int:
        return read_image(name, text, limits)

    def from_report(self, value: Any, limits: Limits, view: Any) -> int:
        if is_index(value, limits.images):
            return value
        raise Refused("That is no image.")

    def words(self, key: str, value: int) -> str:
        return f"image {value}"


class Number(Codec[Limits]):
    """A number from `low` to `high`, ends included."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def from_link(self, name: str, text: str, limits: Limits, view: Any) -> float:
        value = number(text)
        if not self.low <= value <= self.high:
            raise Refused(f"{name} = {quoted(text)} is not a number from {self.low:g} to {self.high:g}.")
        return value

    def to_link(self, name: str, value: float) -> dict[str, str]:
        return {name: f"{value:.6g}"}

    def from_report(self, value: Any, limits: Limits, view: Any) -> float:
        if is_number(value) and self.low <= value <= self.high:
            return float(f"{value:.6g}")  # as the link says it
        raise Refused("That is no number that can be set.")

    def words(self, key: str, value: float) -> str:
        return f"{key} = {value:g}"


class Whole(Codec[Limits]):
    """A whole number from `low` to `high`, ends included."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def from_link(self, name: str, text: str, limits: Limits, view: Any) -> int:
        value = whole(text, 9)
        if value is None or not self.low <= value <= self.high:
            raise Refused(f"{name} = {quoted(text)} is not a whole number from {self.low:,} to {self.high:,}.")
        return value

    def from_report(self, value: Any, limits: Limits, view: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high:
            return value
        raise Refused("That is no number that can be set.")

    def words(self, key: str, value: int) -> str:
        return f"{key} = {value}"


class Flag(Codec[Limits]):
    """Yes or no: `on` in a link, or nothing."""

    def from_link(self, name: str, text: str, limits: Limits, view: Any) -> bool:
        if text != "on":
            raise Refused(f"{name} = {quoted(text)} is not on.")
        return True

    def to_link(self, name: str, value: bool) -> dict[str, str]:
        return {name: "on"} if value else {}

    def from_report(self, value: Any, limits: Limits, view: Any) -> bool:
        if isinstance(value, bool):
            return value
        raise Refused("That is neither yes nor no.")

    def words(self, key: str, value: bool) -> str:
        return f"{key} is {'on' if value else 'off'}"


class Numbers(Codec[Limits]):
    """So many numbers from `low` to `high`; any number of them up to `most` where `count` is left out."""

    def __init__(self, low: float, high: float, count: int | None = None, most: int = 400) -> None:
        self.low, self.high, self.count, self.most = low, high, count, most

    def fits(self, values: tuple[float, ...]) -> bool:
        fits = all(math.isfinite(value) and self.low <= value <= self.high for value in values)
        return fits and (len(values) <= self.most if self.count is None else len(values) == self.count)

    def from_link(self, name: str, text: str, limits: Limits, view: Any) -> tuple[float, ...]:
        values = tuple(map(number, text.split(","))) if text else ()
        if not self.fits(values):
            many = f"{self.count}" if self.count is not None else f"at most {self.most}"
            raise Refused(f"{name} = {quoted(text)} is not {many} numbers from {self.low:g} to {self.high:g}.")
        return values

    def to_link(self, name: str, value: tuple[float, ...]) -> dict[str, str]:
        return {name: joined(value)} if value else {}

    def from_report(self, value: Any, limits: Limits, view: Any) -> tuple[float, ...]:
        if isinstance(value, list) and all(is_number(each) and self.low <= each <= self.high for each in value):
            values = tuple(float(f"{each:.6g}") for each in value)
            if self.fits(values):
                return values
        raise Refused("These are no numbers that can be set.")

    def words(self, key: str, value: tuple[float, ...]) -> str:
        return f"{key} = {joined(value)}"
