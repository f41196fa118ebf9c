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


def class_colours(count: int) -> tuple[str, ...]:
    """Returns one colour a class; beyond ten classes they come round again."""
    return tuple(CLASSES[k % len(CLASSES)] for k in range(count))
