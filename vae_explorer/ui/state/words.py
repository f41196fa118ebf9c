"""Texts of a link: read as numbers, written short, and quoted where they cannot be shown."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode


class Refused(ValueError):
    """A value that cannot be shown; the message says what is wrong with it."""


def number(text: str) -> float:
    """Returns a number as links write it, else nan; Python would read `1_0` and the digits of all scripts too."""
    try:
        return float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return math.nan


def whole(text: str, digits: int) -> int | None:
    """Returns a whole number of so many digits at most, else None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def joined(values: Sequence[object]) -> str:
    return ",".join(f"{value:.6g}" if isinstance(value, float) else str(value) for value in values)


def quoted(text: str) -> str:
    """A stranger's text made fit for the screen: short, and without what Markdown would read."""
    plain = re.sub(r"[^\w .,+-]", "?", text)
    return plain if len(plain) <= 40 else plain[:40] + "…"


def link(query: Mapping[str, str]) -> str:
    """Returns a query as the address bar shows it."""
    return urlencode(query, safe=",")
