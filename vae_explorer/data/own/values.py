"""Which values become black and white: decided over all images at once, as somebody would who looks at them all."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = Literal["auto", "stretch", "stored"]
Kind = Literal["byte", "whole", "real"]  # of numbers: 8 bits without a sign, whole ones, those with fractions

OVERSHOOT = 0.05  # of a usual range: as much as resampling adds at edges; it is clipped
_MUCH = 1 / 3  # of a usual range: who fills more has little to choose


class Range(NamedTuple):
    """Two values, and what lies between them."""

    low: float
    high: float

    @property
    def width(self) -> float:
        """Their distance, in halves since that of two doubles may overflow."""
        return self.high / 2 - self.low / 2

    def with_(self, other: Range) -> Range:
        """Returns the range that holds both."""
        return Range(min(self.low, other.low), max(self.high, other.high))


NOTHING = Range(np.inf, -np.inf)  # the range of no values
BYTE, WORD, UNIT, SIGNED = Range(0, 255), Range(0, 65_535), Range(0, 1), Range(-1, 1)
STANDARD: dict[Kind, Range] = {"byte": BYTE, "whole": WORD, "real": UNIT}  # black and white, before one has looked
_USUAL: dict[Kind, tuple[Range, ...]] = {
    "byte": (BYTE,),
    "whole": (UNIT, SIGNED, BYTE, WORD),
    "real": (UNIT, SIGNED, BYTE, WORD),
}
# Values that fill less of a usual range than this are spread over all grey levels. A dark photograph fills a quarter;
# 12 bits in 16 fill a sixteenth, and standardised values any part of what lies around 0.
_FILLED = {UNIT: 0.25, SIGNED: 0.75, WORD: 0.5}


def kind_of(dtype: np.dtype[np.generic]) -> Kind:
    """Returns the kind of an array's numbers; Booleans are whole numbers."""
    return "real" if dtype.kind == "f" else "byte" if dtype == np.uint8 else "whole"


def range_of(values: NDArray[np.generic]) -> Range:
    """Returns the least and the largest of some finite numbers."""
    return Range(float(values.min()), float(values.max())) if values.size else NOTHING


def usual(found: Range, kind: Kind) -> Range:
    """Returns the range that such values are usually stored in, or their own where there is none."""
    return next((each for each in _USUAL[kind] if _holds(each, found, kind)), found)


def ends(found: Range, kind: Kind, values: Values) -> Range:
    """Returns the values that become black and white; equal ones where all are one.

    Arguments:
        found: The least and the largest value of all images.
        kind: What numbers they are.
        values: What the user chose.
    """
    stored = usual(found, kind)
    if values == "stored" or (values == "auto" and found.width >= _least(stored, kind) * stored.width):
        return stored
    return found


def choosable(found: Range, kind: Kind) -> bool:
    """Says whether another choice would give other grey levels that one can see."""
    stored = usual(found, kind)
    return 0 < found.width < max(_MUCH, _least(stored, kind)) * stored.width and stored != found


def grey_levels(values: NDArray[np.generic], black_white: Range) -> NDArray[np.uint8]:
    """Returns numbers as grey levels from 0 to 255, rounded; what lies beyond both ends is clipped.

    .. math:: g = 255 (x - a) / (b - a)
    """
    if values.dtype == np.uint8 and black_white == BYTE:
        return values.astype(np.uint8)
    half = black_white.width
    if not half:
        return np.zeros(values.shape, np.uint8)
    # float32 would round 16-bit levels near a half, and two doubles' difference may overflow; halves do neither
    share = (values.astype(np.float64) / 2 - black_white.low / 2) / half
    levels: NDArray[np.uint8] = np.rint(255 * share.clip(0, 1)).astype(np.uint8)
    return levels


def words(found: Range, kind: Kind, values: Values) -> list[str]:
    """Returns what a user should know of the values, a sentence or none."""
    chosen, stored = ends(found, kind, values), usual(found, kind)
    if chosen == BYTE or not found.width:
        return []
    become = f"Values from {chosen.low:g} to {chosen.high:g} become grey levels from 0 to 255"
    if chosen != stored:
        share = 100 * found.width / stored.width
        return [f"{become}: they fill {share:.2g} % of the usual {stored.low:g} to {stored.high:g}."]
    beyond = found.low < chosen.low or found.high > chosen.high
    return [f"{become}{'; what lies a little beyond is clipped' * beyond}."]


def _holds(usual_range: Range, found: Range, kind: Kind) -> bool:
    """Says whether values lie in a range; those that fill half of it may overshoot a little."""
    low, high = usual_range
    slack = OVERSHOOT * (high - low) if kind == "real" and found.width >= usual_range.width / 2 else 0.0
    return low - slack <= found.low and found.high <= high + slack and (low >= 0 or found.low < 0)


def _least(stored: Range, kind: Kind) -> float:
    """Returns the share of a usual range that must be filled to be believed."""
    return _FILLED.get(stored, 0.5 if kind == "real" else 0.25)
