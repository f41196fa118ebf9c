"""JSON from outside, checked against the type that it is to become; what does not fit is refused in words.

The rules stand with the types, and msgspec reads them there: a dataclass's fields, a tuple's items, the values of a
`Literal`, the bounds of `Annotated[..., Meta(...)]`. What only all fields together can tell is asked in a dataclass's
`__post_init__`, which raises ValueError.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta as Meta

T = TypeVar("T")

_EXACT = 2**53  # from here on not every whole number is a float
Finite = Annotated[float, Meta(gt=-_EXACT, lt=_EXACT)]
NotNegative = Annotated[float, Meta(ge=0, lt=_EXACT)]
Count = Annotated[int, Meta(ge=1, lt=_EXACT)]


def words(text: str) -> Meta:
    """Returns what stands in a field's type for a reader, and for the help of its option on the command line."""
    return Meta(description=text)


_LONGEST = 300  # characters of a message
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "yes or no",
    "str": "text",
    "null": "nothing",
    "array": "a list",
    "object": "an object",
}
_PHRASES = (
    (r"^Expected", "expected"),
    (r"^Number out of range", "expected a number that a float holds"),
    (r"^Invalid enum value (.*)", r"\1 is not among the known values"),
    (r"^Object missing required field `(.*)`", r"the field \1 is missing"),
    (rf"`float` [<>] -?{_EXACT}\.0", "a finite number"),
    (r" >= ([\d.e+-]+)", r" from \1 up"),
    (r" <= ([\d.e+-]+)", r" up to \1"),
)


class Misfit(ValueError):
    """Something that is no JSON, or not what was wanted; the message names the field."""


def loads(text: str | bytes, wanted: type[T], *, open_ended: bool = False) -> T:
    """Returns what a JSON text holds as the type that is wanted; see `convert`.

    It is parsed by Python: files hold what msgspec's parser refuses, infinite losses of a run and halves of characters
    in the names of files. What must be finite is seen in `convert`.

    Raises:
        Misfit: If it is no JSON in UTF-8, or does not fit.
    """
    try:
        values = json.loads(text.decode("utf-8") if isinstance(text, bytes) else text)
    except (ValueError, RecursionError) as error:  # numbers of 5,000 digits, among others
        raise Misfit(f"no JSON: {error}"[:_LONGEST]) from error
    return convert(values, wanted, open_ended=open_ended)


def convert(values: object, wanted: type[T], *, open_ended: bool = False) -> T:
    """Returns JSON types as the type that is wanted; a field with a default may be missing.

    Arguments:
        values: JSON types.
        wanted: A dataclass, a named tuple, or any other type that msgspec knows.
        open_ended: Lets pass fields that nobody knows: another version's, or a user's own.

    Raises:
        Misfit: If a field is missing, unknown, of another type, or out of its bounds.
    """
    try:
        made = msgspec.convert(values, wanted)
    except (ValueError, RecursionError) as error:
        raise Misfit(_said(error)[:_LONGEST]) from error
    if not open_ended and (unknown := sorted(set(_unknown(made, values)))):
        raise Misfit(f"nobody knows the fields {', '.join(unknown)}"[:_LONGEST])
    return made


def _unknown(made: Any, values: Any) -> Iterator[str]:
    """Yields the names in an object that a dataclass has no field of; msgspec passes over them."""
    if is_dataclass(made):
        known = {field.name: getattr(made, field.name) for field in fields(made)}
        for name, value in values.items():
            yield from _unknown(known[name], value) if name in known else (name,)
    elif isinstance(made, tuple) and made and is_dataclass(made[0]):
        for one, value in zip(made, values, strict=True):
            yield from _unknown(one, value)


def _said(error: Exception) -> str:
    """Returns msgspec's words as ours: the field first, and no names of Python's types."""
    text, _, place = str(error).rpartition(" - at `$") if " - at `$" in str(error) else (str(error), "", "")
    if isinstance(error, UnicodeError):  # msgspec looks some texts up by their bytes
        return "half a character, which is no text"
    if error.__cause__ is not None:  # __post_init__'s, which names its fields itself
        return str(error.__cause__)
    for pattern, ours in _PHRASES:
        text = re.sub(pattern, ours, text, flags=re.DOTALL)
    text = re.sub(r"`([a-z |]+)`", lambda found: " or ".join(_WORDS.get(w, w) for w in found[1].split(" | ")), text)
    place = place.rstrip("`").removeprefix(".").partition("[...]")[0]  # msgspec does not tell a dictionary's keys
    return f"{place}: {text}" if place else text
