"""Colours and fonts: the only place that has them."""

from __future__ import annotations

# Ten colours that stay apart for every kind of colour vision: Petroff, Accessible Color Sequences
# for Data Visualization, 2021, https://arxiv.org/abs/2107.02270
CLASSES = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
INK = "#16191f"
PAPER = "#ffffff"
GRID = "#e4e7ec"
FONT = "Source Sans, Source Sans Pro, Helvetica Neue, Arial, sans-serif"


# Shares of black or white that are mixed in when they come round again; each round is told from the others.
ROUNDS = ((0x00, 0.0), (0x00, 0.3), (0xFF, 0.4), (0x00, 0.5), (0xFF, 0.65))


def class_colours(count: int) -> tuple[str, ...]:
    """Returns one colour a class; beyond ten classes they come round again, darker and lighter."""
    return tuple(_mixed(CLASSES[k % len(CLASSES)], *ROUNDS[k // len(CLASSES) % len(ROUNDS)]) for k in range(count))


def _mixed(colour: str, other: int, share: float) -> str:
    channels = bytes.fromhex(colour[1:])
    return "#" + bytes(round((1 - share) * each + share * other) for each in channels).hex()
