"""What commands print: a table, and how far they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vae_explorer.text import shown


def percent(bar: Any) -> Callable[[float], None]:
    """Returns what shows a fraction done on a bar of 100."""

    def progress(fraction: float) -> None:
        bar.n = round(100 * fraction)
        bar.refresh()

    return progress


def print_table(rows: list[dict[str, Any]]) -> None:
    """Prints rows under the names of their fields."""
    if not rows:
        print("nothing to show")
        return
    cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"
    return shown(str(value), 300)  # a checkpoint's text may hold what drives a terminal
