"""Colours, marks and fonts: the only place that has them."""

from __future__ import annotations

GROUNDS = ("#ffffff", "#101318")  # of .streamlit/config.toml, light and dark
LEAST = 3.0  # contrast of a class against both grounds, WCAG 2.2, criterion 1.4.11

# Ten colours that stand out from both grounds, found by annealing: their luminances may lie between .120 and .300
# alone, and within that band the least distance of two (CIEDE2000) is as large as could be had: 20.7 for usual
# colour vision, 11 without one kind of cones (Machado, Oliveira & Fernandes, A Physiologically-based Model for
# Simulation of Color Vision Deficiency, 2009). Marks tell the classes apart without colours.
CLASSES = (
    *("#2d4cf5", "#979420", "#c80507", "#7b92b8", "#ba0694"),
    *("#c2716c", "#04a595", "#6b666e", "#4b6e40", "#c665fe"),
)
# The twins of MARKS in ui/canvas/scatter/marks.js.
MARKS = ("disc", "square", "triangle", "diamond", "plus", "cross", "wedge", "ring", "star", "bar")
INK = "#16191f"
PAPER = GROUNDS[0]
GRID = "#e4e7ec"
# Viridis (van der Walt and Smith, 2015, CC0) at nine even steps: even in lightness, for every kind of colour vision.
SCALE = (
    *("#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c"),
    *("#28ae80", "#5ec962", "#addc30", "#fde725"),
)
# Terms of a formula, on the light ground and on the dark one: each a text's contrast (4.5) from it, told apart by every
# kind of colour vision as far as words beside them need it (after Okabe & Ito, Color Universal Design, 2008).
TERMS = (
    ("#1f66c1", "#6fb1f5"),
    ("#b04a00", "#f0a347"),
    ("#0b7355", "#4cc9a4"),
    ("#a8327e", "#f07fc4"),
    ("#6b3fd4", "#b79cff"),
    ("#7a5c00", "#d9c04a"),
    ("#5b6472", "#aab4c3"),
)
FONT = "Source Sans, Source Sans Pro, Helvetica Neue, Arial, sans-serif"

# Luminances that colours take when they come round again; within the band, and each told from the others.
ROUNDS = (None, 0.135, 0.28, 0.165, 0.235)


def class_colours(count: int) -> tuple[str, ...]:
    """Returns one colour a class; beyond ten classes they come round again, darker and lighter."""
    return tuple(_at(CLASSES[k % len(CLASSES)], ROUNDS[k // len(CLASSES) % len(ROUNDS)]) for k in range(count))


def class_marks(count: int) -> tuple[str, ...]:
    """Returns one mark a class: a colour that comes round again comes with another mark."""
    return tuple(MARKS[(k + k // len(CLASSES)) % len(MARKS)] for k in range(count))


def luminance(colour: str) -> float:
    """Returns the relative luminance of a colour, 0 to 1, as WCAG defines it."""
    channels = (each / 255 for each in bytes.fromhex(colour[1:]))
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _at(colour: str, target: float | None) -> str:
    """Mixes black or white into a colour until it has this luminance."""
    if target is None:
        return colour
    other = 255 if luminance(colour) < target else 0
    shares = (k / 255 for k in range(256))
    return min((_mixed(colour, other, share) for share in shares), key=lambda each: abs(luminance(each) - target))


def _mixed(colour: str, other: int, share: float) -> str:
    channels = bytes.fromhex(colour[1:])
    return "#" + bytes(round((1 - share) * each + share * other) for each in channels).hex()
