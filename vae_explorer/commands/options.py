"""Options of the command line, made of a dataclass's fields: name, type, choices, default and words stand there."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from vae_explorer.checked import Meta
from vae_explorer.data import names

DATA = f"{', '.join(names())}, or shards/NAME"


def add_fields(group: argparse._ArgumentGroup, kind: type, /, **others: dict[str, Any]) -> None:
    """Adds an option for each field of a dataclass that is described by `words`.

    Arguments:
        group: Of the parser's options.
        kind: The dataclass.
        others: By field, what argparse is told in the place of what the field says.
    """
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        hint = hints[field.name]
        if get_origin(hint) is not Annotated:
            continue
        plain, *rest = get_args(hint)
        default = None if field.default is MISSING else field.default
        said = next(each.description for each in rest if isinstance(each, Meta))
        given = {"default": default, "help": said, **_type(plain), **others.get(field.name, {})}
        if given["default"] not in (None, ""):
            given["help"] += f" (default: {_shown(given['default'])})"
        given["help"] = given["help"].replace("%", "%%")
        group.add_argument(f"--{field.name.replace('_', '-')}", **given)


def from_fields(kind: type, options: argparse.Namespace) -> dict[str, Any]:
    """Returns the fields of a dataclass that have an option, with what it was given."""
    return {field.name: getattr(options, field.name) for field in fields(kind) if hasattr(options, field.name)}


def _type(hint: Any) -> dict[str, Any]:
    """Returns how argparse reads a type."""
    if get_origin(hint) is Literal:
        return {"choices": get_args(hint)}
    few = [each for each in get_args(hint) if each is not NoneType] if NoneType in get_args(hint) else [hint]
    known: dict[Any, tuple[Callable[[str], Any], str]] = {
        int: (int, "N"),
        float: (float, "X"),
        str: (str, "TEXT"),
        tuple[int, ...]: (_widths, "W,W"),
        tuple[int, int]: (_size, "HxW"),
    }
    read, metavar = known[few[0]]
    return {"type": read, "metavar": metavar}


def _shown(value: object) -> str:
    """Returns a default as it is typed."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _widths(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d{1,9}(,\d{1,9})*", text):
        raise argparse.ArgumentTypeError(f"widths are needed, as 512,256, not {text!r}")
    return tuple(map(int, text.split(",")))


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if not match:
        raise argparse.ArgumentTypeError(f"height and width are needed, as 28x28, not {text!r}")
    return int(match[1]), int(match[2])


def count(text: str) -> int:
    """Reads a number from 1 to 100."""
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"a number from 1 to 100 is needed, not {text!r}")
    return int(text)


def pixels(text: str) -> int:
    """Reads a number of pixels from 0 up."""
    if not re.fullmatch(r"\d{1,5}", text):
        raise argparse.ArgumentTypeError(f"a number of pixels from 0 up is needed, not {text!r}")
    return int(text)


def positive(text: str) -> int:
    """Reads a number from 1 up."""
    if not text.isdecimal() or not int(text) >= 1:
        raise argparse.ArgumentTypeError(f"a number from 1 up is needed, not {text!r}")
    return int(text)
